"""The run lock: one pipeline at a time, and others can find it."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import pytest
from full_disk import files_end_at

from stockstream_operate.environment import Emulator
from stockstream_operate.run_lock import AlreadyRunningError, hold_run_lock, read_process, read_running

EMULATOR, FAULTS_URL = Emulator("http://127.0.0.1:4566", "key"), "http://127.0.0.1:2/secret"


def test_a_second_run_is_refused_by_the_number_of_the_first(tmp_path: Path) -> None:
    with (
        hold_run_lock(tmp_path),
        pytest.raises(AlreadyRunningError, match=str(os.getpid())),
        hold_run_lock(tmp_path),
    ):
        pytest.fail("both hold it")


def test_others_find_where_it_runs_until_it_ends(tmp_path: Path) -> None:
    assert read_running(tmp_path) is None
    with hold_run_lock(tmp_path) as publish:
        assert read_running(tmp_path) is None
        publish(EMULATOR, FAULTS_URL)
        running = read_running(tmp_path)
        assert running
        assert running[:3] == (EMULATOR, FAULTS_URL, os.getpid())
    assert read_running(tmp_path) is None


def test_what_a_killed_run_left_behind_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text('{"pid": 1, "url": "http://127.0.0.1:1"}')

    assert read_running(tmp_path) is None
    with hold_run_lock(tmp_path) as publish:
        assert read_running(tmp_path) is None
        publish(EMULATOR, FAULTS_URL)
        running = read_running(tmp_path)
        assert running
        assert running[:3] == (EMULATOR, FAULTS_URL, os.getpid())


def test_a_run_that_begins_or_ends_has_told_nothing(tmp_path: Path) -> None:
    """It holds the lock, and its file is empty for a moment."""
    with hold_run_lock(tmp_path):
        (tmp_path / "running.json").write_text("")

        assert read_running(tmp_path) is None
        with (
            pytest.raises(AlreadyRunningError, match=r"in this clone already\. Stop"),
            hold_run_lock(tmp_path),
        ):
            pytest.fail("both hold it")


def test_readers_do_not_take_each_other_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "running.json"
    file.write_text('{"process": 1}')  # of a run that was killed
    with file.open() as another:
        fcntl.flock(another, fcntl.LOCK_SH)

        assert read_process(tmp_path) is None


def test_a_start_waits_for_a_reader_and_not_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "running.json"
    file.write_text("")
    with file.open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        leaving = Timer(0.05, lambda: fcntl.flock(reader, fcntl.LOCK_UN))
        leaving.start()
        with hold_run_lock(tmp_path):
            assert read_process(tmp_path) == os.getpid()
        leaving.join()


def test_its_process_and_its_beginning_are_known_from_the_start(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    assert read_process(tmp_path) is None
    with hold_run_lock(tmp_path) as publish:
        assert read_process(tmp_path) == os.getpid()
        publish(EMULATOR, FAULTS_URL)
        assert read_process(tmp_path) == os.getpid()
        running = read_running(tmp_path)
        assert running
        assert before <= running.since <= datetime.now(UTC)
    assert read_process(tmp_path) is None


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="File too large") as error,
        files_end_at(0),
        hold_run_lock(tmp_path),
    ):
        pytest.fail("it could not say who holds it")

    assert error.value.filename == str(tmp_path / "running.json")
    with hold_run_lock(tmp_path):
        assert read_process(tmp_path) == os.getpid()
