"""One pipeline at a time in a clone: two would build and write in the same directory."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from stockstream.errors import StockstreamError
from stockstream_operate.environment import Emulator
from stockstream_operate.whole_file import naming

_NAME = "running.json"
# A reader holds the lock for a moment to see whether it is free; a start waits that long, and not for a run.
_ATTEMPTS, _PAUSE_SECONDS = 20, 0.01


class AlreadyRunningError(StockstreamError):
    """Another pipeline runs in this clone; the text says which process it is."""


class Running(NamedTuple):
    """How a running pipeline is reached.

    Attributes:
        emulator: the AWS that it runs in.
        faults_url: its fault server.
        process: its number.
        since: when it began, UTC.
    """

    emulator: Emulator
    faults_url: str
    process: int
    since: datetime


@contextmanager
def hold_run_lock(state: Path) -> Iterator[Callable[[Emulator, str], None]]:
    """Holds the lock until the process ends, even if it is killed.

    Within: a function that writes down for others where the emulator and the run's fault server are.

    Args:
        state: an existing directory.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    with naming(state / _NAME), (state / _NAME).open("a+b", buffering=0) as file:
        if not _take(file):
            holder = _read(file)
            who = f" (process {holder['process']})" if holder else ""
            raise AlreadyRunningError(
                f"`stockstream up` runs in this clone already{who}. Stop it first, or use another clone."
            )
        holder = {"process": os.getpid(), "since": datetime.now(UTC).isoformat()}
        _write(file, holder)
        yield lambda emulator, faults_url: _write(
            file, holder | emulator._asdict() | {"faults_url": faults_url}
        )
        file.truncate(0)


def read_running(state: Path) -> Running | None:
    """How the running pipeline is reached; None where none runs, and at its beginning."""
    said = _read_holder(state) or {}
    if "url" not in said:
        return None
    emulator = Emulator(said["url"], said["secret_key"])
    return Running(emulator, said["faults_url"], said["process"], datetime.fromisoformat(said["since"]))


def read_process(state: Path) -> int | None:
    """The number of the process that holds the lock; None where none does, and for a moment at its ends."""
    said = _read_holder(state)
    return said["process"] if said else None


def _read_holder(state: Path) -> dict[str, Any] | None:
    """What the holder of the lock wrote; None where nobody holds it."""
    try:
        with (state / _NAME).open("r+b", buffering=0) as file:
            try:
                # Shared, so that two readers do not take each other for a run.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file)
    except FileNotFoundError:
        pass
    return None


def _take(file: FileIO) -> bool:
    for _ in range(_ATTEMPTS):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def _write(file: FileIO, said: Mapping[str, object]) -> None:
    file.truncate(0)
    # Not buffered: what a full disk does not take would be tried again when the file is closed.
    file.write(json.dumps(said).encode())


def _read(file: FileIO) -> dict[str, Any] | None:
    """What the holder of the lock wrote; None at its beginning and its end, when the file is empty."""
    file.seek(0)
    text = file.read()
    return json.loads(text) if text else None
