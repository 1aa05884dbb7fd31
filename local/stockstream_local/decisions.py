"""Deciding what is done with each entry that was set aside: pure, so that a dry run tells the truth."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from stockstream.errors import RecordError
from stockstream.times import parse_instant
from stockstream.windows import Windows
from stockstream_local.mends import mend
from stockstream_local.set_aside import Kind, SetAside, digest

UNREADABLE = "UNREADABLE"
# What Firehose calls a record that the transform gave back.
_GIVEN_BACK = "Lambda.ProcessingFailedStatus"
_DOCUMENT_SCHEMA = "enriched.v1"
# A newer answer is in the index already; what Firehose writes of it is the status, or the exception's name.
_ALREADY_NEWER = "409"
_VERSION_CONFLICT = "version_conflict"
_LONGEST_NAME = 40


class Action(StrEnum):
    """What --apply does."""

    SEND = "send as it is"
    MEND = "mend and send"
    INDEX = "index again"
    DELIVER = "deliver to the lake"
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
        note: how it is mended, or why it is not; for a person.
        data: what to send; empty where nothing is sent.
        instrument: as the record names it; empty where it does not.
        bar: its id; empty where it is not known.
        as_of: when the bar was known; empty where it is not known.
    """

    entry: SetAside
    action: Action
    reason: str
    note: str
    data: bytes = b""
    instrument: str = ""
    bar: str = ""
    as_of: str = ""


class Judge:
    """Decides on one entry after the other, and knows what it has seen.

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
        decision = decide(entry, self._windows)
        if entry.data is None:
            return decision
        name = f"{entry.kind}|{digest(entry.data)}"
        if name in self._seen:
            return Decision(
                entry,
                Action.REPEATED,
                decision.reason,
                "the same was set aside before",
                instrument=decision.instrument,
            )
        self._seen.add(name)
        return decision


def decide(entry: SetAside, windows: Windows) -> Decision:
    """What is to be done with an entry, whatever the others are."""
    if entry.data is None:
        return Decision(entry, Action.LEAVE, UNREADABLE, "no entry that Firehose writes")
    if entry.kind is Kind.RECORD:
        return _decide_record(entry, entry.data, windows)
    return _decide_document(entry, entry.data)


def _decide_record(entry: SetAside, data: bytes, windows: Windows) -> Decision:
    verdict = mend(data, windows)
    if verdict.record is None:
        refusal = str(verdict.refusal)
        return Decision(entry, Action.LEAVE, _reason(verdict.refusal), refusal, b"", _guess(data))
    bar = verdict.record
    names = {"instrument": bar["instrument"], "bar": bar["id"], "as_of": bar["as_of"]}
    if verdict.mends:
        note = ", ".join(verdict.mends)
        return Decision(entry, Action.MEND, _reason(verdict.refusal), note, verdict.data, **names)
    # The transform takes it today. It failed as a whole, or an older one refused it, or the answer was full.
    note = "valid today" if entry.error_code in {"", _GIVEN_BACK} else "the transform had failed"
    return Decision(entry, Action.SEND, entry.error_code or "UNKNOWN", note, verdict.data, **names)


def _reason(refusal: RecordError | None) -> str:
    return refusal.reason.value if refusal else UNREADABLE


def _decide_document(entry: SetAside, data: bytes) -> Decision:
    """Decides on a document.

    Its look-back is gone. Through the stream it would come out without its analytics, as a second set of
    numbers under the same (id, as_of): it is delivered as it is.
    """
    reason = entry.error_code or "UNKNOWN"
    try:
        document = _read_document(data)
    except (ValueError, KeyError, TypeError, RecordError):
        return Decision(entry, Action.LEAVE, reason, "no document of enriched.v1", b"", _guess(data))
    names = {"instrument": document["instrument"], "bar": document["id"], "as_of": document["as_of"]}
    if entry.kind is Kind.LAKE_DOCUMENT:
        return Decision(entry, Action.DELIVER, reason, "as it is", data, **names)
    if entry.error_code == _ALREADY_NEWER or _VERSION_CONFLICT in entry.error_message:
        return Decision(entry, Action.CLOSE, reason, "the index has a newer answer", b"", **names)
    if not entry.index:
        return Decision(entry, Action.LEAVE, reason, "the entry names no index", b"", **names)
    return Decision(entry, Action.INDEX, reason, "as it is", data, **names)


def _read_document(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(data)
    if document["schema"] != _DOCUMENT_SCHEMA:
        raise ValueError
    parse_instant(document["as_of"])
    if document["id"] != f"{document['instrument']}|{document['interval']}|{document['open_time']}":
        raise ValueError
    return document


def _guess(data: bytes) -> str:
    """The instrument that a refused record names, if it names one."""
    try:
        instrument = orjson.loads(data)["instrument"]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return instrument[:_LONGEST_NAME] if isinstance(instrument, str) else ""
