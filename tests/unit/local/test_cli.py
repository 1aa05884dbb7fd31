"""The command line: what may be asked, and a sentence for each mistake."""

import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError

from stockstream_local import cli, up_command
from stockstream_local.pipeline import Options
from stockstream_local.tools import ToolError
from stockstream_operate.cli import Command
from stockstream_operate.screen import Screen

type Asked = tuple[Options, int | None]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What `up` was asked to do, instead of doing it."""
    asked: list[Asked] = []
    monkeypatch.setattr(up_command, "up", lambda options, bars, _screen, **_: asked.append((options, bars)))
    return asked


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    row = {"1. open": "1.1", "2. high": "1.2", "3. low": "1.0", "4. close": "1.1"}
    answer = {
        "Meta Data": {
            "2. From Symbol": "EUR",
            "3. To Symbol": "USD",
            "5. Interval": "5min",
            "7. Time Zone": "UTC",
        },
        "Time Series FX (5min)": {f"2025-07-01 09:{minute}:00": row for minute in (10, 15, 20)},
    }
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps(answer))
    return path


def test_takes_one_instrument_of_each_class_where_none_is_named(asked: list[Asked]) -> None:
    assert cli.main(["up"]) == 0

    ((options, bars),) = asked
    assert [each.name for each in options.instruments] == ["IBM", "fx:EUR/USD", "crypto:BTC/USD"]
    assert (options.interval, bars, options.recording, options.port) == ("1min", None, None, None)


def test_takes_what_is_named(asked: list[Asked]) -> None:
    cli.main(
        ["up", "--instruments", "AAPL, fx:USD/JPY", "--interval", "5min", "--bars", "100", "--port", "4566"]
    )

    ((options, bars),) = asked
    assert [each.name for each in options.instruments] == ["AAPL", "fx:USD/JPY"]
    assert (options.interval, bars, options.port) == ("5min", 100, 4566)


def test_takes_instrument_and_interval_from_a_recording(asked: list[Asked], recording: Path) -> None:
    cli.main(["up", "--recorded", str(recording), "--bars", "3"])

    ((options, bars),) = asked
    assert [each.name for each in options.instruments] == ["fx:EUR/USD"]
    assert (options.interval, bars) == ("5min", 3)
    assert options.recording is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--bars", "0"], "'0' is no whole number above 0"),
        (["--bars", "-3"], "'-3' is no whole number above 0"),
        (["--bars", "many"], "'many' is no whole number above 0"),
        (["--port", "0"], "write a number from 1 to 65535"),
        (["--port", "70000"], "write a number from 1 to 65535"),
        (["--interval", "2min"], "1min"),
        (["--instruments", "ib m"], "names no instrument"),
        (["--instruments", ","], "the list of instruments is empty"),
        (["--recorded", "nowhere.json"], "nowhere.json cannot be read"),
    ],
    ids=" ".join,
)
def test_refuses_a_wrong_option_with_a_reason(
    asked: list[Asked], capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["up", *arguments])

    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert not asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--instruments", "IBM"], "leave --instruments and --interval out"),
        (["--interval", "1min"], "leave --instruments and --interval out"),
        (["--bars", "4"], "holds 3 bars"),
        (["--live"], "The prices are of one kind"),
        (["--invented"], "The prices are of one kind"),
    ],
    ids=" ".join,
)
def test_refuses_options_that_do_not_go_with_a_recording(
    asked: list[Asked],
    capsys: pytest.CaptureFixture[str],
    recording: Path,
    arguments: list[str],
    told: str,
) -> None:
    assert cli.main(["up", "--recorded", str(recording), *arguments]) == 1
    assert told in " ".join(capsys.readouterr().err.split())
    assert not asked


def test_refuses_what_the_invented_market_does_not_trade(
    asked: list[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", "--instruments", "IBM,fx:EUR/XXX"]) == 1

    assert "does not know fx:EUR/XXX" in capsys.readouterr().err
    assert not asked


@pytest.mark.parametrize(("written", "meant"), [("EURUSD", "fx:EUR/USD"), ("ETHEUR", "crypto:ETH/EUR")])
def test_a_pair_that_is_written_as_one_word_may_be_meant(
    asked: list[Asked], capsys: pytest.CaptureFixture[str], written: str, meant: str
) -> None:
    assert cli.main(["up", "--instruments", written]) == 1

    assert f"does not know {written}: did you mean {meant}? Otherwise" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not asked


def test_a_key_in_the_environment_asks_its_provider_unless_invented_prices_are_wanted(
    asked: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", "the-key")

    cli.main(["up", "--instruments", "ANYSYMBOL"])
    cli.main(["up", "--invented"])

    (real, _), (invented, _) = asked
    assert real.live
    assert (real.live.title, real.live.key, real.price_kind.word) == ("Alpha Vantage", "the-key", "LIVE")
    assert [each.name for each in real.instruments] == ["ANYSYMBOL"]
    assert (invented.live, invented.price_kind.word) == (None, "INVENTED")


def test_coins_are_live_without_a_key_and_equities_are_not(
    asked: list[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", "--live"]) == 0
    assert cli.main(["up", "--live", "--instruments", "IBM"]) == 1

    ((options, _),) = asked
    assert [each.name for each in options.instruments] == ["crypto:BTC/USD", "crypto:ETH/USD"]
    assert "IBM: real prices of these need a provider's key" in capsys.readouterr().err


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
@pytest.mark.parametrize(("arguments", "status"), [(["up"], 0), (["up", "--bars", "9"], 130)], ids=str)
def test_a_signal_is_the_ordinary_end_of_an_endless_run_and_cuts_a_counted_one_short(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    arguments: list[str],
    status: int,
) -> None:
    monkeypatch.setattr(up_command, "up", lambda *_, **__: os.kill(os.getpid(), number))

    assert cli.main(arguments) == status
    assert "Nothing is left running" in capsys.readouterr().out


def test_an_emulator_that_is_gone_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(_options: Options, _bars: int | None, _screen: Screen, **_: bool) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(up_command, "up", up)

    assert cli.main(["up"]) == 1
    assert "The local AWS gave no good answer" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("free", "is_told"), [(999_999, True), (1_000_000, False)])
def test_a_run_that_fails_on_a_full_disk_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free: int, *, is_told: bool
) -> None:
    """The build, the emulator and the functions each fail in words of their own."""

    def up(_options: Options, _bars: int | None, _screen: Screen, **_: bool) -> None:
        raise ToolError("`sam build` failed:")

    monkeypatch.setattr(up_command, "up", up)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=free))

    assert cli.main(["up"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "`sam build` failed:" in said
    assert ("is full: make room there, and start again" in said) is is_told


def test_a_run_that_would_find_no_room_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 42 MB the emulator could not unpack the layer, and each batch of bars was set aside."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=42_000_000))

    assert cli.main(["up", "--invented"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "has 42 MB left, and a run needs 200: make room there, and start again." in said


def test_a_second_signal_does_not_disturb_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[str] = []

    def up(_options: Options, _bars: int | None, _screen: Screen, **_: bool) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            cleared.append("all")

    monkeypatch.setattr(up_command, "up", up)
    before = signal.getsignal(signal.SIGINT)

    assert cli.main(["up"]) == 0
    assert cleared == ["all"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "yesterday"], "'yesterday' is no day: write it as 2026-11-01"),
        (["--reason", "bad time"], "'bad time' is no reason"),
        (["--limit", "0"], "'0' is no whole number above 0"),
        (["--format", "xml"], "table"),
    ],
    ids=" ".join,
)
def test_refuses_a_wrong_option_of_a_redrive_with_a_reason(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["redrive", *arguments])

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_each_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str], command: Command) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command.name, "--help"])

    assert ended.value.code == 0
    _usage, description, *_ = capsys.readouterr().out.split("\n\n")
    assert description.endswith(".")


def test_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    assert re.fullmatch(r"stockstream \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_list_of_commands_waits_for_none_of_their_packages() -> None:
    code = (
        "import sys; from stockstream_local.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 (this Python)

    assert all(command.name in ended.stdout for command in cli.COMMANDS)
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    installed = set(packages_distributions())
    assert {"boto3", "rich"} <= installed
    # What begins with an underscore Python itself loads at its start, for .pth files.
    assert {each for each in loaded & installed if not each.startswith(("_", "stockstream"))} == set()
