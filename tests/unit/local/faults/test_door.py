"""The door: orders by HTTP on the loopback, and what the commands say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stockstream_local.cli import main
from stockstream_local.faults import door as fault_door
from stockstream_local.faults.catalogue import FaultError, Faults
from stockstream_local.faults.door import FaultDoor, ask
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.run_lock import hold_run_lock


class House:
    """A running pipeline's door, and what was said where it runs."""

    def __init__(self, state: Path) -> None:
        self.said: list[str] = []
        market, receiver = ReplayMarket(InventedMarket()), NoticeReceiver()
        self.servers = (market, receiver)
        self.faults = Faults(market, receiver, state, lambda _name: "none")
        self.door = FaultDoor(self.faults, self.said.append)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path)
    monkeypatch.setattr(fault_door, "STATE", tmp_path)
    with (
        house.servers[0],
        house.servers[1],
        house.door,
        hold_run_lock(tmp_path, "http://emulator", house.door.url),
    ):
        yield house


def test_a_fault_and_its_end_are_said_on_both_sides(house: House) -> None:
    begun = ask("POST", "/begin/stream-full")
    assert house.faults.active == {"stream-full"}
    ended = ask("POST", "/end/stream-full")

    assert house.faults.active == set()
    assert house.said == [begun, ended]
    assert "BarStreamThrottledAlarm" in str(begun)


def test_a_refusal_is_said_to_who_asked_and_to_nobody_else(house: House) -> None:
    with pytest.raises(FaultError, match="There is no fault rain"):
        ask("POST", "/begin/rain")

    assert house.said == []


def test_says_which_faults_there_are(house: House) -> None:
    house.faults.begin("provider-down")

    known = requests.get(house.door.url, timeout=30).json()["said"]

    assert {each["name"]: each["active"] for each in known} == {
        name: "now" if name == "provider-down" else "" for name in house.faults.known
    }
    assert all(each["what"] and each["notice"] for each in known)


def test_without_a_run_there_is_nothing_to_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_door, "STATE", tmp_path)
    (tmp_path / "running.json").write_text(json.dumps({"url": "u", "faults_url": "http://127.0.0.1:1"}))

    with pytest.raises(FaultError, match="Nothing runs here"):
        ask("GET", "/")


def test_the_commands_break_and_mend(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "provider-down"]) == 0
    assert main(["fault", "stream-full"]) == 0
    assert main(["fault", "stream-full"]) == 1
    assert main(["mend", "provider-down"]) == 0
    assert house.faults.active == {"stream-full"}
    assert main(["fault"]) == 0
    assert main(["mend"]) == 0
    assert main(["mend"]) == 0

    assert house.faults.active == set()
    said = capsys.readouterr()
    assert "Fault provider-down: the provider answers every request with 503." in said.out
    assert "Mended stream-full." in said.out
    assert "Nothing is broken." in said.out
    assert "stream-full is there already" in said.err
