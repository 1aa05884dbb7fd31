"""The stream record, `bar.v1`: contract 1, written by the producer and read by the transform."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter

import orjson

from stockstream.errors import InstrumentError, Reason, RecordError
from stockstream.instruments import parse_instrument
from stockstream.intervals import INTERVALS
from stockstream.lookback_checks import NUMBERS, check_lookback
from stockstream.times import parse_instant, parse_time
from stockstream.validation import check_prices, check_volume

TYPE_CHECKING = False  # importing typing for it would cost the transform 4 ms of each cold start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from stockstream.bars import Bar, Lookback

SCHEMA = "bar.v1"

_TEXTS = ("id", "as_of", "instrument", "asset_class", "interval", "open_time", "source")
_PRICES = ("open", "high", "low", "close")
_read_texts = itemgetter(*_TEXTS)
_read_prices = itemgetter(*_PRICES)

_STRINGS = {str}


def correlation_id(instrument: str, interval: str, as_of: str) -> str:
    """The name of one answer of a provider in every log line about it: `IBM|1min|2026-11-20T21:00:01.123Z`.

    Records and documents have the three fields, so that one finds the log lines of a bar, and its bars from a
    log line.
    """
    return f"{instrument}|{interval}|{as_of}"


def encode_record(bar: Bar, lookback: Lookback) -> bytes:
    """The bytes of one stream record."""
    return orjson.dumps(
        {
            "schema": SCHEMA,
            "id": bar.id,
            "as_of": bar.as_of,
            "instrument": bar.instrument,
            "asset_class": bar.asset_class,
            "interval": bar.interval,
            "open_time": bar.open_time,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
            "source": bar.source,
            "lookback": {
                "close": lookback.close,
                "typical": lookback.typical,
                "volume": lookback.volume,
                "true_range": lookback.true_range,
            },
        }
    )


def decode_record(data: bytes, longest: Mapping[str, int]) -> dict[str, Any]:
    """The fields of one stream record, checked, in the order of the contract, and no others.

    Prices and volume are floats. `lookback` is last, and its lists are empty where the record brings none.
    It is a dict and not a Bar, which would take as long to build as its fields to check.

    Args:
        data: the record's bytes.
        longest: how many values each column of the look-back may hold, by its name.

    Raises:
        RecordError: the record breaks the contract. Its reason says how, and its message quotes no text of
            the record, so that it can be logged.
    """
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordError(Reason.MALFORMED_JSON, str(error)) from None
    if type(record) is not dict:
        raise RecordError(Reason.BAD_TYPE, "the record must be a JSON object")
    if record.get("schema") != SCHEMA:
        raise RecordError(Reason.UNKNOWN_SCHEMA, f"schema must be {SCHEMA}")
    try:
        bar = _decode_bar(record)
    except KeyError as error:
        raise RecordError(Reason.MISSING_FIELD, f"{error.args[0]} is missing") from None
    bar["lookback"] = check_lookback(record.get("lookback"), data, longest)
    return bar


def _decode_bar(record: dict[str, Any]) -> dict[str, Any]:
    texts, prices, volume = _read_texts(record), _read_prices(record), record["volume"]
    if not _STRINGS.issuperset(map(type, texts)) or not all(texts):
        raise RecordError(Reason.BAD_TYPE, f"{', '.join(_TEXTS)} must be strings that are not empty")
    if not NUMBERS.issuperset(map(type, prices)):
        raise RecordError(Reason.BAD_TYPE, f"{', '.join(_PRICES)} must be numbers")
    if volume is not None and type(volume) not in NUMBERS:
        raise RecordError(Reason.BAD_TYPE, "volume must be a number or null")
    bar_id, as_of, instrument, asset_class, interval, open_time, source = texts
    open_, high, low, close = map(float, prices)
    volume = None if volume is None else float(volume)
    check_prices(open_, high, low, close)
    check_volume(volume)
    parse_time(open_time)
    parse_instant(as_of)
    _check_identity(instrument, asset_class, interval)
    if bar_id != f"{instrument}|{interval}|{open_time}":
        raise RecordError(Reason.BAD_TYPE, "id must be instrument|interval|open_time")
    return {
        "schema": SCHEMA,
        "id": bar_id,
        "as_of": as_of,
        "instrument": instrument,
        "asset_class": asset_class,
        "interval": interval,
        "open_time": open_time,
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "source": source,
    }


# A stream has few instruments, and every record has one of them.
@lru_cache(maxsize=1024)
def _check_identity(instrument: str, asset_class: str, interval: str) -> None:
    if interval not in INTERVALS:
        raise RecordError(Reason.BAD_TYPE, f"interval must be one of {', '.join(INTERVALS)}")
    try:
        expected = parse_instrument(instrument).asset_class
    except InstrumentError:
        raise RecordError(
            Reason.BAD_TYPE, "instrument must be written as IBM, fx:EUR/USD or crypto:BTC/USD"
        ) from None
    if asset_class != expected:
        raise RecordError(Reason.BAD_TYPE, f"asset_class must be {expected} for this instrument")
