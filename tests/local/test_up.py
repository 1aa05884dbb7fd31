"""`stockstream up` as people start it: it ends by itself or by a signal, and leaves nothing running."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
import requests
import talib
from clone import COMMAND, environment, make_clone

from stockstream.instruments import parse_instrument
from stockstream_local.market.alphavantage import write_answer
from stockstream_local.market.invented import bars
from stockstream_local.market.recording import Recording

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    return make_clone(tmp_path_factory.mktemp("clone"), built)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An answer of 100 bars in Alpha Vantage's form, of the invented market."""
    instrument, moment = parse_instrument("MSFT"), datetime(2025, 7, 1, 18, 0, tzinfo=UTC)
    path = tmp_path_factory.mktemp("recorded") / "intraday.json"
    path.write_bytes(write_answer({"interval": "1min"}, instrument, bars(instrument, "1min", moment, 100)))
    return path


@contextmanager
def started(clone: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [*COMMAND, *arguments],
        env=environment(clone),
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # A line that never comes ends in a failure, and not in a wait without end.
    patience = Timer(300, process.kill)
    patience.start()
    try:
        yield process
    finally:
        patience.cancel()
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} was never said: {said}")


def read_documents(clone: Path) -> list[dict[str, Any]]:
    files = (clone / ".stockstream" / "lake").rglob("*.json.gz")
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def await_remembered(path: Path, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists() or what not in path.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, f"{path} does not have {what}"
        time.sleep(0.2)


def await_delivered(clone: Path, bars: int) -> dict[str, Any]:
    """What `stockstream status` says when so many bars have come."""
    deadline = time.monotonic() + 60
    while len(read_documents(clone)) < bars:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with started(clone, "status", "--json") as status:
        answer, _ = status.communicate(timeout=60)
    assert status.returncode == 0, answer
    found: dict[str, Any] = json.loads(answer)
    return found


def running_commands() -> list[str]:
    """The command line of each process; a container may have no ps, and a Mac has no /proc."""
    if not Path("/proc/self/cmdline").exists():
        return subprocess.check_output(["/bin/ps", "-A", "-o", "args="], text=True).splitlines()
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            commands.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return commands


def find_child(process: subprocess.Popen[str]) -> int:
    """The number of the only process that one has started (Linux says it here)."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())


def assert_nothing_runs(clone: Path, said: str) -> None:
    """No emulator listens, and no process of the clone is left (an end by SIGKILL takes a moment)."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
    assert found
    deadline = time.monotonic() + 5
    while True:
        left = [command for command in running_commands() if str(clone) in command]
        with socket.socket() as probe:
            is_open = probe.connect_ex(("127.0.0.1", int(found[1]))) == 0
        if not left and not is_open:
            return
        assert time.monotonic() < deadline, f"left: {left}, port open: {is_open}"
        time.sleep(0.1)


@pytest.mark.parametrize(
    "is_built", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["built", "as a newcomer has it"]
)
def test_delivers_a_recording_with_the_right_numbers_and_ends(
    tmp_path: Path, recording: Path, built: Path, *, is_built: bool
) -> None:
    clone = make_clone(tmp_path, built if is_built else None)
    with started(clone, "up", "--recorded", str(recording), "--bars", "100") as process:
        said, _ = process.communicate(timeout=180)

    assert process.returncode == 0, said
    assert "100 documents delivered" in said
    assert_nothing_runs(clone, said)
    # THEN the files hold the recording's bars, with what TA-Lib finds over its whole history
    documents = sorted(read_documents(clone), key=lambda document: document["open_time"])
    expected = Recording(recording).bars
    closes = np.array([bar.close for bar in expected])
    assert [datetime.fromisoformat(each["open_time"]) for each in documents] == [
        bar.open_time for bar in expected
    ]
    assert [each["close"] for each in documents] == list(closes)
    for field, column in {
        "sma_5": talib.SMA(closes, 5),
        "sma_20": talib.SMA(closes, 20),
        "sma_50": talib.SMA(closes, 50),
        "ema_12": talib.EMA(closes, 12),
        "ema_26": talib.EMA(closes, 26),
        "rsi_14": talib.RSI(closes, 14),
        "return_5": talib.ROCP(closes, 5),
    }.items():
        told = [np.nan if each[field] is None else each[field] for each in documents]
        np.testing.assert_allclose(told, column, rtol=1e-9, atol=1e-11, err_msg=field)


@pytest.mark.parametrize(
    ("step", "seconds", "number"),
    [
        ("Building", 1, signal.SIGINT),
        ("Creating", 0.2, signal.SIGTERM),
        pytest.param("Building", 1, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("Creating", 0.2, signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_all_that_was_started(
    clone: Path, tmp_path: Path, step: str, seconds: float, number: signal.Signals
) -> None:
    if step == "Building":
        clone = make_clone(tmp_path)
    with started(clone, "up") as process:
        said = read_until(process, step)
        time.sleep(seconds)  # it is at work
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert rest == "Stopped. Nothing is left running.\n"
    assert_nothing_runs(clone, said)


def test_a_killed_run_leaves_no_emulator(clone: Path) -> None:
    with started(clone, "up") as process:
        said = read_until(process, "Creating")
        # The emulator ends even when its parent cannot end it.
        process.kill()
        process.wait()
        assert_nothing_runs(clone, said)


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["the run", "its emulator"])
def test_a_run_goes_on_where_a_killed_one_ended(tmp_path: Path, built: Path, killed: str) -> None:
    clone = make_clone(tmp_path, built)
    with started(clone, "up") as process:
        said = read_until(process, "Waiting for the first bars")
        # It remembers what it has sent as soon as a later bar is there, too.
        # Of several instruments it may remember one before another.
        memory = clone / ".stockstream" / "lake" / "kept" / "memory.json"
        await_remembered(memory, "crypto:BTC/USD|1min", seconds=150)
        if killed == "the run":
            process.kill()
            process.wait()
        else:
            os.kill(find_child(process), signal.SIGKILL)
            rest, _ = process.communicate(timeout=60)
            assert process.returncode == 1
            assert "The local AWS ended in the middle of the run, killed by SIGKILL." in rest
            assert "Traceback" not in rest
        assert_nothing_runs(clone, said)
    before = read_documents(clone)
    with started(clone, "up", "--bars", "3") as process:
        rest, _ = process.communicate(timeout=150)

    assert process.returncode == 0, rest
    assert "this run goes on where they ended" in rest
    # THEN no minute of a coin is missing, and each look-back that is not whole is of the first hundred bars
    bars = {each["open_time"]: each for each in read_documents(clone) if each["asset_class"] == "crypto"}
    times = sorted(map(datetime.fromisoformat, bars))
    assert {after - earlier for earlier, after in pairwise(times)} == {timedelta(minutes=1)}
    assert len(read_documents(clone)) > len(before)
    assert bars[max(bars)]["lookback_bars"] == min(len(bars) - 1, 199)
    # THEN a fresh one says what it deletes
    with started(clone, "up", "--fresh", "--bars", "1") as process:
        rest, _ = process.communicate(timeout=150)
    assert re.search(r"Deleting what earlier runs have delivered of INVENTED prices: \d+ files, ", rest), rest
    assert "First bars delivered" in rest


def test_another_terminal_sees_how_it_goes_sets_off_an_alarm_and_ends_it(clone: Path) -> None:
    with started(clone, "up") as process:
        said = read_until(process, "The page: ")
        page = re.search(r"The page: (http://127\.0\.0\.1:\d+/\?key=\S+)", said)
        assert page
        shown = requests.get(page[1], timeout=30)
        stranger = requests.get(page[1].partition("?")[0], timeout=30)
        found = await_delivered(clone, bars=3 * 99)
        with started(clone, "alarm", "DeadLettersAlarm") as alarm:
            answer, _ = alarm.communicate(timeout=20)
        with started(clone, "alarm", "NoSuchAlarm") as wrong:
            refusal, _ = wrong.communicate(timeout=20)
        with started(clone, "down") as down:
            farewell, _ = down.communicate(timeout=60)
        rest, _ = process.communicate(timeout=20)

    assert (shown.status_code, stranger.status_code) == (200, 403)
    assert (found["running"], found["process"]) == (True, process.pid)
    assert {each["instrument"] for each in found["delivered"]} == {"IBM", "crypto:BTC/USD", "fx:EUR/USD"}
    assert all(each["bars"] >= 99 for each in found["delivered"])
    assert (alarm.returncode, wrong.returncode) == (0, 1)
    assert "DeadLettersAlarm is in ALARM" in answer
    assert "There is no alarm NoSuchAlarm. There are: AlertsGivenUpAlarm" in refusal
    assert (down.returncode, farewell) == (0, "Stopped. Nothing is left running.\n")
    assert process.returncode == 0
    assert rest.endswith("Stopped. Nothing is left running.\n")
    assert_nothing_runs(clone, said)
    with started(clone, "alarm") as late:
        answer, _ = late.communicate(timeout=20)
    assert "Nothing runs here" in answer


@pytest.mark.slow
def test_a_second_run_in_the_same_clone_is_refused(clone: Path) -> None:
    with started(clone, "up") as first:
        read_until(first, "Building")
        with started(clone, "up") as second:
            said, _ = second.communicate(timeout=20)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=20)

    assert second.returncode == 1
    assert "runs in this clone already" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_named(clone: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started(clone, "up", "--port", str(port)) as process:
            said, _ = process.communicate(timeout=20)

    assert process.returncode == 1
    assert f"Port {port} cannot be used" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_failed_build_is_explained_and_leaves_nothing_behind(tmp_path: Path) -> None:
    clone = make_clone(tmp_path)
    requirements = clone / "layers" / "common" / "requirements.txt"
    requirements.write_text("this is no requirement\n")
    with started(clone, "up") as process:
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "`sam build` failed" in said
    assert "sam-build.log" in said
    assert "Traceback" not in said
    assert_nothing_runs(clone, said)
