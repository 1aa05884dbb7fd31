"""Coverage: the arithmetic of an answer's 100 bars, worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.coverage import measure_coverage
from producer.planning.planner import Plan
from stockstream.instruments import parse_instrument

MONDAY = datetime(2026, 11, 16, 12, tzinfo=UTC)
FREE = Plan(requests_per_day=25, requests_per_minute=1)


def stocks(count: int) -> Watchlist:
    return Watchlist(tuple(parse_instrument(f"S{number}") for number in range(count)), "1min", "regular")


@pytest.mark.parametrize(
    ("names", "interval", "hours", "needed"),
    [
        # 390 bars: 98 + 98 + 98 in the session, one of an answer's bars forming and one late, and the
        # other 96 after the close.
        (["IBM"], "1min", "regular", 4),
        # 960 bars: 9 times 98, and 78.
        (["IBM"], "1min", "extended", 10),
        # 1440 bars without a close: 98 fit 14.7 times.
        (["crypto:BTC/USD"], "1min", "regular", 15),
        (["fx:EUR/USD"], "1min", "regular", 15),
        (["IBM"], "1min", "always", 15),
        # 78 bars, and all after the close.
        (["IBM"], "5min", "regular", 1),
        # London: 510 bars are 5 times 98 and 20; with New York's 4, asked a minute apart.
        (["TSCO.LON", "IBM"], "1min", "regular", 6 + 4),
        # Shanghai: 120 bars before lunch and 120 after it, and each time one after the close.
        (["600104.SHH"], "1min", "regular", 4),
    ],
)
def test_counts_the_requests_that_a_day_needs(
    names: list[str], interval: str, hours: str, needed: int
) -> None:
    coverage = measure_coverage(Watchlist(tuple(map(parse_instrument, names)), interval, hours), FREE, MONDAY)
    assert coverage.requests_needed == needed
    assert coverage.covers


def test_six_equities_just_fit_25_requests_a_day_and_a_seventh_does_not() -> None:
    # 4 each; the sixth, asked 5 minutes before its time so that each has its own minute, takes a fifth.
    six = measure_coverage(stocks(6), FREE, MONDAY)
    assert (six.requests_needed, six.covers) == (25, True)
    seven = measure_coverage(stocks(7), FREE, MONDAY)
    assert (seven.requests_needed, seven.covers) == (30, False)
    assert seven.message == (
        "bars will be missed: 7 instruments need 30 requests a day, and the plan has 25 a day; "
        "asking each once takes 7 min; each is asked every 109 min"  # 7 * 390 / 25
    )


def test_a_plan_without_a_daily_limit_is_bounded_by_its_minutes() -> None:
    paid = measure_coverage(stocks(50), Plan(None, 75), MONDAY)
    assert (paid.covers, paid.minutes_per_round, paid.period) == (True, 1, timedelta(minutes=1))
    assert paid.message.startswith("every bar is seen: 50 instruments need 200 requests a day")
    slow = measure_coverage(stocks(50), Plan(None, 1), MONDAY)
    assert (slow.covers, slow.minutes_per_round, slow.period) == (False, 50, timedelta(minutes=50))


def test_instruments_that_travel_together_share_a_request() -> None:
    coverage = measure_coverage(stocks(150), Plan(200, 200, 100), MONDAY)
    assert coverage.requests_needed == 8  # 4 times two requests
    assert coverage.minutes_per_round == 1


def test_a_week_is_judged_by_its_fullest_day() -> None:
    saturday = datetime(2026, 11, 21, 12, tzinfo=UTC)
    thanksgiving = datetime(2026, 11, 26, 12, tzinfo=UTC)
    for now in (saturday, thanksgiving):
        assert measure_coverage(stocks(1), FREE, now).requests_needed == 4
