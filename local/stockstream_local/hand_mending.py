"""What a person mends: entries written to a file to be edited, and read back from it."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from stockstream.errors import StockstreamError
from stockstream.times import format_instant
from stockstream_local.decisions import Decision
from stockstream_local.set_aside import Kind, SetAside


class HandMendingError(StockstreamError):
    """The file cannot be written or read; the text says which line, and what to do."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One edited entry.

    Attributes:
        entry: what it is now; its data is the edited one.
        digest: of the entry as it was set aside.
    """

    entry: SetAside
    digest: str


class SavedEntries:
    """A new file for a person, one JSON object a line.

    Args:
        path: where; a file that is there already may hold somebody's work, and is not touched.

    Raises:
        HandMendingError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            raise HandMendingError(f"{path} is there already: name another file.") from None
        except OSError as error:
            raise HandMendingError(f"{path} cannot be written: {error.strerror}") from None

    def add(self, decision: Decision) -> None:
        """Writes an entry that needs a person."""
        with self._path.open("ab") as file:
            file.write(orjson.dumps(describe(decision), option=orjson.OPT_APPEND_NEWLINE))
        self.count += 1


def describe(decision: Decision) -> dict[str, Any]:
    """An entry for a person, who edits `record`, or `text` where it is no JSON."""
    entry = decision.entry
    arrived = entry.arrived_at
    return {
        "reason": decision.reason,
        "detail": decision.note,
        **_readable(entry),
        "arrived_at": arrived and format_instant(arrived),
        "kind": entry.kind.value,
        "index": entry.index,
        "key": entry.key,
        "entry": entry.digest,
    }


def read_corrections(path: Path) -> Iterator[Correction]:
    """The entries of an edited file.

    Raises:
        HandMendingError: a line is no such entry.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise HandMendingError(f"{path} cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _read_correction(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise HandMendingError(
                f"{path}, line {number} is no entry that --save wrote ({error}): "
                "edit `record` (or `text`), and leave the rest of the line as it is."
            ) from error


def _readable(entry: SetAside) -> dict[str, Any]:
    if entry.data is None:
        return {"base64": b64encode(entry.text.encode(errors="surrogateescape")).decode()}
    try:
        return {"record": orjson.loads(entry.data)}
    except orjson.JSONDecodeError:
        pass
    try:
        return {"text": entry.data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(entry.data).decode()}


def _read_correction(line: dict[str, Any]) -> Correction:
    if "record" in line:
        data = orjson.dumps(line["record"])
    elif "text" in line:
        data = str(line["text"]).encode()
    else:
        data = b64decode(line["base64"], validate=True)
    kind, key, index = Kind(line["kind"]), str(line["key"]), str(line["index"])
    return Correction(SetAside(kind, key, "", "BY_HAND", "", None, data, index), str(line["entry"]))
