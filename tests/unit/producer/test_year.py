"""Some days of `make year`: all is as the oracle has it, and what is broken in the product is noticed."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from mixed_year import MixedYear, Span, at
from wide_year import WideYear

from producer import bookkeeping, production
from producer.fetched import Fetched
from producer.publishing import publication
from stockstream import sessions
from stockstream.times import parse_time


def wrong_of(year: MixedYear | WideYear) -> list[str]:
    for _ in year.play():
        pass
    return list(year.judge())


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(2026, 1, 26), date(2026, 2, 11), id="renamed, bad prints"),
        pytest.param(date(2026, 5, 7), date(2026, 5, 20), id="an outage of a week"),
        pytest.param(date(2026, 7, 14), date(2026, 7, 31), id="refused by the stream, no split"),
    ],
)
def test_odd_weeks_of_shares_through_alpaca_are_what_was_published(first: date, last: date) -> None:
    assert wrong_of(WideYear(first, last, count=13)) == []


FEW = frozenset({"IBM", "F", "600104.SHH", "TCS.BSE", "TSCO.LON", "crypto:BTC/USD"})


def test_days_of_mixed_instruments_through_alpha_vantage_are_what_was_published() -> None:
    # Shanghai's New Year, a bar of F's that cannot be one. Seven requests a day, and one for the first hours.
    span = Span(at("02-22 22:30"), at("02-26 00:00"), FEW, requests_a_day=8)
    year = MixedYear(span)

    assert wrong_of(year) == []
    assert year.told.sums["BarsImpossible"] == 1
    assert year.late() == 0


def new_york_never_has_summer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sessions._TIME_ZONES, "XNYS", ZoneInfo("Etc/GMT+5"))  # noqa: SLF001


def no_day_is_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_early_close", lambda _days, _day: None)


def no_split_is_restated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "effective", lambda _splits: ())


def what_was_shown_counts_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def newest_shown(_ledger: object, fetched: Fetched, *_: object) -> dict[str, datetime]:
        return {name: parse_time(max(each.bars)) for name, each in fetched.answers.items() if each.bars}

    monkeypatch.setattr(bookkeeping, "_sent_until", newest_shown)


def nobody_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "find_silent", lambda *_: {})


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("break_it", "first", "last", "said"),
    [
        (new_york_never_has_summer, date(2026, 3, 6), date(2026, 3, 10), "bars lost"),
        (no_day_is_half, date(2026, 11, 25), date(2026, 11, 30), "is no bar, and was sent"),
        (no_split_is_restated, date(2026, 3, 23), date(2026, 3, 25), "AAD: "),
        (what_was_shown_counts_as_sent, date(2026, 7, 14), date(2026, 7, 24), "bars late"),
        (nobody_is_silent, date(2026, 1, 26), date(2026, 2, 6), "notice missing"),
    ],
)
def test_what_is_broken_is_noticed(
    break_it: object, first: date, last: date, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions._sessions_of_day.cache_clear()  # noqa: SLF001
    assert callable(break_it)
    break_it(monkeypatch)

    wrong = wrong_of(WideYear(first, last, count=13))

    sessions._sessions_of_day.cache_clear()  # noqa: SLF001
    assert any(said in each for each in wrong), wrong
