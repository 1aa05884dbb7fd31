"""Corrections by hand: entries written to a file that a person edits, and read back from it."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stockstream.errors import StockstreamError
from stockstream.times import format_instant
from stockstream_operate.redrive.set_aside import SetAside
from stockstream_operate.redrive.triage import Decision
from stockstream_operate.whole_file import replacing, say_os_error


class CorrectionsFileError(StockstreamError):
    """The file cannot be written or read; the text says which line, and what to do."""


class SavedEntries:
    """The entries that are written for a person, one JSON object a line.

    Args:
        path: the file that they come into.
        part: the one that they are written to first.
    """

    def __init__(self, path: Path, part: Path) -> None:
        self._count = 0
        self._path = path
        self._part = part

    def add(self, decision: Decision) -> None:
        """Writes an entry that needs a person."""
        # json and not orjson, which reads records that are nested more deeply than what it can write.
        with self._part.open("a", encoding="ascii") as file:
            file.write(json.dumps(_describe(decision)) + "\n")
        self._count += 1

    def advice(self) -> str:
        """Says what to do with the file."""
        if not self._count:
            return "Nothing needs a person."
        return f"For a person: {self._count:,} in {self._path}. Edit it, then: --from {self._path}"


@contextmanager
def save_entries(path: Path) -> Iterator[SavedEntries]:
    """A new file for a person; it is there at the end, with all of its entries, unless it would have none.

    Args:
        path: where; a file that is there already may hold somebody's work, and is not touched.

    Raises:
        CorrectionsFileError: it cannot be written.
    """
    if path.exists():
        raise CorrectionsFileError(f"{path} is there already: name another file.")
    try:
        with replacing(path) as part:
            part.touch()
            yield SavedEntries(path, part)
            is_empty = not part.stat().st_size
    except OSError as error:
        raise CorrectionsFileError(f"The file for --save cannot be written: {say_os_error(error)}") from None
    if is_empty:
        path.unlink()


def read_corrections(path: Path) -> dict[str, bytes]:
    """The edited records of a file, by the name of the entry that each stands for.

    Raises:
        CorrectionsFileError: a line is no such entry.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise CorrectionsFileError(f"{path} cannot be read: {error.strerror}") from None
    corrections = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            corrections[str(fields["entry"])] = _read_data(fields)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorrectionsFileError(
                f"{path}, line {number} is no entry that --save wrote ({type(error).__name__}: {error}). "
                "Edit `record` (or `text`), and leave the rest of the line as it is."
            ) from error
    return corrections


def _describe(decision: Decision) -> dict[str, Any]:
    entry = decision.entry
    return {
        "reason": decision.reason,
        "detail": decision.note,
        **_readable(entry),
        "arrived_at": entry.arrived_at and format_instant(entry.arrived_at),
        "file": entry.key,
        "entry": entry.name,
    }


def _readable(entry: SetAside) -> dict[str, Any]:
    try:
        text = entry.raw.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(entry.raw).decode()}
    if entry.data is None:
        return {"text": text}
    try:
        return {"record": json.loads(text)}
    except (ValueError, RecursionError):
        return {"text": text}


def _read_data(fields: dict[str, Any]) -> bytes:
    if "record" in fields:
        return json.dumps(fields["record"]).encode()
    if "text" in fields:
        return str(fields["text"]).encode()
    return b64decode(fields["base64"], validate=True)
