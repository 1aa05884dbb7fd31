"""Days on which something is odd, through the real producer, provider and transform, for 1 and 30 names.

The oracle is written by hand: the hours are those that the exchanges published, in UTC, and each bar's
indicators are worked out from the closes that its market had before it. The provider shows more than the
sessions: the early and late trading of each day, of holidays and weekends too.
"""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import NamedTuple

import orjson
import pytest
import requests
from minutes_of_a_producer import MINUTE, World, close_of

from producer.planning.planner import Plan
from stockstream.windows import Windows
from transform.documents import enrich

SHOWN_FROM, SHOWN_UNTIL = timedelta(hours=9), timedelta(hours=23)  # more than any session of New York's
ENOUGH = Plan(None, 5)
PREMIUM = b'{"Information": "This is a premium endpoint."}'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Days(NamedTuple):
    """A few days of New York.

    Attributes:
        sessions: from when to when it was open, in UTC, by its own publication.
        shown: the days whose early and late minutes the provider shows as well.
        halt: from when to when nothing is traded.
        outage: from when to when the provider does not answer.
        plan: what it allows.
        every: how many minutes lie between two runs.
        refuses_long: whether Alpha Vantage's plan refuses long answers.
    """

    sessions: tuple[tuple[str, str], ...]
    shown: tuple[str, ...] = ()
    halt: tuple[str, str] = ("2000-01-01", "2000-01-01")
    outage: tuple[str, str] = ("2000-01-01", "2000-01-01")
    plan: Plan = ENOUGH
    every: int = 10
    refuses_long: bool = False


ORDINARY = ("2026-11-20T14:30", "2026-11-20T21:00")
CHOSEN = {
    "Thanksgiving, and half a day after it": Days(
        (("2026-11-25T14:30", "2026-11-25T21:00"), ("2026-11-27T14:30", "2026-11-27T18:00")),
        ("2026-11-26", "2026-11-27", "2026-11-28"),
    ),
    "the clocks go forward": Days(
        (("2026-03-06T14:30", "2026-03-06T21:00"), ("2026-03-09T13:30", "2026-03-09T20:00")),
        ("2026-03-06", "2026-03-08", "2026-03-09"),
    ),
    "the clocks go back": Days(
        (("2026-10-30T13:30", "2026-10-30T20:00"), ("2026-11-02T14:30", "2026-11-02T21:00")),
        ("2026-10-30", "2026-11-01", "2026-11-02"),
    ),
    "a halt of half an hour": Days((ORDINARY,), halt=("2026-11-20T15:10", "2026-11-20T15:40")),
    "an outage of two hours": Days((ORDINARY,), outage=("2026-11-20T16:00", "2026-11-20T18:00")),
}


def market_of(days: Days) -> list[datetime]:
    """The bars that belong to it, by the oracle."""
    halt = tuple(map(at, days.halt))
    return [
        moment
        for opens, closes in days.sessions
        for number in range((at(closes) - at(opens)) // MINUTE)
        if not halt[0] <= (moment := at(opens) + number * MINUTE) < halt[1]
    ]


def play(days: Days, count: int, *, alpaca: bool) -> World:
    """Runs the producer through the days; the session's open minutes and an hour after it."""
    names = [f"A{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(count)]
    sessions = [tuple(map(at, each)) for each in days.sessions]
    end = max(closes for _, closes in sessions) + timedelta(days=2)
    world = World(",".join(names), days.plan, (sessions[0][0], end), alpaca=alpaca, silent=names)
    true_times = market_of(days)
    strays = {
        at(day) + time
        for day in days.shown
        for time in (SHOWN_FROM + number * MINUTE for number in range((SHOWN_UNTIL - SHOWN_FROM) // MINUTE))
        # A holiday's and a weekend's early and late trading, and of a day with a session what is not of it.
        if not any(opens <= at(day) + time < closes for opens, closes in sessions)
        and not (is_closed(day, sessions) and timedelta(hours=13) <= time < timedelta(hours=21))
    }
    for name in names:
        world.market.times[name] = sorted({*true_times, *strays})
    outage = tuple(map(at, days.outage))

    def refuse(asked: dict[str, str]) -> bytes | Exception | None:
        if outage[0] <= world.clock.now < outage[1]:
            return requests.ConnectionError("no answer")
        return PREMIUM if days.refuses_long and asked["outputsize"] == "full" else None

    world.server.refuse = refuse
    for opens, closes in sessions:
        for number in range((closes - opens + timedelta(hours=1)) // MINUTE // days.every):
            start = opens + number * days.every * MINUTE
            world.run(start, start + MINUTE)
    return world


def is_closed(day: str, sessions: list[tuple[datetime, ...]]) -> bool:
    return all(opens.date() != at(day).date() for opens, _ in sessions)


def expected_closes(times: list[datetime], position: int, count: int) -> list[float]:
    return [close_of(each) for each in times[max(0, position + 1 - count) : position + 1]]


def check(world: World, days: Days, first: datetime) -> None:
    """Each instrument's documents are the oracle's from a moment on: which there are, and their numbers."""
    times = [each for each in market_of(days) if each >= first]
    for name in world.market.times:
        records = world.stream.documents(name)
        assert [each for each in sorted(records) if each >= first] == times, name
        for position, each in list(enumerate(times))[199::37]:
            document = orjson.loads(enrich(orjson.dumps(records[each]), None, Windows()))
            for window in (5, 20, 50, 200):
                closes = expected_closes(times, position, window)
                assert document[f"sma_{window}"] == pytest.approx(sum(closes) / window, rel=1e-11)
            last, before = close_of(times[position]), close_of(times[position - 1])
            assert document["return_1"] == pytest.approx(last / before - 1, rel=1e-9, abs=1e-15)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("days", CHOSEN.values(), ids=CHOSEN)
@pytest.mark.parametrize("alpaca", [False, True], ids=["Alpha Vantage", "Alpaca"])
def test_one_instrument_is_what_the_exchange_published(days: Days, log: StringIO, *, alpaca: bool) -> None:
    world = play(days, 1, alpaca=alpaca)

    check(world, days, at(days.sessions[0][0]))
    assert '"hole found"' not in log.getvalue()
    assert '"session that no calendar has"' not in log.getvalue()


@pytest.mark.slow
def test_thirty_instruments_are_what_the_exchange_published(log: StringIO) -> None:
    days = CHOSEN["Thanksgiving, and half a day after it"]._replace(every=30)

    check(play(days, 30, alpaca=True), days, at(days.sessions[0][0]))
    assert '"hole found"' not in log.getvalue()


@pytest.mark.parametrize(
    ("requests_a_day", "is_whole"),
    # 390 bars are four answers of a hundred; of three each shows a hundred of 130.
    [(4, True), (3, False)],
)
def test_a_plan_that_only_just_fits_brings_every_bar_and_a_smaller_one_tells_its_holes(
    requests_a_day: int, log: StringIO, *, is_whole: bool
) -> None:
    days = Days((ORDINARY,), plan=Plan(requests_a_day, 1), every=1, refuses_long=True)

    world = play(days, 1, alpaca=False)

    sent, told = set(world.stream.documents("AAA")), log.getvalue().count('"hole found"')
    assert (sent == set(market_of(days)), told == 0) == (is_whole, is_whole)
