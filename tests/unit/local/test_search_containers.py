"""What is said where Docker, or a part of it, is not there."""

from pathlib import Path

import pytest

from stockstream_local.search_containers import start_containers
from stockstream_operate.search.client import SearchError


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_docker_it_names_docker_and_another_way(tools: Path) -> None:
    assert list(tools.iterdir()) == []
    with pytest.raises(SearchError, match=r"needs Docker, which is not here.*--endpoint"):
        start_containers()


def test_a_docker_without_compose_is_said_to_lack_it_and_prints_no_usage(tools: Path) -> None:
    docker = tools / "docker"
    docker.write_text("#!/bin/sh\necho 'Usage: docker [OPTIONS] COMMAND'\necho unknown flag >&2\nexit 125\n")
    docker.chmod(0o755)

    with pytest.raises(SearchError) as told:
        start_containers()
    assert "needs Docker Compose" in str(told.value)
    assert "--endpoint" in str(told.value)
    assert "Usage" not in str(told.value)
