"""`stockstream status`: what it says of a run, and of none, for people and for programs."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from stockstream_local import status_command
from stockstream_local.cli import main
from stockstream_local.status_command import Delivered, Status, as_object, show_status
from stockstream_operate.environment import Emulator
from stockstream_operate.lake import access
from stockstream_operate.lake.delays import Delay
from stockstream_operate.run_lock import Running, hold_run_lock
from stockstream_operate.screen import Screen
from stockstream_operate.stack import NotCreatedError, Stack

RUNNING = Running(
    Emulator("http://127.0.0.1:4566", "the key"),
    "http://127.0.0.1:2/secret",
    4711,
    datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
)
IBM = Delivered("IBM", 1234, datetime(2026, 11, 20, 15, 59))  # noqa: DTZ001 (as the lake's views give it)


def show(status: Status, minutes: int = 90) -> str:
    page = io.StringIO()
    now = datetime(2026, 11, 20, 15, 0, 59, tzinfo=UTC) + timedelta(minutes=minutes)
    show_status(status, Screen(Console(file=page, width=200)), now)
    return page.getvalue()


def test_says_since_when_it_runs_what_is_wrong_and_what_came() -> None:
    said = show(Status(RUNNING, ["PipelineDownAlarm"], ["provider-down"], [IBM]))

    assert "since 2026-11-20 15:00 UTC (90 minutes), as process 4711, at http://127.0.0.1:4566" in said
    assert "In ALARM: PipelineDownAlarm." in said
    assert "Broken on purpose: provider-down." in said
    assert [line.split() for line in said.splitlines()][-1] == ["IBM", "1,234", "2026-11-20", "15:59"]


def test_a_minute_is_one() -> None:
    assert "15:00 UTC (1 minute), as process" in show(Status(RUNNING, [], [], []), minutes=1)


def test_says_how_long_bars_take_where_that_is_known() -> None:
    said = show(Status(RUNNING, [], [], [IBM], [Delay("into the lake", 0.84, 2.06, 60)]))

    assert said.splitlines()[-1].split() == ["into", "the", "lake", "0.8", "s", "2.1", "s", "60"]
    assert "half within" in said


def test_says_that_nothing_is_wrong() -> None:
    said = show(Status(RUNNING, [], [], []))

    assert "No alarm is in ALARM." in said
    assert "Broken" not in said
    assert "Nothing was delivered yet." in said


def test_programs_get_the_same_and_no_key() -> None:
    said = as_object(Status(RUNNING, ["A"], ["b"], [IBM], [Delay("in all", 31.5, 60.25, 60)]))

    assert said == {
        "running": True,
        "process": 4711,
        "since": "2026-11-20T15:00:00Z",
        "url": "http://127.0.0.1:4566",
        "alarms": ["A"],
        "faults": ["b"],
        "delivered": [{"instrument": "IBM", "bars": 1234, "newest": "2026-11-20T15:59:00Z"}],
        "delays": [{"stage": "in all", "p50": 31.5, "p99": 60.25, "bars": 60}],
    }
    assert "key" not in json.dumps(said)


def test_where_nothing_runs_and_nothing_came_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status_command, "STATE", tmp_path)
    monkeypatch.setattr(access, "FOLDER", tmp_path / "lake")

    assert main(["status"]) == 0
    assert main(["status", "--json"]) == 0

    people, program = capsys.readouterr().out.split("\n{", 1)
    assert people == "Nothing runs here: start `make run`.\nNothing was delivered yet."
    assert json.loads("{" + program)["running"] is False


def test_a_run_that_has_no_stack_yet_has_a_status_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find() -> Stack:
        raise NotCreatedError

    monkeypatch.setattr(status_command, "STATE", tmp_path)
    monkeypatch.setattr(access, "FOLDER", tmp_path / "lake")
    monkeypatch.setattr(status_command, "find_running_stack", find)
    monkeypatch.setattr(status_command, "active_faults", list)
    with hold_run_lock(tmp_path) as publish:
        publish(RUNNING.emulator, RUNNING.faults_url)
        assert main(["status", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["running"], said["alarms"]) == (True, [])
