"""Deciding what to do with each entry that was set aside. It is pure: a dry run shows what --apply does."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any

import orjson

from stockstream.errors import RecordError
from stockstream.fields import DOCUMENT_SCHEMA
from stockstream.times import parse_instant
from stockstream.windows import Windows
from stockstream_operate.lake.sql import table_columns
from stockstream_operate.redrive.repairs import repair
from stockstream_operate.redrive.set_aside import EntryKind, SetAside

UNREADABLE = "UNREADABLE"
BY_HAND = "BY_HAND"
# Why a record was set aside that the transform takes today.
_SENT_FOR = {"": "valid today", "Lambda.ProcessingFailedStatus": "valid today", BY_HAND: "corrected"}
_TRANSFORM_FAILED = "the transform had failed"
# A newer answer is in the index already; what Firehose writes of it is the status, or the exception's name.
_ALREADY_NEWER = "409"
_VERSION_CONFLICT = "version_conflict"
_LONGEST_NAME = 40
# What JSON may hold in a column of Glue's type; null is no value.
_TABLE_TYPES: dict[str, set[type]] = {
    "string": {str, NoneType},
    "double": {int, float, NoneType},
    "int": {int, NoneType},
}


class Action(StrEnum):
    """What --apply does."""

    SEND = "send as it is"
    REPAIR = "repair and send"
    INDEX = "index again"
    DELIVER = "deliver to the lake as JSON"
    CLOSE = "put away"
    REPEATED = "put away the copy"
    LEAVE = "needs a person"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with one entry.

    Attributes:
        entry: the entry.
        action: what.
        reason: why it was set aside: the transform's reason, or Firehose's error code.
        note: how it is repaired, or why it is not; for a person.
        data: what to send; empty where nothing is sent.
        instrument: as the record names it; empty where it does not.
    """

    entry: SetAside
    action: Action
    reason: str
    note: str
    data: bytes = b""
    instrument: str = ""


class Triage:
    """Decides on one entry after the other, and recognizes those that it has seen.

    The delivery to the lake and the one to the search index each set the same bad record aside.
    Both entries name the same bytes, and they are sent once. A seen record costs about 100 bytes of memory.

    Args:
        windows: the transform's.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._seen: set[str] = set()

    def decide(self, entry: SetAside) -> Decision:
        """What is to be done with an entry."""
        decision = decide_alone(entry, self._windows)
        if entry.name in self._seen:
            note = "the same was set aside before"
            return Decision(entry, Action.REPEATED, decision.reason, note, instrument=decision.instrument)
        self._seen.add(entry.name)
        return decision


def decide_alone(entry: SetAside, windows: Windows) -> Decision:
    """What is to be done with an entry, whatever the others are."""
    if entry.data is None:
        return Decision(entry, Action.LEAVE, UNREADABLE, "no entry that Firehose writes")
    if entry.kind is EntryKind.RECORD:
        return _decide_record(entry, entry.data, windows)
    return _decide_document(entry, entry.data, windows)


def _decide_record(entry: SetAside, data: bytes, windows: Windows) -> Decision:
    result = repair(data, windows)
    refusal = result.refusal
    if result.record is None:
        return Decision(
            entry,
            Action.LEAVE,
            refusal.reason if refusal else UNREADABLE,
            str(refusal),
            instrument=_guess(data),
        )
    instrument = result.record["instrument"]
    if refusal:
        note = ", ".join(result.repairs)
        return Decision(entry, Action.REPAIR, refusal.reason, note, result.data, instrument)
    # It failed as a whole, or an older one refused it, or the answer was full.
    note = _SENT_FOR.get(entry.error_code, _TRANSFORM_FAILED)
    return Decision(entry, Action.SEND, entry.error_code or "UNKNOWN", note, result.data, instrument)


def _decide_document(entry: SetAside, data: bytes, windows: Windows) -> Decision:
    """Decides on a document.

    Its look-back is gone. Through the stream it would come out without its analytics, as a second set of
    numbers under the same (id, as_of): it goes to its destination as it is.
    """
    reason = entry.error_code or "UNKNOWN"
    try:
        columns = table_columns(windows) if entry.kind is EntryKind.LAKE_DOCUMENT else {}
        instrument = _read_instrument(data, columns)
    except (ValueError, KeyError, TypeError, RecordError):
        return Decision(
            entry, Action.LEAVE, reason, f"no document of {DOCUMENT_SCHEMA}", instrument=_guess(data)
        )
    if entry.kind is EntryKind.LAKE_DOCUMENT:
        return Decision(entry, Action.DELIVER, reason, "as it is", data, instrument)
    if entry.error_code == _ALREADY_NEWER or _VERSION_CONFLICT in entry.error_message:
        return Decision(entry, Action.CLOSE, reason, "the index has a newer answer", instrument=instrument)
    return Decision(entry, Action.INDEX, reason, "as it is", data, instrument)


def _read_instrument(data: bytes, columns: Mapping[str, str]) -> str:
    """The instrument of a document whose values are of their columns' types.

    Raises:
        ValueError: it is no such document; or KeyError, TypeError, RecordError.
    """
    document: dict[str, Any] = orjson.loads(data)
    if document["schema"] != DOCUMENT_SCHEMA:
        raise ValueError
    parse_instant(document["as_of"])
    # One value of another type than its column's, and Athena answers no query on that table any more.
    if not all(type(document.get(name)) in _TABLE_TYPES[kind] for name, kind in columns.items()):
        raise ValueError
    instrument: str = document["instrument"]
    if document["id"] != f"{instrument}|{document['interval']}|{document['open_time']}":
        raise ValueError
    return instrument


def _guess(data: bytes) -> str:
    """The instrument that a refused record names, if it names one."""
    try:
        instrument = orjson.loads(data)["instrument"]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return instrument[:_LONGEST_NAME] if isinstance(instrument, str) else ""
