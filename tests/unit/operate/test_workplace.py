"""Whose command it is, and whose what it keeps: a copied clone runs the original's, and says so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockstream_operate import cli, workplace
from stockstream_operate.cli import run
from stockstream_operate.workplace import ROOT, make_state


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "stockstream").touch()
    (tmp_path / "template.yaml").touch()
    return tmp_path


@pytest.fixture(params=[0o000, 0o022, 0o177], ids=oct)
def mask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


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


@pytest.mark.usefixtures("mask")
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "left open by an older version"])
def test_what_a_run_keeps_is_its_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    state = tmp_path / ".stockstream"
    monkeypatch.setattr(workplace, "STATE", state)
    if is_there:
        state.mkdir()
        state.chmod(0o755)

    make_state()
    (state / "lake").mkdir()
    (state / "lake" / "a").touch()
    touch = "import sys; open(sys.argv[1], 'w')"
    subprocess.run([sys.executable, "-c", touch, str(state / "log")], check=True)  # noqa: S603 (our own)

    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in [state, *state.rglob("*")]}
    assert modes == {".stockstream": "0o700", "lake": "0o700", "a": "0o600", "log": "0o600"}
