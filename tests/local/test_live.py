"""`stockstream up --live` against a server here that speaks as Alpaca does, with a key and without."""

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from clone import environment, make_clone

from stockstream_local.loopback import LoopbackServer

pytestmark = pytest.mark.local

SECRET = "s3cr3t-that-nobody-may-see"  # noqa: S105 (it opens nothing)
KEY = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": SECRET}
# The command, with another address of the provider.
UP = """
import dataclasses, sys
from stockstream_local import cli, live
choose = live.choose_provider
def choose_here(*asked):
    chosen = choose(*asked)
    there = {**chosen.parameters, "ProviderUrl": sys.argv[1]}
    return dataclasses.replace(chosen, url=sys.argv[1], parameters=there)
live.choose_provider = choose_here
from stockstream_local import up_command
up_command.choose_provider = choose_here
raise SystemExit(cli.main(sys.argv[2:]))
"""


class FakeAlpaca(LoopbackServer):
    """Bars of the last hundred minutes, of whatever is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (a GET has none)
        parts = urlsplit(target)
        self.paths.append(parts.path)
        asked = parse_qs(parts.query)
        if "symbols" not in asked:
            return HTTPStatus.NOT_FOUND, b"{}"
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        since = datetime.fromisoformat(asked["start"][0])
        times = [now - timedelta(minutes=minute) for minute in range(100, 0, -1)]
        bars = [
            {"t": f"{time:%Y-%m-%dT%H:%M:%SZ}", "o": 10, "h": 12, "l": 9, "c": 11, "v": 7}
            for time in times
            if time >= since
        ]
        answer = {"bars": dict.fromkeys(asked["symbols"][0].split(","), bars), "next_page_token": None}
        return HTTPStatus.OK, json.dumps(answer).encode()


@pytest.fixture
def clone(tmp_path: Path, built: Path) -> Path:
    return make_clone(tmp_path, built)


def run(clone: Path, url: str, *arguments: str, **keys: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-c", UP, url, "up", *arguments],
        env=environment(clone) | keys,
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def documents(clone: Path) -> list[dict[str, object]]:
    files = (clone / ".stockstream" / "lake").rglob("*.json.gz")
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def test_coins_are_live_without_a_key(clone: Path) -> None:
    with FakeAlpaca() as alpaca:
        ended = run(clone, alpaca.url, "--live", "--bars", "4")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("LIVE: ")
    assert "delivered, and read back." in ended.stdout
    delivered = documents(clone)
    assert {each["instrument"] for each in delivered} <= {"crypto:BTC/USD", "crypto:ETH/USD"}
    assert {each["source"] for each in delivered} == {"alpaca"}
    assert "/v1beta3/crypto/us/bars" in alpaca.paths


def test_a_key_in_the_environment_is_used_and_left_nowhere(clone: Path) -> None:
    with FakeAlpaca() as alpaca:
        ended = run(clone, alpaca.url, "--bars", "4", **KEY)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    # The producer takes no key of another form. New York may be closed; a coin never is.
    assert "From Alpaca: IBM, crypto:BTC/USD" in ended.stdout
    assert {each["instrument"] for each in documents(clone)} >= {"crypto:BTC/USD"}
    assert SECRET not in ended.stdout + ended.stderr
    left = [file for file in (clone / ".stockstream").rglob("*") if file.is_file()]
    assert left
    assert [file for file in left if SECRET.encode() in file.read_bytes()] == []


def test_without_a_network_it_says_so_before_anything_is_started(tmp_path: Path) -> None:
    ended = run(make_clone(tmp_path), "http://127.0.0.1:1", "--live")

    assert ended.returncode == 1
    assert "Alpaca cannot be reached from here" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / ".stockstream").exists()
