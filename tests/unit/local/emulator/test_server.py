"""The emulator's start: a port that is free, and a reason where it does not start."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from stockstream_local.emulator import server as emulator
from stockstream_local.emulator.server import EmulatorError, choose_port, run_emulator
from stockstream_local.processes import run_group


def test_any_port_is_a_free_one() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", choose_port(None)))


def test_a_free_port_is_taken_as_it_is_asked_for() -> None:
    free = choose_port(None)

    assert choose_port(free) == free


def test_a_port_that_is_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(EmulatorError, match=rf"Port {port} cannot be used .* give another --port"):
            choose_port(port)


def test_an_emulator_that_ends_at_once_is_told_by_the_end_of_its_log(tmp_path: Path) -> None:
    # A Python without the package cannot run it.
    environ = os.environ | {"PYTHONPATH": "", "PYTHONHOME": str(tmp_path)}

    with (
        pytest.raises(EmulatorError, match=r"(?s)did not start:.*encodings.*All of it: .*emulator\.log"),
        run_emulator(None, environ, tmp_path),
    ):
        pytest.fail("it cannot have started")

    assert (tmp_path / "emulator.log").read_bytes()
    assert not (tmp_path / "tmp").exists()


def test_an_emulator_that_is_killed_is_told_by_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = []

    @contextmanager
    def run_and_keep(*asked: Any) -> Iterator[Any]:
        with run_group(*asked) as process:
            processes.append(process)
            yield process

    def run_and_kill() -> None:
        with run_emulator(None, os.environ, tmp_path) as there:
            processes[0].kill()
            processes[0].wait()
            once = Config(retries={"total_max_attempts": 1})
            boto3.client("s3", endpoint_url=there.url, config=once).list_buckets()

    monkeypatch.setattr(emulator, "run_group", run_and_keep)
    with pytest.raises(EmulatorError, match=r"the middle of the run, killed by SIGKILL\. .* start again"):
        run_and_kill()


def test_an_emulator_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "START_SECONDS", 0.0)

    with pytest.raises(EmulatorError), run_emulator(choose_port(None), os.environ, tmp_path):
        pytest.fail("there was no time to start")


def test_a_port_that_is_lost_between_choosing_and_listening_is_left_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        chosen = [taken.getsockname()[1], choose_port(None)]
        ports = list(chosen)
        monkeypatch.setattr(emulator, "choose_port", lambda _wanted: ports.pop(0))

        with run_emulator(None, os.environ, tmp_path) as emulator_there:
            assert emulator_there.url == f"http://127.0.0.1:{chosen[1]}"
            assert ports == []
