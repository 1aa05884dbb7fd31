"""Process groups: what a child started ends with it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stockstream_local.processes import run_group

# Starts a grandchild, says its number, and waits.
PARENT = "import subprocess as s; print(s.Popen(['sleep', '60']).pid, flush=True); input()"


def is_running(number: int) -> bool:
    listed = subprocess.run(  # noqa: S603 (our own command)
        ["/bin/ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False
    )
    return bool(listed.stdout.strip()) and not listed.stdout.strip().startswith("Z")


def number_in(log: Path) -> int:
    deadline = time.monotonic() + 10
    while not log.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(log.read_text())


@pytest.mark.parametrize("error", [None, KeyboardInterrupt], ids=["leaving", "Ctrl-C"])
def test_the_whole_group_ends_with_the_block(tmp_path: Path, error: type[BaseException] | None) -> None:
    log = tmp_path / "log"
    grandchild = 0
    try:
        with run_group([sys.executable, "-c", PARENT], os.environ, tmp_path, log):
            grandchild = number_in(log)
            assert is_running(grandchild)
            if error:
                raise error
    except KeyboardInterrupt:
        pass

    assert not is_running(grandchild)


def test_a_grandchild_ends_even_when_its_parent_ended_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with run_group(
        [sys.executable, "-c", PARENT.replace("; input()", "")], os.environ, tmp_path, log
    ) as process:
        grandchild = number_in(log)
        process.wait()
        assert is_running(grandchild)

    assert not is_running(grandchild)


def test_a_group_that_is_all_gone_is_no_error(tmp_path: Path) -> None:
    with run_group([sys.executable, "-c", ""], os.environ, tmp_path, tmp_path / "log") as process:
        assert process.wait() == 0
