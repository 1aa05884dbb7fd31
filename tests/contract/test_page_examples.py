"""The pages' examples in Python: each piece of them runs."""

from pathlib import Path

import pytest
from delivered_day import DeliveredDay
from page_commands import read_blocks

from stockstream_operate.lake import access as lake_access

PYTHON = list(read_blocks("python"))


def test_there_are_examples_to_try() -> None:
    assert len(PYTHON) >= 2


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "lake"
    DeliveredDay(seed=1).write(folder)
    return folder


@pytest.mark.parametrize("block", [block for _, block in PYTHON], ids=[page for page, _ in PYTHON])
def test_each_piece_of_python_runs(lake: Path, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_access, "FOLDER", lake)

    exec(compile(block, "a page", "exec"), {})  # noqa: S102 (it is ours)
