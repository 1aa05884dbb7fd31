"""Mends: what a refused record may be sent as, where there is no doubt. No number is ever invented."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from stockstream.errors import InstrumentError, Reason, RecordError
from stockstream.fields import lookback_lengths
from stockstream.instruments import parse_instrument
from stockstream.records import decode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows

type Record = dict[str, Any]

_NUMBER_FIELDS = ("open", "high", "low", "close", "volume")
_NUMBER = re.compile(r"(0|[1-9]\d{0,14})(\.\d{1,20})?", re.ASCII)
# With its zone: a time without one could be New York's as well as London's.
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mend:
    """One way to mend a record.

    Attributes:
        name: what it does, as the dry run says it.
        why: why that is right.
        reasons: the refusals that it is tried on.
        apply: the mended record; None where it does not help.
    """

    name: str
    why: str
    reasons: frozenset[Reason]
    apply: Callable[[Record, Windows], Record | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be done with a record.

    Attributes:
        data: what to send; the untouched record where nothing can be.
        record: its fields, checked; None where the record cannot be sent.
        mends: the names of what was mended, in order.
        refusal: why the transform refuses the record as it is; None where it takes it.
    """

    data: bytes
    record: Record | None
    mends: tuple[str, ...]
    refusal: RecordError | None


def mend(data: bytes, windows: Windows) -> Verdict:
    """Reads a record as the transform does, and mends it where that is possible.

    Args:
        data: the record's bytes.
        windows: the transform's, which say how long a look-back may be.
    """
    refusal: RecordError | None = None
    mended, mends = data, tuple[str, ...]()
    while True:
        try:
            record = decode_record(mended, lookback_lengths(windows))
        except RecordError as error:
            refusal = refusal or error
            step = _next_step(mended, error.reason, mends, windows)
            if step is None:
                return Verdict(data, None, (), refusal)
            mended, name = step
            mends = (*mends, name)
        else:
            return Verdict(mended, record, mends, refusal)


def _next_step(
    data: bytes, reason: Reason, done: tuple[str, ...], windows: Windows
) -> tuple[bytes, str] | None:
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict):
        return None
    for each in MENDS:
        if reason in each.reasons and each.name not in done:
            mended = each.apply(record, windows)
            if mended is not None:
                # orjson reads records that are nested more deeply than what it can write.
                return json.dumps(mended, ensure_ascii=False, separators=(",", ":")).encode(), each.name
    return None


def _read_numbers(record: Record, _windows: Windows) -> Record | None:
    written = {
        name: orjson.loads(value)
        for name in _NUMBER_FIELDS
        if isinstance(value := record.get(name), str) and _NUMBER.fullmatch(value)
    }
    return record | written if written else None


def _add_asset_class(record: Record, _windows: Windows) -> Record | None:
    instrument = record.get("instrument")
    if record.get("asset_class") is not None or not isinstance(instrument, str):
        return None
    try:
        return record | {"asset_class": parse_instrument(instrument).asset_class}
    except InstrumentError:
        return None


def _add_id(record: Record, _windows: Windows) -> Record | None:
    parts = [record.get(name) for name in ("instrument", "interval", "open_time")]
    if record.get("id") is not None or not all(isinstance(part, str) for part in parts):
        return None
    return record | {"id": "|".join(map(str, parts))}


def _write_times(record: Record, _windows: Windows) -> Record | None:
    mended = dict(record)
    as_of, opened = _zoned(record.get("as_of")), _zoned(record.get("open_time"))
    if as_of:
        mended["as_of"] = format_instant(as_of)
    # A bar does not start within a second: such a time means something else.
    if opened and not opened.microsecond:
        mended["open_time"] = format_time(opened)
        name = f"{record.get('instrument')}|{record.get('interval')}|"
        if record.get("id") == name + record["open_time"]:
            mended["id"] = name + mended["open_time"]
    return mended if mended != record else None


def _zoned(text: object) -> datetime | None:
    if not isinstance(text, str) or not _ZONED.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _shorten_lookback(record: Record, windows: Windows) -> Record | None:
    lookback = record["lookback"]
    if not isinstance(lookback, dict):
        return None
    # A record may lack the true ranges; what else is missing, no shortening brings.
    longest = {
        name: length
        for name, length in lookback_lengths(windows).items()
        if name in lookback or name != "true_range"
    }
    columns = {name: lookback.get(name) for name in longest}
    if not all(isinstance(column, list) for column in columns.values()):
        return None
    if len(lookback["typical"]) != len(lookback["volume"]):
        return None
    newest = {name: lookback[name][-limit:] for name, limit in longest.items()}
    return record | {"lookback": newest} if newest != columns else None


def _leave_lookback_out(record: Record, _windows: Windows) -> Record:
    return {name: value for name, value in record.items() if name != "lookback"}


MENDS = (
    Mend(
        "numbers out of texts",
        'A price or volume that was written as text, such as "274.86", names one number.',
        frozenset({Reason.BAD_TYPE}),
        _read_numbers,
    ),
    Mend(
        "asset class from the instrument",
        "The instrument's name says it: IBM is an equity, fx:EUR/USD is fx.",
        frozenset({Reason.MISSING_FIELD, Reason.BAD_TYPE}),  # or null
        _add_asset_class,
    ),
    Mend(
        "id from instrument, interval and open time",
        "It holds nothing else. An id that says something else is not touched.",
        frozenset({Reason.MISSING_FIELD, Reason.BAD_TYPE}),  # or null
        _add_id,
    ),
    Mend(
        "times in the contract's form",
        "A time with its zone names one moment, however it is written. Fractions end at the millisecond.",
        frozenset({Reason.BAD_TIME}),
        _write_times,
    ),
    Mend(
        "look-back to its newest bars",
        "A look-back runs from the oldest bar to the newest; no analytics reach further than its limit.",
        frozenset({Reason.BAD_LOOKBACK}),
        _shorten_lookback,
    ),
    Mend(
        "bar without its look-back",
        "The bar itself is right. What needs the past is null; a backfill of the month brings it.",
        frozenset({Reason.BAD_LOOKBACK}),
        _leave_lookback_out,
    ),
)
