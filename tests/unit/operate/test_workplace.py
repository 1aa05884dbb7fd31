"""Whose command it is: a clone that was copied runs the original's, and says so."""

from pathlib import Path

import pytest

from stockstream_operate import cli
from stockstream_operate.cli import run
from stockstream_operate.workplace import ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "stockstream").touch()
    (tmp_path / "template.yaml").touch()
    return tmp_path


def say(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(folder)
    run(cli.COMMANDS, ["query"])
    return " ".join(capsys.readouterr().err.split())


def test_in_a_copy_it_says_whose_command_it_is(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(copy, monkeypatch, capsys)

    assert f"the clone {ROOT}" in said
    assert "`make setup`" in said


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_in_its_own_clone_and_outside_of_any_it_says_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(ROOT if place == "here" else tmp_path, monkeypatch, capsys) == ""
