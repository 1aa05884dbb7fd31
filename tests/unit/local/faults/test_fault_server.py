"""The fault server: orders by HTTP on the loopback, and what the commands say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stockstream_local.cli import main
from stockstream_local.faults import fault_server
from stockstream_local.faults.catalogue import FaultError, Faults
from stockstream_local.faults.fault_server import FaultServer, ask
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.environment import Emulator
from stockstream_operate.run_lock import hold_run_lock
from stockstream_operate.stack import NothingRunsError


class RunningPipeline:
    """A running pipeline's faults and their server, and what was said where it runs."""

    def __init__(self, state: Path) -> None:
        self.said: list[str] = []
        market, receiver = ReplayMarket(InventedMarket()), NoticeReceiver()
        self.servers = (market, receiver)
        self.faults = Faults(market, receiver, state, lambda _name: "none")
        self.fault_server = FaultServer(self.faults, self.said.append)


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningPipeline]:
    pipeline = RunningPipeline(tmp_path)
    monkeypatch.setattr(fault_server, "STATE", tmp_path)
    with (
        pipeline.servers[0],
        pipeline.servers[1],
        pipeline.fault_server,
        hold_run_lock(tmp_path) as publish,
    ):
        publish(Emulator("http://emulator", "key"), pipeline.fault_server.url)
        yield pipeline


def test_a_fault_and_its_end_are_said_on_both_sides(pipeline: RunningPipeline) -> None:
    begun = ask("POST", "/begin/stream-full")
    assert pipeline.faults.active == {"stream-full"}
    ended = ask("POST", "/end/stream-full")

    assert pipeline.faults.active == set()
    assert pipeline.said == [begun, ended]
    assert "BarStreamThrottledAlarm" in str(begun)


def test_a_refusal_is_said_to_who_asked_and_to_nobody_else(pipeline: RunningPipeline) -> None:
    with pytest.raises(FaultError, match="There is no fault rain"):
        ask("POST", "/begin/rain")

    assert pipeline.said == []


def test_says_which_faults_there_are(pipeline: RunningPipeline) -> None:
    pipeline.faults.begin("provider-down")

    known = requests.get(pipeline.fault_server.url, timeout=30).json()["said"]

    assert {each["name"]: each["active"] for each in known} == {
        name: "now" if name == "provider-down" else "" for name in pipeline.faults.known
    }
    assert all(each["what"] and each["notice"] for each in known)


def test_without_a_run_there_is_nothing_to_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_server, "STATE", tmp_path)
    (tmp_path / "running.json").write_text(json.dumps({"url": "u", "faults_url": "http://127.0.0.1:1"}))

    with pytest.raises(NothingRunsError, match="Nothing runs here"):
        ask("GET", "/")


def test_the_commands_break_and_mend(pipeline: RunningPipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "provider-down"]) == 0
    assert main(["fault", "stream-full"]) == 0
    assert main(["fault", "stream-full"]) == 1
    assert main(["mend", "provider-down"]) == 0
    assert pipeline.faults.active == {"stream-full"}
    assert main(["fault"]) == 0
    assert main(["mend"]) == 0
    assert main(["mend"]) == 0

    assert pipeline.faults.active == set()
    said = capsys.readouterr()
    assert "Fault provider-down: the provider answers every request with 503." in said.out
    assert "Mended stream-full." in said.out
    assert "Nothing is broken." in said.out
    assert "stream-full is active already" in said.err
