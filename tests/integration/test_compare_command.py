"""`stockstream compare`: a lake on this machine, and the servers of other providers on the loopback."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file
from provider_dialects import DIALECTS, ProviderServer, Reply, Shown, provider_server

from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import ProviderAccess
from stockstream.instruments import parse_instrument
from stockstream_deploy import compare_command
from stockstream_local import cli
from stockstream_operate.lake import access as lake_access

NOW = datetime(2026, 12, 1, 15, 0, 30, tzinfo=UTC)
BTC, IBM = "crypto:BTC/USD", "IBM"


def minute(number: int) -> datetime:
    """So many minutes before 15:00, which is forming."""
    return NOW.replace(second=0) - timedelta(minutes=number)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bars of ten minutes, 14:50 to 14:59, with closes from 100 on; 14:55 is missing."""
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "lake")
    bars = [
        document(f"{minute(each):%Y-%m-%dT%H:%M:%SZ}", 110.0 - each, instrument=name, source="alpaca")
        for name in (BTC, IBM)
        for each in range(10, 0, -1)
        if each != 5
    ]
    write_file(tmp_path / "lake", "2026-12-01", "a", bars)
    return tmp_path / "lake"


type Serve = Callable[..., ProviderServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Puts a server of this machine, and the clock of the test, in a provider's place."""
    with provider_server(lambda _asked: Reply()) as server:

        def serve(
            name: str, instrument: str, market: Sequence[Shown] = (), reply: Reply | None = None
        ) -> Any:
            dialect, kind = DIALECTS[name], PROVIDERS[name]
            subject = parse_instrument(instrument)
            server.reply = lambda asked: reply or dialect.answer(asked, subject, market, NOW)

            def open_here(access: ProviderAccess) -> Any:
                return kind.open(replace(access, now=lambda: NOW))

            other = replace(kind, url=server.url, open=open_here)
            monkeypatch.setattr(compare_command, "PROVIDERS", {**PROVIDERS, name: other})
            return server

        yield serve


def shown(number: int, close: float) -> Shown:
    return Shown(minute(number), close, close, close, close)


@pytest.mark.usefixtures("lake")
def test_closes_that_differ_are_listed_and_counted(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    # 14:52 is a percent higher than the lake's 102, 14:54 a tenth of a percent; 14:57 is missing there.
    closes = {10: 100, 9: 101, 8: 103.02, 7: 103, 6: 104.104, 5: 105, 4: 106, 2: 108, 1: 109}
    serve("kraken", BTC, [shown(number, close) for number, close in closes.items()])

    assert cli.main(["compare", "btcusd", "--with", "kraken"]) == 1

    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "crypto:BTC/USD, 1min, 2026-12-01 (UTC): from alpaca in the lake, and Kraken's closes of now",
        "14:52  here 102  Kraken 103.02  +1.00 %",
        "Missing here: 1, the first at 14:55.",
        "Missing at Kraken: 1, the first at 14:57.",
    ]
    assert "1 of 8 closes differ by more than 0.5 %" in err


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(("percent", "marked"), [("0.5", ["14:52", "14:59"]), ("2", ["14:59"]), ("50", [])])
def test_each_close_that_differs_is_marked_by_the_id_of_its_bar(
    serve: Serve, tmp_path: Path, percent: str, marked: list[str]
) -> None:
    # A percent and ten above the lake's 102 and 109.
    closes = {number: 110 - number for number in range(10, 0, -1)} | {8: 103.02, 1: 119.9}
    serve("kraken", BTC, [shown(number, close) for number, close in closes.items()])
    file = tmp_path / "marks.csv"

    end = cli.main(["compare", BTC, "--with", "kraken", "--percent", percent, "--marks", str(file)])

    lines = list(csv.DictReader(file.read_text().splitlines()))
    assert end == (1 if marked else 0)
    assert [line["id"] for line in lines] == [f"{BTC}|1min|2026-12-01T{each}:00Z" for each in marked]
    numbers = {"14:52": (102.0, 103.02, 1.0), "14:59": (109.0, 119.9, 10.0)}
    for line, each in zip(lines, marked, strict=True):
        found = tuple(float(line[name]) for name in ("close", "other_close", "percent"))
        assert found == pytest.approx(numbers[each], rel=1e-9)
        assert line["other_source"] == "kraken"


@pytest.mark.usefixtures("lake")
def test_closes_that_agree_end_well(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve("kraken", BTC, [shown(number, 110 - number) for number in range(11) if number != 5])

    assert cli.main(["compare", BTC, "--with", "kraken", "--percent", "0"]) == 0

    assert "9 closes compared: none differs by more than 0 %." in capsys.readouterr().out
    assert len(server.asked) == 1


@pytest.mark.usefixtures("lake")
def test_a_key_is_taken_from_the_environment_and_shown_to_its_provider_alone(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key_id, _, secret = DIALECTS["alpaca"].key.partition(":")
    monkeypatch.setenv("APCA_API_KEY_ID", key_id)
    monkeypatch.setenv("APCA_API_SECRET_KEY", secret)
    server = serve("alpaca", IBM, [shown(number, 110 - number) for number in range(1, 11)])

    assert cli.main(["compare", IBM, "--with", "alpaca"]) == 0

    assert secret in server.asked[0].text
    out, err = capsys.readouterr()
    assert secret not in out + err


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([IBM, "--with", "alpaca"], "wants a key for IBM: set APCA_API_KEY_ID and APCA_API_SECRET_KEY"),
        ([IBM, "--with", "kraken"], "Kraken has no bars of IBM: name another provider, --with"),
        (["MSFT", "--with", "kraken"], "The lake holds no bars of 'MSFT'. It holds IBM, crypto:BTC/USD."),
        ([BTC, "--with", "kraken", "--interval", "5min"], "of 1min: say which, as --interval 1min"),
        ([BTC, "--with", "kraken", "--day", "2026-11-30"], "holds no bars of crypto:BTC/USD of 2026-11-30"),
        ([BTC, "--with", "kraken"], "Kraken gave no bars: crypto:BTC/USD: Kraken answered HTTP 503"),
    ],
)
def test_what_cannot_be_compared_ends_in_a_sentence(
    serve: Serve, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    serve("kraken", BTC, reply=Reply(b"", 503))

    assert cli.main(["compare", *arguments]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("lake")
def test_marks_that_cannot_be_written_end_in_a_sentence(
    serve: Serve, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    serve("kraken", BTC, [shown(number, 110 - number) for number in range(10, 0, -1)])

    assert cli.main(["compare", BTC, "--with", "kraken", "--marks", str(tmp_path / "no" / "marks.csv")]) == 1

    assert "marks.csv cannot be written: No such file or directory" in " ".join(
        capsys.readouterr().err.split()
    )


def test_an_old_day_is_asked_for_with_its_month(
    lake: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    old = datetime(2026, 10, 20, 12, tzinfo=UTC)
    write_file(lake, "2026-10-20", "b", [document(f"{old:%Y-%m-%dT%H:%M:%SZ}", 90.0, instrument=BTC)])
    others = [old + timedelta(days=1), old - timedelta(days=1)]
    server = serve("alpaca", BTC, [Shown(each, 90, 90, 90, 90) for each in (old, *others)])

    assert cli.main(["compare", BTC, "--with", "alpaca", "--day", "2026-10-20"]) == 0

    assert "1 closes compared" in capsys.readouterr().out
    (asked,) = server.asked
    assert (asked.parameters["start"], asked.parameters["end"]) == (
        "2026-10-01T00:00:00Z",
        "2026-10-31T23:59:59Z",
    )


@pytest.mark.usefixtures("lake")
def test_a_provider_that_shows_another_time_has_nothing_in_common(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve("kraken", BTC, [shown(700, 1)])

    assert cli.main(["compare", BTC, "--with", "kraken"]) == 1
    assert "have no bar of that day in common" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("percent", ["-1", "nan", "inf", "half"])
def test_a_limit_that_is_no_number_is_refused(percent: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["compare", BTC, "--with", "kraken", f"--percent={percent}"])
    assert "is no number from 0 on, such as 0.5" in capsys.readouterr().err


def test_the_market_of_this_machine_has_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["compare", BTC, "--with", "replay"])
    assert "invalid choice: 'replay'" in capsys.readouterr().err
