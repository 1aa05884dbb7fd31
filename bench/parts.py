"""Where the transform's time goes: each part of its work alone, on bars with a full look-back."""

import math
import time
from collections.abc import Callable
from typing import Any

import orjson
import pybase64
from market import make_day, make_event
from rivals import documents

from stockstream.fields import list_indicators, lookback_lengths
from stockstream.lookback_checks import check_lookback
from stockstream.prices import true_range, typical_price
from stockstream.records import decode_record
from stockstream.windows import Windows
from transform.firehose import transform_records

ROUNDS = 300
WINDOWS = Windows()
LENGTHS = lookback_lengths(WINDOWS)

type Part = Callable[[], object]


def measure() -> None:
    """Prints the quickest of many rounds of each part, in microseconds for a record."""
    records = make_event(make_day(16))["records"]
    parts: dict[str, list[Part]] = {}
    for record, document in zip(records, documents(transform_records(records, WINDOWS)[0]), strict=True):
        for name, part in _list_parts(record, document).items():
            parts.setdefault(name, []).append(part)
    print(f"\nWhere a record's time goes (each part alone, the quickest of {ROUNDS} rounds)")
    for name, each in parts.items():
        print(f"{name:44}{sum(map(_time, each)) / len(each) * 1e6:7.1f} us")


def _list_parts(record: dict[str, Any], document: dict[str, Any]) -> dict[str, Part]:
    """The parts of the work on one record, by name, those in brackets within the one before them."""
    data = pybase64.b64decode(record["data"])
    bar = orjson.loads(data)
    lookback, (high, low, close) = bar["lookback"], (bar[name] for name in ("high", "low", "close"))
    columns = {
        "close": [*lookback["close"], close],
        "typical": [*lookback["typical"], typical_price(high, low, close)],
        "volume": [*lookback["volume"], bar["volume"]],
        "true_range": [*lookback["true_range"], true_range(high, low, lookback["close"][-1])],
    }
    parts: dict[str, Part] = {
        "all": lambda: transform_records([record], WINDOWS),
        "base64": lambda: pybase64.b64decode(record["data"], validate=True),
        "JSON": lambda: orjson.loads(data),
        "JSON and checks": lambda: decode_record(data, LENGTHS),
        "(the look-back's checks)": lambda: check_lookback(lookback, data, LENGTHS),
    }
    for row in list_indicators(WINDOWS):
        values = [*(columns[name] for name in row.columns), *row.arguments]
        names = ", ".join(field.name for field in row.fields)
        parts[names] = lambda function=row.function, values=values: function(*values)  # type: ignore[misc]
    return parts | {"the document's JSON": lambda: orjson.dumps(document)}


def _time(part: Part) -> float:
    quickest = math.inf
    for _ in range(ROUNDS):
        started = time.perf_counter()
        part()
        quickest = min(quickest, time.perf_counter() - started)
    return quickest
