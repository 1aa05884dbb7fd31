"""One pipeline at a time in a clone: two would build and write in the same directory."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stockstream.errors import StockstreamError

_NAME = "running.json"


class AlreadyRunningError(StockstreamError):
    """Another pipeline runs in this clone; the text says which process it is."""


@contextmanager
def hold_run_lock(state: Path) -> Iterator[Callable[[str, str], None]]:
    """Holds the lock until the process ends, even if it is killed.

    Within, what writes down for others where the emulator and the run's fault server listen.

    Args:
        state: an existing directory.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    with (state / _NAME).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(file)
            who = f" (process {holder['pid']})" if holder else ""
            raise AlreadyRunningError(
                f"`stockstream up` runs in this clone already{who}. Stop it first, or use another clone."
            ) from None
        _write(file, pid=os.getpid())
        yield lambda url, faults_url: _write(file, pid=os.getpid(), url=url, faults_url=faults_url)
        file.truncate(0)


def read_running_url(state: Path) -> str | None:
    """The address of the running pipeline's emulator; None where none runs."""
    running = read_running(state)
    return running.get("url") if running else None


def read_running(state: Path) -> dict[str, str] | None:
    """The addresses of the running pipeline, by name: url and faults_url; None where none runs.

    At its beginning it has none yet.
    """
    try:
        with (state / _NAME).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file)
    except FileNotFoundError:
        pass
    return None


def _write(file: TextIO, **told: str | int) -> None:
    file.truncate(0)
    json.dump(told, file)
    file.flush()


def _read(file: TextIO) -> dict[str, str] | None:
    """What the holder of the lock wrote; None at its beginning and its end, when the file is empty."""
    file.seek(0)
    text = file.read()
    return json.loads(text) if text else None
