"""Repairs: what a refused record says elsewhere is put where it is missing, and bad look-backs are left out.

Nothing is guessed: no number is changed, and no text is read as something else.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from stockstream.errors import InstrumentError, Reason, RecordError
from stockstream.fields import lookback_lengths
from stockstream.instruments import parse_instrument
from stockstream.records import decode_record
from stockstream.windows import Windows

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """One way to repair a record.

    Attributes:
        name: what it does, as the dry run says it.
        why: why that is right.
        reasons: the refusals that it is tried on.
        apply: the repaired record; None where it does not help.
    """

    name: str
    why: str
    reasons: frozenset[Reason]
    apply: Callable[[Record, Windows], Record | None]


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What can be done with a record.

    Attributes:
        data: what to send; the untouched record where nothing can be.
        record: its fields, checked; None where the record cannot be sent.
        repairs: the names of what was repaired, in order.
        refusal: why the transform refuses the record as it is; None where it takes it.
    """

    data: bytes
    record: Record | None
    repairs: tuple[str, ...]
    refusal: RecordError | None


def repair(data: bytes, windows: Windows) -> RepairResult:
    """Reads a record as the transform does, and repairs it where that is possible.

    Args:
        data: the record's bytes.
        windows: the transform's, which say how long a look-back may be.
    """
    refusal: RecordError | None = None
    repaired, repairs = data, tuple[str, ...]()
    while True:
        try:
            record = decode_record(repaired, lookback_lengths(windows))
        except RecordError as error:
            refusal = refusal or error
            step = _next_step(repaired, error.reason, repairs, windows)
            if step is None:
                return RepairResult(data, None, (), refusal)
            repaired, name = step
            repairs = (*repairs, name)
        else:
            return RepairResult(repaired, record, repairs, refusal)


def _next_step(
    data: bytes, reason: Reason, done: tuple[str, ...], windows: Windows
) -> tuple[bytes, str] | None:
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict):
        return None
    for each in REPAIRS:
        if reason in each.reasons and each.name not in done:
            repaired = each.apply(record, windows)
            if repaired is not None:
                # orjson reads records that are nested more deeply than what it can write.
                return json.dumps(repaired, ensure_ascii=False, separators=(",", ":")).encode(), each.name
    return None


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


REPAIRS = (
    Repair(
        "asset class from the instrument",
        "The instrument's name says it: IBM is an equity, fx:EUR/USD is fx.",
        frozenset({Reason.MISSING_FIELD, Reason.BAD_TYPE}),  # or null
        _add_asset_class,
    ),
    Repair(
        "id from instrument, interval and open time",
        "It holds nothing else. An id that says something else is not touched.",
        frozenset({Reason.MISSING_FIELD, Reason.BAD_TYPE}),  # or null
        _add_id,
    ),
    Repair(
        "look-back to its newest bars",
        "A look-back runs from the oldest bar to the newest; no analytics reach further than its limit.",
        frozenset({Reason.BAD_LOOKBACK}),
        _shorten_lookback,
    ),
    Repair(
        "bar without its look-back",
        "The bar itself is right. What needs the past is null; a backfill of the month brings it.",
        frozenset({Reason.BAD_LOOKBACK}),
        _leave_lookback_out,
    ),
)
