"""The containers of `make search`: nobody reaches them without the password of their run; and no Docker."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from stockstream_local import cli
from stockstream_local.search_containers import CREDENTIALS, run_containers
from stockstream_operate.search.client import SearchError
from stockstream_operate.workplace import ROOT

COMPOSE = ROOT / "compose.yaml"


def read_services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


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


def test_containers_that_do_not_start_are_told_of_with_their_last_lines_and_what_to_do(tools: Path) -> None:
    docker = tools / "docker"
    docker.write_text("#!/bin/sh\necho 'port is already allocated' >&2\nexit 1\n")
    docker.chmod(0o755)

    with pytest.raises(SearchError) as caught, run_containers():
        pass
    assert "failed:\nport is already allocated\n" in str(caught.value)
    assert "`docker compose --profile search logs` says more" in str(caught.value)


def test_each_run_has_a_password_of_its_own_which_stands_in_no_argument(tools: Path) -> None:
    docker = tools / "docker"
    docker.write_text(f'#!/bin/sh\necho "$*|${CREDENTIALS}" >>{tools}/told\n')
    docker.chmod(0o755)

    passwords = []
    for _ in range(2):
        with run_containers() as server:
            assert isinstance(server.auth, tuple)
            passwords.append(server.auth)

    told = [line.split("|") for line in (tools / "told").read_text().splitlines()]
    up, down = "compose --profile search up --detach --wait", "compose --profile search down --volumes"
    assert [command for command, _ in told] == [up, down, up, down]
    opened = [tuple(base64.b64decode(told[start][1]).decode().split(":")) for start in (0, 2)]
    assert opened == passwords
    assert passwords[0] != passwords[1]
    assert all(len(password) >= 64 for _, password in passwords)


def test_the_containers_are_removed_however_their_run_ends(tools: Path) -> None:
    docker = tools / "docker"
    docker.write_text(f'#!/bin/sh\necho "$4" >>{tools}/told\n')
    docker.chmod(0o755)

    with pytest.raises(KeyboardInterrupt), run_containers():
        raise KeyboardInterrupt

    assert (tools / "told").read_text().split() == ["up", "down"]


def test_no_way_leads_to_the_containers_but_the_proxy_on_the_loopback() -> None:
    services = read_services()

    assert {name: each.get("ports") for name, each in services.items()} == {
        "proxy": ["127.0.0.1:9200:8080"],
        "opensearch": None,
        "dashboards": None,
    }
    # A network of its own could be asked from this machine at the container's address.
    for name, setting in {"opensearch": "network.host", "dashboards": "SERVER_HOST"}.items():
        assert services[name]["network_mode"] == "service:proxy"
        assert services[name]["environment"][setting] == "127.0.0.1"


def test_the_file_holds_no_password_and_a_proxy_without_one_lets_nobody_through() -> None:
    proxy = read_services()["proxy"]

    # A name alone: Compose passes it on from who starts it, and leaves it out where it is not set.
    assert proxy["environment"] == [CREDENTIALS]
    assert proxy["volumes"] == ["./dashboards/proxy.conf:/etc/nginx/templates/default.conf.template:ro"]
    assert f"${{{CREDENTIALS}}}" in (ROOT / "dashboards" / "proxy.conf").read_text(encoding="utf-8")
