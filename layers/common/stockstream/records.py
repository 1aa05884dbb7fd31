"""The stream record, `bar.v1`: contract 1, written by the producer and read by the transform."""

import math
from typing import Any

import orjson

from stockstream.bars import INTERVALS, Bar, Lookback
from stockstream.errors import InstrumentError, Reason, RecordError
from stockstream.instruments import parse_instrument
from stockstream.times import parse_instant, parse_time
from stockstream.validation import check_prices, check_volume

SCHEMA = "bar.v1"

_TEXTS = ("id", "as_of", "instrument", "asset_class", "interval", "open_time", "source")
_PRICES = ("open", "high", "low", "close")


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
            "lookback": {"close": lookback.close, "typical": lookback.typical, "volume": lookback.volume},
        }
    )


def decode_record(data: bytes, *, longest_closes: int, longest_bars: int) -> tuple[Bar, Lookback]:
    """The bar and the look-back of one stream record; fields that the contract does not name are ignored.

    Args:
        data: the record's bytes.
        longest_closes: how many closes a look-back may hold.
        longest_bars: how many typical prices and volumes it may hold.

    Raises:
        RecordError: the record breaks the contract; its reason says how.
    """
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordError(Reason.MALFORMED_JSON, str(error)) from None
    if not isinstance(record, dict):
        raise RecordError(
            Reason.BAD_TYPE, f"the record is a JSON {type(record).__name__}, and must be an object"
        )
    if record.get("schema") != SCHEMA:
        raise RecordError(
            Reason.UNKNOWN_SCHEMA, f"schema is {str(record.get('schema'))[:40]!r}, and must be {SCHEMA!r}"
        )
    bar = _decode_bar(record)
    return bar, _decode_lookback(record.get("lookback"), longest_closes, longest_bars)


def _decode_bar(record: dict[str, Any]) -> Bar:
    for name in (*_TEXTS, *_PRICES, "volume"):
        if name not in record:
            raise RecordError(Reason.MISSING_FIELD, f"{name} is missing")
    for name in _TEXTS:
        if type(record[name]) is not str or not record[name]:
            raise RecordError(Reason.BAD_TYPE, f"{name} must be a string that is not empty")
    prices = {name: _number(record[name], name) for name in _PRICES}
    volume = None if record["volume"] is None else _number(record["volume"], "volume")
    check_prices(prices["open"], prices["high"], prices["low"], prices["close"])
    check_volume(volume)
    parse_time(record["open_time"])
    parse_instant(record["as_of"])
    bar = Bar(
        record["instrument"],
        record["asset_class"],
        record["interval"],
        record["open_time"],
        prices["open"],
        prices["high"],
        prices["low"],
        prices["close"],
        volume,
        record["source"],
        record["as_of"],
    )
    _check_identity(bar, record["id"])
    return bar


def _check_identity(bar: Bar, bar_id: str) -> None:
    if bar.interval not in INTERVALS:
        raise RecordError(
            Reason.BAD_TYPE, f"interval is {bar.interval[:40]!r}, and must be one of {', '.join(INTERVALS)}"
        )
    try:
        asset_class = parse_instrument(bar.instrument).asset_class
    except InstrumentError as error:
        raise RecordError(Reason.BAD_TYPE, str(error)) from None
    if bar.asset_class != asset_class:
        raise RecordError(
            Reason.BAD_TYPE, f"asset_class is {bar.asset_class[:40]!r}, and {bar.instrument} is {asset_class}"
        )
    if bar_id != bar.id:
        raise RecordError(Reason.BAD_TYPE, f"id is {bar_id[:80]!r}, and must be {bar.id!r}")


def _decode_lookback(lookback: object, longest_closes: int, longest_bars: int) -> Lookback:
    if lookback is None:
        return Lookback()
    if not isinstance(lookback, dict):
        raise RecordError(Reason.BAD_LOOKBACK, "lookback must be an object or be left out")
    columns: dict[str, list[Any]] = {}
    for name, longest in (("close", longest_closes), ("typical", longest_bars), ("volume", longest_bars)):
        column = lookback.get(name)
        if not isinstance(column, list):
            raise RecordError(Reason.BAD_LOOKBACK, f"lookback.{name} must be a list")
        if len(column) > longest:
            raise RecordError(
                Reason.BAD_LOOKBACK, f"lookback.{name} holds {len(column)} bars, and may hold {longest}"
            )
        for value in column:
            if value is None and name == "volume":
                continue
            if type(value) not in (float, int) or not (
                0 < value < math.inf or (name == "volume" and value == 0)
            ):
                raise RecordError(Reason.BAD_LOOKBACK, f"lookback.{name} holds {str(value)[:40]!r}")
        columns[name] = column
    if len(columns["typical"]) != len(columns["volume"]):
        raise RecordError(Reason.BAD_LOOKBACK, "lookback.typical and lookback.volume differ in length")
    return Lookback(columns["close"], columns["typical"], columns["volume"])


def _number(value: object, name: str) -> float:
    # bool is an int to Python, and no number to JSON.
    if type(value) is float or type(value) is int:
        return float(value)
    raise RecordError(Reason.BAD_TYPE, f"{name} must be a number")
