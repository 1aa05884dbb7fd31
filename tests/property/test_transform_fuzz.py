"""Nothing but an answer that Firehose accepts comes out, whatever goes in."""

import json
import math
from base64 import b64decode, b64encode
from typing import Any

import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stream_record import RECORD

from stockstream.fields import list_fields
from stockstream.windows import Windows
from transform.firehose import transform_records

GOOD: dict[str, Any] = RECORD | {
    "lookback": {
        "close": [9.0 + step % 7 for step in range(40)],
        "typical": [9.0 + step % 5 for step in range(19)],
        "volume": [float(step) for step in range(19)],
        "true_range": [step % 3 / 4 for step in range(39)],
    },
}
TEXT_FIELDS = {field.name for field in list_fields(Windows()) if not field.is_number}

HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(1e308, -1e308, 1e-320, 5e-324, 0.0, -0.0, math.nan, math.inf, -math.inf),
        *(10**400, -(10**400), 2**64, -1, True, False, None),
        *("", "\ud800", "NaN", "1e5", "x" * 100_000, "\x00", [], {}, [[]], {"close": 1}),
    ]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | HOSTILE,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner, max_size=5)
    ),
    max_leaves=10,
)


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def assert_firehose_accepts(records: list[dict[str, Any]]) -> list[dict[str, str]]:
    entries, rejections = transform_records(records, Windows())
    assert [entry["recordId"] for entry in entries] == [record["recordId"] for record in records]
    assert len(json.dumps({"records": entries})) <= 6_000_000
    for record, entry in zip(records, entries, strict=True):
        assert entry.keys() == {"recordId", "result", "data"}
        if entry["result"] == "ProcessingFailed":
            assert entry["data"] == record["data"]
            continue
        assert entry["result"] == "Ok"
        line = b64decode(entry["data"], validate=True)
        assert line.index(b"\n") == len(line) - 1
        for name, value in json.loads(line, parse_constant=refuse_constant).items():
            assert value is None or isinstance(value, str if name in TEXT_FIELDS else float | int), name
            assert not isinstance(value, bool)
    failed = [entry["recordId"] for entry in entries if entry["result"] == "ProcessingFailed"]
    assert failed == [record_id for record_id, _ in rejections]
    return entries


def one(data: bytes) -> str:
    records = [{"recordId": "1", "data": b64encode(data).decode()}]
    return assert_firehose_accepts(records)[0]["result"]


@given(st.binary(max_size=500))
@settings(max_examples=examples(300))
def test_arbitrary_bytes_go_back(data: bytes) -> None:
    assert one(data) == "ProcessingFailed"


@given(st.text(max_size=200))
@example("")
@example("=")
@example("é")
@example("e30")
@example("e30=\n")
@example("e3 0=")
@settings(max_examples=examples(300))
def test_arbitrary_text_in_place_of_base64_goes_back(data: str) -> None:
    entries = assert_firehose_accepts([{"recordId": "1", "data": data}])
    assert entries[0]["result"] == "ProcessingFailed"


@given(JSON_VALUES)
@settings(max_examples=examples(300))
def test_arbitrary_json_goes_back(value: object) -> None:
    assert one(json.dumps(value).encode()) == "ProcessingFailed"


@given(name=st.sampled_from(sorted(GOOD)), value=JSON_VALUES)
@settings(max_examples=examples(500))
def test_a_field_may_hold_anything(name: str, value: object) -> None:
    one(json.dumps(GOOD | {name: value}).encode())


@given(
    name=st.sampled_from(["close", "typical", "volume", "true_range"]),
    position=st.integers(0, 18),
    value=JSON_VALUES,
)
@settings(max_examples=examples(500))
def test_a_lookback_may_hold_anything_and_its_writing_does_not_matter(
    name: str, position: int, value: object
) -> None:
    column = list(GOOD["lookback"][name])
    column[position] = value
    record = GOOD | {"lookback": GOOD["lookback"] | {name: column}}
    # The producer writes without spaces, and what is written so is looked at by another way.
    assert one(json.dumps(record).encode()) == one(json.dumps(record, separators=(",", ":")).encode())


@given(prices=st.lists(st.floats(5e-324, 1.7e308), min_size=1, max_size=200), data=st.data())
@settings(max_examples=examples(300))
@example(prices=[1.7e308] * 200, data=None)
@example(prices=[5e-324] * 200, data=None)
@example(prices=[5e-324, 1.7e308] * 100, data=None)
def test_any_prices_above_0_are_delivered(prices: list[float], data: st.DataObject | None) -> None:
    near = prices[:-1][-19:]
    volume = (
        data.draw(st.lists(st.floats(0, 1.7e308), min_size=len(near), max_size=len(near))) if data else near
    )
    close = prices[-1]
    record = GOOD | {
        "open": close, "high": close, "low": close, "close": close,
        "lookback": {"close": prices[:-1], "typical": near, "volume": volume},
    }  # fmt: skip
    assert one(json.dumps(record).encode()) == "Ok"


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"lookback":' * 5_000,
        b"[" * 1_000 + b"]" * 1_000,
        json.dumps(GOOD).encode().replace(b"700.0", b"9" * 400),
        json.dumps(GOOD).encode().replace(b"700.0", b"NaN"),
        json.dumps(GOOD).encode().replace(b"700.0", b"-Infinity"),
        json.dumps(GOOD).encode().replace(b'"alpaca"', b'"\\ud800"'),
        json.dumps(GOOD).encode().replace(b'"alpaca"', b'"\xff"'),
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        json.dumps(GOOD).encode("utf-16"),
        json.dumps(GOOD).encode() * 2,
        b'"' + b"x" * 1_000_000 + b'"',
    ],
    ids=[
        "open brackets", "open objects", "nested lists", "400 digits", "NaN", "Infinity", "a lone surrogate",
        "not UTF-8", "byte order mark", "UTF-16", "two objects", "a long string",
    ],
)  # fmt: skip
def test_what_is_no_record_goes_back(data: bytes) -> None:
    assert one(data) == "ProcessingFailed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"open": 101.0', b'"open": 1, "open": 101.0'),
        (b'"alpaca"', b'"\xc3\xa9\\u20ac\\ud83d\\ude00"'),
        (b'"alpaca"', b'"' + b"x" * 700_000 + b'"'),
        (b'"schema"', b'"extra": [[[[{}]]]], "schema"'),
        (b"5000.0", b"0"),
        (b"5000.0", b"-0.0"),
        (b"5000.0", b"18446744073709551615"),
        (b"5000.0", b"1e-400"),
    ],
    ids=[
        "a key twice", "beyond ASCII", "a record near 1 MiB", "an unknown field", "an integer", "minus zero",
        "64 bits", "underflow",
    ],
)  # fmt: skip
def test_what_is_odd_but_valid_is_delivered(before: bytes, after: bytes) -> None:
    assert one(json.dumps(GOOD).encode().replace(before, after)) == "Ok"
