"""What is said where Docker, or a part of it, is not there."""

from pathlib import Path

import pytest

from stockstream_local import cli
from stockstream_local.search_containers import start_containers
from stockstream_operate.search.client import SearchError


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def search_up(capsys: pytest.CaptureFixture[str]) -> str:
    """What `make search` says where it cannot be done, in one line; nothing else runs here."""
    assert cli.main(["search", "up"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    return " ".join(said.err.split())


def test_without_docker_it_names_docker_and_offers_the_page(
    tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(tools.iterdir()) == []

    said = search_up(capsys)
    assert said.startswith("stockstream: `make search` needs Docker, which is not here.")
    assert "`.venv/bin/stockstream page` shows the candles" in said
    assert "--endpoint" in said
    assert "make run" not in said


def test_a_docker_without_compose_is_said_to_lack_it_and_prints_no_usage(
    tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker = tools / "docker"
    docker.write_text("#!/bin/sh\necho 'Usage: docker [OPTIONS] COMMAND'\necho unknown flag >&2\nexit 125\n")
    docker.chmod(0o755)

    said = search_up(capsys)
    assert "needs Docker Compose" in said
    assert "`.venv/bin/stockstream page` shows the candles" in said
    assert "Usage" not in said


def test_containers_that_do_not_start_are_told_of_with_their_last_lines(tools: Path) -> None:
    docker = tools / "docker"
    docker.write_text("#!/bin/sh\necho 'port is already allocated' >&2\nexit 1\n")
    docker.chmod(0o755)

    with pytest.raises(SearchError, match="failed:\nport is already allocated"):
        start_containers()
