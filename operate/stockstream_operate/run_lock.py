"""One pipeline at a time in a clone: two would build and write in the same directory."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from stockstream.errors import StockstreamError
from stockstream_operate.environment import Emulator

_NAME = "running.json"


class AlreadyRunningError(StockstreamError):
    """Another pipeline runs in this clone; the text says which process it is."""


class Running(NamedTuple):
    """How a running pipeline is reached.

    Attributes:
        emulator: the AWS that it runs in.
        faults_url: its fault server.
    """

    emulator: Emulator
    faults_url: str


@contextmanager
def hold_run_lock(state: Path) -> Iterator[Callable[[Running], None]]:
    """Holds the lock until the process ends, even if it is killed.

    Within, what writes down for others how the run is reached.

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
        yield lambda running: _write(
            file,
            pid=os.getpid(),
            url=running.emulator.url,
            secret_key=running.emulator.secret_key,
            faults_url=running.faults_url,
        )
        file.truncate(0)


def read_running(state: Path) -> Running | None:
    """How the running pipeline is reached; None where none runs, and at its beginning."""
    try:
        with (state / _NAME).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                said = _read(file) or {}
                if "url" not in said:
                    return None
                return Running(Emulator(said["url"], said["secret_key"]), said["faults_url"])
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
