"""Contract 1: what the producer writes, and what the transform takes and refuses."""

import json
from typing import Any

import pytest
from stream_record import RECORD

from stockstream.bars import Bar, Lookback
from stockstream.errors import Reason, RecordError
from stockstream.records import decode_record, encode_record

# What contract 1 says of the default windows.
LONGEST = {"close": 199, "typical": 19, "volume": 19, "true_range": 198}
FIELDS = [
    "schema", "id", "as_of", "instrument", "asset_class", "interval", "open_time",
    "open", "high", "low", "close", "volume", "source", "lookback",
]  # fmt: skip


@pytest.fixture
def record() -> dict[str, Any]:
    lookback = {"close": [10.0, 10.5], "typical": [10.25], "volume": [None], "true_range": [0.5]}
    return RECORD | {"lookback": lookback}


def decode(record: object) -> dict[str, Any]:
    return decode_record(json.dumps(record).encode(), LONGEST)


def refusal(record: object) -> tuple[Reason, str]:
    with pytest.raises(RecordError) as caught:
        decode(record)
    return caught.value.reason, str(caught.value)


def test_writes_the_fields_of_the_contract_in_their_order(record: dict[str, Any]) -> None:
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        10.5, 12.0, 9.0, 11.0, 700.0, "alpaca", "2026-11-20T21:00:05.694Z",
    )  # fmt: skip
    written = json.loads(encode_record(bar, Lookback([10.0, 10.5], [10.25], [None], [0.5])))
    assert written == record
    assert list(written) == FIELDS


def test_reads_what_was_written(record: dict[str, Any]) -> None:
    assert decode(record) == record


def test_gives_the_fields_in_the_order_of_the_contract(record: dict[str, Any]) -> None:
    assert list(decode(dict(reversed(record.items())))) == FIELDS


def test_leaves_out_what_the_contract_does_not_name(record: dict[str, Any]) -> None:
    assert decode(record | {"exchange": "NYSE"}) == record


def test_prices_and_volume_become_floats(record: dict[str, Any]) -> None:
    fields = decode(record | {"open": 11, "high": 12, "low": 9, "close": 11, "volume": 2**64 - 1})
    assert [type(fields[name]) for name in ("open", "high", "low", "close", "volume")] == [float] * 5


def test_a_market_may_report_no_volume(record: dict[str, Any]) -> None:
    assert decode(record | {"volume": None})["volume"] is None


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in {"schema", "lookback"}])
def test_refuses_a_record_without_one_of_its_fields(record: dict[str, Any], name: str) -> None:
    del record[name]
    assert refusal(record) == (Reason.MISSING_FIELD, f"MISSING_FIELD: {name} is missing")


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b'{"open": Infinity}', b"\xff", b"[" * 5000])
def test_refuses_what_is_no_json(data: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        decode_record(data, LONGEST)
    assert caught.value.reason == Reason.MALFORMED_JSON


@pytest.mark.parametrize("value", [None, 1, "bar.v1", ["bar.v1"], True])
def test_refuses_json_that_is_no_object(value: object) -> None:
    assert refusal(value)[0] == Reason.BAD_TYPE


@pytest.mark.parametrize("schema", ["bar.v2", "BAR.V1", "", None, 1, ["bar.v1"]])
def test_refuses_another_schema(record: dict[str, Any], schema: object) -> None:
    assert refusal(record | {"schema": schema})[0] == Reason.UNKNOWN_SCHEMA


def test_refuses_a_record_without_a_schema(record: dict[str, Any]) -> None:
    del record["schema"]
    assert refusal(record)[0] == Reason.UNKNOWN_SCHEMA


@pytest.mark.parametrize(
    "name", ["id", "as_of", "instrument", "asset_class", "interval", "open_time", "source"]
)
@pytest.mark.parametrize("value", ["", None, 5, True, ["IBM"], {"IBM": 1}])
def test_refuses_a_text_that_is_none(record: dict[str, Any], name: str, value: object) -> None:
    assert refusal(record | {name: value})[0] == Reason.BAD_TYPE


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", ["10.5", None, True, [101.0]])
def test_refuses_a_price_that_is_no_number(record: dict[str, Any], name: str, value: object) -> None:
    assert refusal(record | {name: value})[0] == Reason.BAD_TYPE


@pytest.mark.parametrize("value", ["700", True, [1]])
def test_refuses_a_volume_that_is_no_number(record: dict[str, Any], value: object) -> None:
    assert refusal(record | {"volume": value})[0] == Reason.BAD_TYPE


@pytest.mark.parametrize(
    "identity",
    [
        {"id": "MSFT|1min|2026-11-20T20:59:00Z"},
        {"id": "IBM|5min|2026-11-20T20:59:00Z"},
        {"id": "IBM|1min|2026-11-20T20:58:00Z"},
        {"id": "IBM"},
        {"instrument": "fx:EUR/USD", "id": "fx:EUR/USD|1min|2026-11-20T20:59:00Z"},
        {"instrument": "i b m", "id": "i b m|1min|2026-11-20T20:59:00Z"},
        {"interval": "2min", "id": "IBM|2min|2026-11-20T20:59:00Z"},
    ],
    ids=["instrument", "interval", "time", "form", "asset class", "name", "unknown interval"],
)
def test_refuses_a_bar_whose_names_do_not_agree(record: dict[str, Any], identity: dict[str, str]) -> None:
    assert refusal(record | identity)[0] == Reason.BAD_TYPE


@pytest.mark.parametrize(
    "prices",
    [
        {"low": 0},
        {"low": -1},
        {"open": 8.9},
        {"open": 12.1},
        {"close": 8.9},
        {"close": 12.1},
        {"low": -0.0},
    ],
)
def test_refuses_prices_that_cannot_be(record: dict[str, Any], prices: dict[str, float]) -> None:
    assert refusal(record | prices)[0] == Reason.BAD_PRICE


def test_refuses_a_bar_whose_high_is_below_its_low(record: dict[str, Any]) -> None:
    assert refusal(record | {"high": 8.0})[0] == Reason.HIGH_BELOW_LOW


@pytest.mark.parametrize("volume", [-1, -0.5, -1e308])
def test_refuses_a_volume_below_0(record: dict[str, Any], volume: float) -> None:
    assert refusal(record | {"volume": volume})[0] == Reason.BAD_VOLUME


@pytest.mark.parametrize(
    "open_time", ["2026-11-20 20:59:00", "2026-11-20T20:59:00", "2026-02-30T20:59:00Z", "yesterday"]
)
def test_refuses_an_open_time_of_another_form(record: dict[str, Any], open_time: str) -> None:
    record |= {"open_time": open_time, "id": f"IBM|1min|{open_time}"}
    assert refusal(record)[0] == Reason.BAD_TIME


@pytest.mark.parametrize("as_of", ["2026-11-20T21:00:05Z", "2026-11-20T21:00:05.123+00:00", "1795208405123"])
def test_refuses_an_as_of_of_another_form(record: dict[str, Any], as_of: str) -> None:
    assert refusal(record | {"as_of": as_of})[0] == Reason.BAD_TIME


@pytest.mark.parametrize("name", [*FIELDS[:7], "source"])
def test_a_refusal_quotes_no_text_of_the_record(record: dict[str, Any], name: str) -> None:
    record[name] = "sesame" if name != "source" else ["sesame"]
    assert "sesame" not in refusal(record)[1]
