"""Coverage: the arithmetic of an answer's 100 bars, worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.backlog import CLOSING_MINUTES
from producer.planning.coverage import Coverage, measure_coverage
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


def needed(names: list[str], plan: Plan, interval: str = "1min", now: datetime = MONDAY) -> int:
    watchlist = Watchlist(tuple(map(parse_instrument, names)), interval, "regular")
    return measure_coverage(watchlist, plan, now).requests_needed


def coins(count: int) -> list[str]:
    return [f"crypto:C{number}/USD" for number in range(count)]


def test_the_last_of_those_that_are_due_together_is_asked_early_by_its_turn() -> None:
    # 15 answers of 98 reach 1,470 bars: a coin's 1,440 and 30 turns, and not the last coin's 31.
    assert needed(coins(32), Plan(1_000, 1)) == 31 * 15 + 16


def test_instruments_of_other_markets_shorten_what_an_answer_reaches() -> None:
    # Of 20 coins two are asked a minute: IBM's answers reach 10 bars less. 290 and the last one's 100, by 88.
    assert needed(["IBM", *coins(20)], Plan(1_000, 2)) == 1 + 4 + 20 * 15


def test_an_answer_reaches_one_bar_at_the_least() -> None:
    # IBM's 290 one by one. A coin's answers reach 97, fifteen of them 1,455: enough for the first 16 turns.
    assert needed(["IBM", *coins(98)], Plan(10_000, 1)) == 1 + 290 + 16 * 15 + 82 * 16


def test_a_day_that_one_answer_shows_is_one_request() -> None:
    assert needed(["IBM", *coins(300)], Plan(10_000, 1), "60min") == 1 + 300


@pytest.mark.parametrize("day", ["2026-09-30", "2026-10-01"])
def test_a_week_is_seven_days_from_today_on(day: str) -> None:
    # Shanghai closes from 1 to 7 October, and its mornings belong to New York's day before: these weeks have
    # one session, of 120 bars, and the days around them two each.
    now = datetime.fromisoformat(f"{day}T16:00:00").replace(tzinfo=UTC)

    assert needed(["600104.SHH"], Plan(25, 1), now=now) == 2


def test_the_period_counts_the_instruments_of_a_request() -> None:
    ibm_and_msft = Watchlist(tuple(map(parse_instrument, ["IBM", "MSFT"])), "1min", "regular")

    assert measure_coverage(ibm_and_msft, Plan(25, 1, 2), MONDAY).period == timedelta(
        minutes=2 * 390 / (25 * 2)
    )


def test_a_round_must_end_within_the_minutes_after_a_close() -> None:
    # From two minutes after the close to half an hour after it.
    assert CLOSING_MINUTES == 28
    for minutes, covers in ((28, True), (29, False)):
        assert Coverage(1, 1, None, minutes, timedelta(minutes=1)).covers is covers
