"""Repairs: each turns one kind of refused record into what it doubtless meant, and touches nothing else."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from stream_record import RECORD

from stockstream.errors import Reason
from stockstream.windows import Windows
from stockstream_operate.redrive.repairs import REPAIRS, RepairResult, repair

GOOD = RECORD | {"lookback": {"close": [10.0, 10.2], "typical": [10.1], "volume": [5.0]}}


def repair_record(record: object) -> RepairResult:
    return repair(orjson.dumps(record), Windows())


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


def test_a_good_record_stays_as_it_is() -> None:
    data = orjson.dumps(GOOD) + b" \n"

    result = repair(data, Windows())

    assert (result.data, result.repairs, result.refusal) == (data, (), None)


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (without("id"), "id from instrument, interval and open time"),
        (without("asset_class"), "asset class from the instrument"),
        (GOOD | {"id": None}, "id from instrument, interval and open time"),
        (GOOD | {"asset_class": None}, "asset class from the instrument"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_repair_gives_back_the_record_that_was_meant(bad: dict[str, Any], name: str) -> None:
    result = repair_record(bad)

    assert orjson.loads(result.data) == GOOD
    assert result.repairs == (name,)
    assert result.refusal is not None


def test_a_record_of_any_depth_that_can_be_read_can_be_repaired() -> None:
    extra = b'"extra": ' + b"[" * 1000 + b"]" * 1000
    data = orjson.dumps(without("id"))[:-1] + b", " + extra + b"}"

    result = repair(data, Windows())

    assert result.repairs == ("id from instrument, interval and open time",)
    assert orjson.loads(result.data) == orjson.loads(data) | {"id": GOOD["id"]}


def test_several_repairs_go_together_and_the_first_refusal_is_the_reason() -> None:
    result = repair_record(without("id", "asset_class") | {"lookback": "none"})

    assert orjson.loads(result.data) == without("lookback")
    assert len(result.repairs) == 3
    assert result.refusal is not None
    assert result.refusal.reason is Reason.MISSING_FIELD


def test_a_look_back_that_is_too_long_keeps_its_newest_bars() -> None:
    closes = [float(i) for i in range(1, 301)]
    lookback = {"close": closes, "typical": closes[:30], "volume": [*closes[:29], None]}

    result = repair_record(GOOD | {"lookback": lookback})

    kept = orjson.loads(result.data)["lookback"]
    assert kept == {
        "close": closes[101:],
        "typical": closes[11:30],
        "volume": [*closes[11:29], None],
    }
    assert result.repairs == ("look-back to its newest bars",)


@pytest.mark.parametrize(
    "lookback",
    [
        "none",
        {"close": [1.0]},
        {"close": [0.0], "typical": [], "volume": []},
        {"close": [1.0], "typical": [1.0], "volume": []},
        {"close": [1.0] * 300, "typical": [1.0], "volume": []},
    ],
    ids=str,
)
def test_a_look_back_that_cannot_be_read_is_left_out_and_the_bar_kept(lookback: object) -> None:
    result = repair_record(GOOD | {"lookback": lookback})

    assert orjson.loads(result.data) == without("lookback")
    assert result.repairs == ("bar without its look-back",)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (GOOD | {"schema": "bar.v2"}, Reason.UNKNOWN_SCHEMA),
        (without("schema"), Reason.UNKNOWN_SCHEMA),
        (GOOD | {"high": 9.0, "low": 12.0}, Reason.HIGH_BELOW_LOW),
        (GOOD | {"close": 253.0}, Reason.BAD_PRICE),
        (GOOD | {"low": 0}, Reason.BAD_PRICE),
        (GOOD | {"volume": -1}, Reason.BAD_VOLUME),
        (without("volume"), Reason.MISSING_FIELD),  # null would say that the market reports none
        (without("id", "close"), Reason.MISSING_FIELD),
        (GOOD | {"open": "10.5"}, Reason.BAD_TYPE),  # a sender that writes texts has a way of its own
        (GOOD | {"open": True}, Reason.BAD_TYPE),
        (GOOD | {"id": "IBM|1min|2026-11-20T20:58:00Z"}, Reason.BAD_TYPE),  # which of the two is right?
        (GOOD | {"asset_class": "fx"}, Reason.BAD_TYPE),
        (without("asset_class") | {"instrument": "ib m"}, Reason.MISSING_FIELD),
        (GOOD | {"as_of": "2026-11-20T21:00:05.694"}, Reason.BAD_TIME),  # whose 21:00?
        (GOOD | {"as_of": "2026-11-20T16:00:05.694-05:00"}, Reason.BAD_TIME),
        (GOOD | {"open_time": "2026-11-20T20:59:00.000Z"}, Reason.BAD_TIME),
        ([GOOD], Reason.BAD_TYPE),
    ],
    ids=str,
)
def test_what_leaves_a_doubt_is_left_to_a_person(bad: object, reason: Reason) -> None:
    result = repair_record(bad)

    assert (result.data, result.record, result.repairs) == (orjson.dumps(bad), None, ())
    assert result.refusal is not None
    assert result.refusal.reason is reason


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"open": NaN}'], ids=repr)
def test_what_is_no_json_is_left_to_a_person(data: bytes) -> None:
    result = repair(data, Windows())

    assert (result.data, result.record) == (data, None)
    assert result.refusal is not None
    assert result.refusal.reason is Reason.MALFORMED_JSON


def test_the_same_record_is_always_repaired_to_the_same_bytes() -> None:
    bad = without("id", "asset_class")

    assert repair_record(bad).data == repair_record(bad).data


def test_the_longest_look_back_is_that_of_the_transform_that_runs() -> None:
    record = orjson.dumps(GOOD | {"lookback": {"close": [1.0] * 250, "typical": [], "volume": []}})

    assert repair(record, Windows(sma=(300,))).repairs == ()
    assert repair(record, Windows()).repairs == ("look-back to its newest bars",)


def test_each_repair_says_why_it_is_right() -> None:
    assert len({each.name for each in REPAIRS}) == len(REPAIRS)
    assert all(each.why.endswith(".") for each in REPAIRS)


def test_the_docs_list_each_repair_with_its_reason() -> None:
    text = (Path(__file__).parents[4] / "docs" / "redrive.md").read_text(encoding="utf-8")

    assert [each.name for each in REPAIRS if f"| {each.name} | {each.why} |" not in text] == []
