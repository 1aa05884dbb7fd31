"""The pages' examples: each command has the options that it is shown with, and each piece of Python runs."""

import re
import shlex
from pathlib import Path

import pytest
from delivered_day import DeliveredDay

from stockstream_local import cli
from stockstream_operate import running
from stockstream_operate.lake import access as lake_access

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """The pages' blocks in a language, each with its page's name."""
    return [
        (page.name, re.sub(r"^ {3}", "", block, flags=re.MULTILINE) if indent else block)
        for page in PAGES
        for indent, block in re.findall(
            rf"^( *)```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    ]


COMMANDS = sorted(
    {
        line.strip().removeprefix(".venv/bin/")
        for _, block in blocks("sh")
        for line in block.replace("\\\n", " ").splitlines()
        if re.match(r" *(\.venv/bin/)?stockstream ", line) and " ..." not in line
    }
)
PYTHON = blocks("python")


def test_there_are_examples_to_try() -> None:
    assert len(COMMANDS) > 20
    assert len(PYTHON) >= 2


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_pages_can_be_typed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "run_asked", lambda _asked: 42)

    assert cli.main(shlex.split(command, comments=True)[1:]) == 42


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "lake"
    DeliveredDay(seed=1).write(folder)
    return folder


@pytest.mark.parametrize("block", [block for _, block in PYTHON], ids=[page for page, _ in PYTHON])
def test_each_piece_of_python_runs(lake: Path, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_access, "FOLDER", lake)

    exec(compile(block, "a page", "exec"), {})  # noqa: S102 (it is ours)
