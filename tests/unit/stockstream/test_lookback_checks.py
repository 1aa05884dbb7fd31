"""What a look-back may hold, in the producer's writing and in anybody else's."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from stream_record import RECORD

from stockstream import lookback_checks
from stockstream.bars import Bar, Lookback
from stockstream.errors import Reason, RecordError
from stockstream.records import decode_record, encode_record

# What contract 1 says of the default windows.
LONGEST = {"close": 199, "typical": 19, "volume": 19, "true_range": 198}
EMPTY: dict[str, list[float]] = {"close": [], "typical": [], "volume": [], "true_range": []}
GOOD = {"close": [10.0, 10.5], "typical": [10.25], "volume": [None], "true_range": [0.5]}

type Write = Callable[[dict[str, Any]], bytes]


# orjson writes as the producer does, and json puts a space behind each comma.
@pytest.fixture(params=[orjson.dumps, lambda value: json.dumps(value).encode()], ids=["producer", "spaces"])
def write(request: pytest.FixtureRequest) -> Write:
    writer: Write = request.param
    return writer


def read(data: bytes, longest: dict[str, int] = LONGEST) -> dict[str, Any]:
    lookback: dict[str, Any] = decode_record(data, longest)["lookback"]
    return lookback


def refusal(data: bytes) -> Reason:
    with pytest.raises(RecordError) as caught:
        read(data)
    return caught.value.reason


@pytest.mark.parametrize("without", [{}, {"lookback": None}], ids=["left out", "null"])
def test_a_record_may_lack_a_lookback(write: Write, without: dict[str, None]) -> None:
    assert read(write(RECORD | without)) == EMPTY


@pytest.mark.parametrize(
    "lookback",
    [
        GOOD,
        EMPTY,
        {"close": [1.5] * 199, "typical": [1.5] * 19, "volume": [0] * 19, "true_range": [0.5] * 198},
        {"close": [9, 10.5], "typical": [2**64 - 1], "volume": [None], "true_range": [0, 0.0]},
        {"close": [1e-7], "typical": [1e22, 2.5], "volume": [None, 1e22], "true_range": [1e-7]},
        {"close": [1.5], "typical": [1.5, 2.5], "volume": [-0.0, None], "true_range": [-0.0]},
        dict(reversed(GOOD.items())),
    ],
    ids=["ordinary", "empty", "full", "whole numbers", "exponents", "minus zero", "another order"],
)
def test_takes_what_the_contract_allows(write: Write, lookback: dict[str, Any]) -> None:
    assert read(write(RECORD | {"lookback": lookback})) == lookback


def test_a_lookback_may_lack_the_true_ranges(write: Write) -> None:
    lookback = {name: column for name, column in GOOD.items() if name != "true_range"}
    assert read(write(RECORD | {"lookback": lookback})) == GOOD | {"true_range": []}


def test_a_lookback_may_come_first_and_have_columns_that_nobody_knows(write: Write) -> None:
    assert read(write({"lookback": GOOD | {"trades": [-1, True, "x"]}} | RECORD)) == GOOD


@pytest.mark.parametrize(
    "lookback",
    [
        [],
        "none",
        False,
        {},
        {"close": [1.0]},
        {"close": [1.0], "typical": [1.0], "volume": None},
        {"close": {"0": 1.0}, "typical": [], "volume": []},
        {"close": [1.0] * 200, "typical": [], "volume": []},
        {"close": [], "typical": [1.0] * 20, "volume": [1.0] * 20},
        {"close": [], "typical": [1.0], "volume": []},
        {"close": [1.0], "typical": [], "volume": [], "true_range": None},
        {"close": [1.0], "typical": [], "volume": [], "true_range": [0.5, 0.5]},
        {"close": [1.0] * 199, "typical": [], "volume": [], "true_range": [0.5] * 199},
        {"cl0se": [1.0], "typical": [], "volume": [], "true_range": []},
    ],
)
def test_refuses_columns_that_are_not_those_of_the_contract(write: Write, lookback: object) -> None:
    assert refusal(write(RECORD | {"lookback": lookback})) == Reason.BAD_LOOKBACK


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("close", [1.0, 0.0]),
        ("close", [0]),
        ("close", [-1.0]),
        ("close", [1.0, True]),
        ("close", [1.0, None]),
        ("close", ["1.0"]),
        ("close", [[1.0]]),
        ("close", [{}]),
        ("typical", [0]),
        ("typical", [-1e-7]),
        ("typical", [None]),
        ("typical", [True]),
        ("volume", [-1]),
        ("volume", [True]),
        ("volume", [False]),
        ("volume", ["1"]),
        ("true_range", [-0.1]),
        ("true_range", ["1"]),
        ("true_range", [None]),
        ("true_range", [False]),
        ("true_range", [[]]),
    ],
)
def test_refuses_a_value_that_cannot_be(write: Write, name: str, column: list[object]) -> None:
    lookback = GOOD | {"volume": [1.0], name: column}
    assert refusal(write(RECORD | {"lookback": lookback})) == Reason.BAD_LOOKBACK


# One null too few among the volumes makes no room for one elsewhere.
def test_a_null_among_the_volumes_excuses_no_other(write: Write) -> None:
    lookback = {"close": [1.5], "typical": [1.5], "volume": [None], "true_range": [None]}
    assert refusal(write(RECORD | {"lookback": lookback})) == Reason.BAD_LOOKBACK


def test_a_lookback_may_be_as_long_as_the_windows_need(write: Write) -> None:
    lookback = EMPTY | {"close": [1.0] * 300}
    data = write(RECORD | {"lookback": lookback})
    assert read(data, LONGEST | {"close": 300}) == lookback
    with pytest.raises(RecordError, match=r"lookback\.close holds 300 values, and may hold 299"):
        read(data, LONGEST | {"close": 299})


@pytest.mark.parametrize("volume", [[100.0, 0.0], [None, 3.0], [None, None]])
def test_what_the_producer_writes_is_not_looked_at_value_by_value(
    monkeypatch: pytest.MonkeyPatch, volume: list[float | None]
) -> None:
    monkeypatch.delattr(lookback_checks, "_check_values")
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        10.5, 12.0, 9.0, 11.0, 700.0, "alpaca", "2026-11-20T21:00:05.694Z",
    )  # fmt: skip
    lookback = Lookback([276.0351, 0.125], [276.0, 0.5], volume, [0.0])
    assert read(encode_record(bar, lookback))["volume"] == volume


FINE = orjson.dumps(GOOD)
WRONG = orjson.dumps(GOOD | {"close": [-5.0, 10.5]})


@pytest.mark.parametrize(
    "text",
    [
        b'"lookback":%b,"lookback":%b' % (FINE, WRONG),
        rb'"\u006cookback":%b,"x":{"a":1,"lookback":%b}' % (WRONG, FINE),
        rb'"\u006cookback":%b,"x\",\"lookback":%b' % (WRONG, FINE),
        rb'"\u006cookback":%b,"x":",\"lookback\":%b"' % (WRONG, FINE.replace(b'"', rb"\"")),
        rb'"\u006cookback":%b,"x":[{"a":1,"lookback":%b}]' % (WRONG, FINE),
        b'"lookback":%b,"x":{"lookback":%b}' % (WRONG, FINE),
    ],
    ids=[
        "a second one",
        "one deeper down",
        "one that looks so",
        "one within a text",
        "one in a list",
        "after it",
    ],
)
def test_the_lookback_that_counts_is_the_one_that_is_looked_at(text: bytes) -> None:
    assert refusal(b"%b,%b}" % (orjson.dumps(RECORD)[:-1], text)) == Reason.BAD_LOOKBACK
