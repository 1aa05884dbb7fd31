"""What a run tells of bars outside of the sessions: each is counted once, and a market's day is told once."""

import json
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.providers.answers import Answer
from producer.reported_bars import ReportedBars
from producer.session_report import report_sessions
from stockstream.instruments import parse_instrument
from stockstream.observability import metrics

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
IBM, MSFT, TESCO = (parse_instrument(name) for name in ("IBM", "MSFT", "TSCO.LON"))
WATCHLIST = Watchlist((IBM, MSFT, TESCO), "1min", "regular")


def left_out(*times: str, special_days: tuple[date, ...] = ()) -> Answer:
    return Answer({}, [], NOW, NOW, reaches_back=True, left_out=times, special_days=special_days)


def report(told: ReportedBars, **answers: Answer) -> None:
    """Tells of the answers that one request brought; of IBM there is one only if it is given."""
    by_name = {name.replace("_", "."): answer for name, answer in answers.items()}
    report_sessions([Fetched([IBM, MSFT, TESCO], NOW, by_name)], WATCHLIST, told)


def lines(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What each run writes into the line of its metrics."""
    counts: list[tuple[str, int]] = []
    monkeypatch.setattr(metrics, "add_metadata", lambda key, value: counts.append((key, value)))
    return counts


def test_a_markets_day_is_told_with_its_first_and_last_bar(
    log: StringIO, counted: list[tuple[str, int]]
) -> None:
    saturday = [f"2026-11-21T15:{minute}:00Z" for minute in ("00", "01", "02")]
    sunday = ["2026-11-22T15:00:00Z", "2026-11-22T15:07:00Z"]

    report(ReportedBars(), MSFT=left_out(*saturday, *sunday), TSCO_LON=left_out("2026-11-21T12:00:00Z"))

    told = [(each["market"], each["day"], each["bars"], each["first"], each["last"]) for each in lines(log)]
    assert told == [
        ("XNYS", "2026-11-21", 3, "2026-11-21T15:00:00Z", "2026-11-21T15:02:00Z"),
        ("XNYS", "2026-11-22", 2, "2026-11-22T15:00:00Z", "2026-11-22T15:07:00Z"),
        ("XLON", "2026-11-21", 1, "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"),
    ]
    assert counted == [("bars_left_out", 6)]


def test_what_stays_on_show_is_counted_once_and_its_day_is_told_of_one_instrument(
    log: StringIO, counted: list[tuple[str, int]]
) -> None:
    told, first, second = ReportedBars(), "2026-11-21T15:00:00Z", "2026-11-21T15:01:00Z"

    report(told, IBM=left_out(first), MSFT=left_out(first))
    report(told, IBM=left_out(first))
    report(told, IBM=left_out(first, second))

    assert [each["instrument"] for each in lines(log)] == ["IBM"]
    assert counted == [("bars_left_out", 2), ("bars_left_out", 1)]


def test_a_session_that_no_calendar_has_is_told_with_its_day(
    log: StringIO, counted: list[tuple[str, int]]
) -> None:
    report(ReportedBars(), MSFT=left_out(special_days=(date(2026, 11, 21), date(2026, 11, 22))))

    assert [(each["message"], each["market"], each["day"]) for each in lines(log)] == [
        ("session that no calendar has", "XNYS", "2026-11-21"),
        ("session that no calendar has", "XNYS", "2026-11-22"),
    ]
    assert counted == []
