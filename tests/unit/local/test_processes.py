"""Process groups: what a child started ends with it."""

import fcntl
import os
import sys
import time
from pathlib import Path

import pytest

from stockstream_local.processes import run_group

# Holds a lock for as long as it lives, and says so.
HOLDER = (
    "import fcntl, time; f = open('lock', 'w'); fcntl.flock(f, 2); print('held', flush=True); time.sleep(60)"
)
# Starts a holder, which thereby is our grandchild, and waits.
PARENT = f"import subprocess as s, sys; s.Popen([sys.executable, '-c', {HOLDER!r}]); input()"


def is_held(folder: Path) -> bool:
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def ends(folder: Path) -> bool:
    """Whether the holder ends: a killed process needs a moment."""
    deadline = time.monotonic() + 5
    while is_held(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_held(folder)


def await_holder(log: Path) -> None:
    deadline = time.monotonic() + 10
    while "held" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("error", [None, KeyboardInterrupt], ids=["leaving", "Ctrl-C"])
def test_the_whole_group_ends_with_the_block(tmp_path: Path, error: type[BaseException] | None) -> None:
    log = tmp_path / "log"
    try:
        with run_group([sys.executable, "-c", PARENT], os.environ, tmp_path, log):
            await_holder(log)
            assert is_held(tmp_path)
            if error:
                raise error
    except KeyboardInterrupt:
        pass

    assert ends(tmp_path)


def test_a_grandchild_ends_even_when_its_parent_ended_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with run_group(
        [sys.executable, "-c", PARENT.replace("; input()", "")], os.environ, tmp_path, log
    ) as process:
        await_holder(log)
        process.wait()
        assert is_held(tmp_path)

    assert ends(tmp_path)


def test_a_group_that_is_all_gone_is_no_error(tmp_path: Path) -> None:
    with run_group([sys.executable, "-c", ""], os.environ, tmp_path, tmp_path / "log") as process:
        assert process.wait() == 0
