"""`stockstream down`: it ends the process that holds this clone's lock, and waits for its end."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stockstream_local import down_command
from stockstream_local.cli import main
from stockstream_operate.run_lock import read_process

HOLD = """
import pathlib, signal, sys, time
from stockstream_operate.run_lock import hold_run_lock
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "stubborn" else signal.default_int_handler)
with hold_run_lock(pathlib.Path(sys.argv[1])):
    try:
        print("held", flush=True)  # only where the signal is awaited: it may come at once
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.3)  # what it has to end, too
"""


@contextmanager
def holding(folder: Path, manner: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(  # noqa: S603 (our own words)
        [sys.executable, "-c", HOLD, str(folder), manner], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(down_command, "STATE", tmp_path)
    return tmp_path


def test_a_run_ends_and_the_command_waits_for_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with holding(folder, "willing") as process:
        began = time.monotonic()
        assert main(["down"]) == 0
        assert time.monotonic() - began >= 0.3
        assert process.wait(timeout=10) == 0

    assert capsys.readouterr().out == "Stopped. Nothing is left running.\n"
    assert read_process(folder) is None


def test_where_nothing_runs_there_is_nothing_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == 0

    assert capsys.readouterr().out == "Nothing runs here.\n"


def test_a_run_that_ends_by_itself_meanwhile_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    seen = iter([ended.pid, None])
    monkeypatch.setattr(down_command, "read_process", lambda _state: next(seen))

    assert main(["down"]) == 0
    assert capsys.readouterr().out == "Stopped. Nothing is left running.\n"


def test_a_run_that_does_not_end_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(down_command, "END_SECONDS", 0.2)
    with holding(folder, "stubborn") as process:
        assert main(["down"]) == 1
        assert process.poll() is None
        number = process.pid

    assert f"kill -9 {number}" in capsys.readouterr().err
