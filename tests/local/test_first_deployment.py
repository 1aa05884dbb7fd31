"""The README's way to a first stack, typed at the emulator: deployed, followed to its first bar, changed."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from reaching import reaching

from stockstream_deploy import deploy_command, sam
from stockstream_deploy.stored_secrets import COINS
from stockstream_local import cli
from stockstream_local.deployment import host_architecture
from stockstream_local.emulator.server import run_emulator
from stockstream_local.loopback import LoopbackServer

# `sam deploy` packs and uploads all of it each time.
pytestmark = [pytest.mark.local, pytest.mark.slow]


class Coins(LoopbackServer):
    """Shows the bar of the minute before this one, of each coin that is asked for, as Alpaca does."""

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (a GET has none)
        minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        bar = {"t": f"{minute:%Y-%m-%dT%H:%M:%SZ}", "o": 10, "h": 12, "l": 9, "c": 11, "v": 7}
        symbols = parse_qs(urlsplit(target).query)["symbols"][0].split(",")
        answer = {"bars": {symbol: [bar] for symbol in symbols}, "next_page_token": None}
        return HTTPStatus.OK, json.dumps(answer).encode()


@pytest.fixture
def provider(tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Coins]:
    """A server that speaks as Alpaca does; this process reaches an emulator that has nothing yet."""
    # The command's own build would be made for AWS, in the clone.
    for module in (deploy_command, sam):
        monkeypatch.setattr(module, "BUILT", built.parent)
    monkeypatch.setattr(sam, "make_state", lambda: tmp_path)
    with Coins() as server, run_emulator(None, os.environ, tmp_path) as emulator, reaching(emulator):
        yield server


def test_two_commands_lead_to_the_first_bar_and_a_third_changes_the_stack(
    provider: Coins, capsys: pytest.CaptureFixture[str]
) -> None:
    here = [f"ProviderUrl={provider.url}", f"Architecture={host_architecture()}", "DeliveryBufferSeconds=0"]

    # WHEN a stranger without a key types what the README says
    assert cli.main(["deploy", "--built", *COINS.split(), *here]) == 0
    assert "Alpaca needs none for these instruments" in capsys.readouterr().out
    assert cli.main(["doctor", "--stack", "stockstream", "--wait", "--minutes", "5"]) in {0, 1}

    # THEN the first bar has come, stage by stage
    said = capsys.readouterr().out
    assert "✓ lake: the first file is there" in said

    # WHEN a parameter is changed, and then nothing
    assert cli.main(["deploy", "--built", "LogLevel=DEBUG"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "resources change, and what holds data stays" in said
    assert cli.main(["deploy", "--built"]) == 0
    assert "Nothing is new" in capsys.readouterr().out

    # WHEN what the parameter follows wants a key that nobody has stored
    assert cli.main(["deploy", "--built", "Instruments=IBM"]) == 1
    assert "there is no parameter /stockstream/api-key" in " ".join(capsys.readouterr().out.split())
