"""The entries of an error file: what Firehose could not deliver, each with the reason."""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from stockstream_operate.unpacking import TooLargeError, UnpackError, unpack

# Firehose collects 64 MB of records before it writes a file, and a bar's record has 300 bytes or more.
# As base64, each with its reason, they are less than three times as much.
MOST_BYTES = 192 * 2**20
MOST_ENTRIES = 250_000
_NO_SPACE = re.compile(r"[^ \t\r]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECODER = json.JSONDecoder()
# What could not be converted has its last error alone: lastErrorCode in files, ErrorCode in AWS's guide.
_CODES = ("errorCode", "lastErrorCode", "ErrorCode")
_MESSAGES = ("errorMessage", "lastErrorMessage", "ErrorMessage")


class EntryKind(StrEnum):
    """What an entry's data is, and so where it belongs."""

    RECORD = "record"
    """A record of the stream: the transform refused it, or failed."""
    LAKE_DOCUMENT = "lake document"
    """A document that could not be converted to Parquet."""
    SEARCH_DOCUMENT = "search document"
    """A document that the search index did not take."""


class TooManyEntriesError(UnpackError):
    """A file holds more entries than Firehose writes into one."""

    def __init__(self) -> None:
        super().__init__(f"holds more than {MOST_ENTRIES:,} entries, and is not read.")


@dataclass(frozen=True, slots=True)
class SetAside:
    """One entry of an error file.

    Attributes:
        kind: what its data is.
        key: of the file.
        text: the entry as it stands in the file; what cannot be decoded is kept as surrogates.
        error_code: why Firehose set it aside, in its own words; empty where it does not say.
        error_message: the same, for a person.
        arrived_at: when Firehose received it; None where it does not say.
        data: the record or the document; None where the entry cannot be read.
    """

    kind: EntryKind
    key: str
    text: str
    error_code: str = ""
    error_message: str = ""
    arrived_at: datetime | None = None
    data: bytes | None = None

    @property
    def name(self) -> str:
        """A short name; the same record has the same name each time that it is set aside."""
        return digest(f"{self.kind}|".encode() + self.raw)

    @property
    def raw(self) -> bytes:
        """The record or the document, or the whole entry where it cannot be read."""
        return self.text.encode(errors="surrogateescape") if self.data is None else self.data


def digest(data: bytes) -> str:
    """A short name of bytes, the same for the same bytes."""
    return blake2b(data, digest_size=12).hexdigest()


def read_entries(key: str, kind: EntryKind, body: bytes) -> list[SetAside]:
    """The entries of one error file, in its order; nothing of the file is left out.

    Firehose writes one JSON object after the other. It may compress them, and it may leave out the newlines
    between them. What is no JSON object becomes an entry without data.

    Args:
        key: the file's.
        kind: what its entries hold.
        body: its bytes.

    Raises:
        UnpackError: it holds more than Firehose writes into a file.
    """
    try:
        plain, is_whole = unpack(body, MOST_BYTES)
    except TooLargeError:
        raise
    except UnpackError:
        is_whole = False
    text = (plain if is_whole else body).decode(errors="surrogateescape")
    entries: list[SetAside] = []
    for line in text.split("\n"):
        start = _skip_space(line, 0)
        while start < len(line):
            if len(entries) == MOST_ENTRIES:
                raise TooManyEntriesError
            # Of a line alone: an error counts all lines before it, which takes hours in a file of bad ones.
            try:
                fields, end = _DECODER.raw_decode(line, start)
            except (ValueError, RecursionError):
                fields, end = None, len(line)
            entries.append(_read_entry(key, kind, line[start:end], fields))
            start = _skip_space(line, end)
    return entries


def write_entries(entries: Iterable[SetAside]) -> bytes:
    """The bytes of a file that holds these entries."""
    return "".join(f"{entry.text}\n" for entry in entries).encode(errors="surrogateescape")


def _read_entry(key: str, kind: EntryKind, text: str, fields: object) -> SetAside:
    if not isinstance(fields, dict):
        return SetAside(kind, key, text)
    return SetAside(
        kind=kind,
        key=key,
        text=text,
        error_code=_text(fields, _CODES),
        error_message=_text(fields, _MESSAGES),
        arrived_at=_moment(fields.get("arrivalTimestamp")),
        data=_data(fields.get("rawData")),
    )


def _text(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    value = next((fields[name] for name in names if fields.get(name) is not None), None)
    # Half a pair of surrogates can be written in JSON, and nowhere else.
    return "" if value is None else str(value).encode(errors="replace").decode()


def _moment(milliseconds: object) -> datetime | None:
    # The documentation shows numbers for one kind of entry, and texts for another.
    if isinstance(milliseconds, str) and milliseconds.isascii() and milliseconds.isdecimal():
        milliseconds = int(milliseconds[:20])
    if type(milliseconds) is not int:  # a bool would be one, too
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _data(raw: object) -> bytes | None:
    try:
        return b64decode(raw, validate=True) if isinstance(raw, str) else None
    except (binascii.Error, ValueError):
        return None


def _skip_space(text: str, start: int) -> int:
    found = _NO_SPACE.search(text, start)
    return found.start() if found else len(text)
