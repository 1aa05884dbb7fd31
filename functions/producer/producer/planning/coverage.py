"""Coverage: whether a plan's requests are enough to see every bar, in numbers for a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from producer.markets.watchlist import Watchlist
from producer.planning.backlog import CLOSING_MINUTES, FINISHED_BARS_PER_ANSWER
from producer.planning.ledger import end_of_day, quota_day
from producer.planning.planner import Plan
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.sessions import sessions_between

# Finished bars show up at most one bar late. With later ones, a plan that is just enough loses some.
_DELAY_BARS = 1
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the busiest day of a week needs, and what the plan allows.

    Attributes:
        instruments: how many there are.
        requests_needed: how many requests that day needs to see every bar.
        requests_available: how many a day the plan allows; None if it limits only minutes.
        minutes_per_round: how long it takes to ask each instrument once.
        period: how often each instrument can be asked, on average, while its market is open.
    """

    instruments: int
    requests_needed: int
    requests_available: int | None
    minutes_per_round: int
    period: timedelta

    @property
    def covers(self) -> bool:
        """Whether the plan can see every bar."""
        enough = self.requests_available is None or self.requests_needed <= self.requests_available
        return enough and self.minutes_per_round <= CLOSING_MINUTES

    @property
    def message(self) -> str:
        """The same as a sentence."""
        verdict = "every bar is seen" if self.covers else "bars will be missed"
        limit = "no daily limit" if self.requests_available is None else f"{self.requests_available} a day"
        return (
            f"{verdict}: {self.instruments} instruments need {self.requests_needed} requests a day, "
            f"and the plan has {limit}; asking each once takes {self.minutes_per_round} min; "
            f"each is asked every {self.period / _MINUTE:.0f} min"
        )


def measure_coverage(watchlist: Watchlist, plan: Plan, now: datetime) -> Coverage:
    """The coverage on the busiest of the seven quota days from now on.

    Args:
        watchlist: what is followed.
        plan: what the provider allows.
        now: UTC.

    Raises:
        InstrumentError: no calendar says when an instrument trades.
    """
    length, instruments = watchlist.bar_length, len(watchlist.instruments)
    asks_a_minute = plan.instruments_per_minute
    # One request asks for several instruments.
    together = instruments / ceil(instruments / plan.instruments_per_request)
    markets = watchlist.count_by_market()
    asks = bars = 0
    for start, end in _days(now):
        day_asks = day_bars = 0
        for market, count in markets.items():
            # If several instruments are due at once, all but the last are asked early. Within one market that
            # happens once, since they are due at different minutes from then on. With instruments of other
            # markets it happens again and again.
            turns = [ceil(turn // asks_a_minute * _MINUTE / length) for turn in range(count)]
            crossings = ceil((instruments - count) // asks_a_minute * _MINUTE / length)
            for session in sessions_between(market, start, end):
                session_bars = ceil((min(session.closes, end) - max(session.opens, start)) / length)
                closes = session.closes <= end
                day_bars += session_bars * count
                day_asks += sum(_asks(session_bars, turn, crossings, closes=closes) for turn in turns)
        asks, bars = max(asks, day_asks), max(bars, day_bars)
    available = plan.requests_per_day
    period = length * max(1, instruments / asks_a_minute * _MINUTE / length)
    if available is not None:
        period = max(period, length * bars / (available * together))
    return Coverage(
        instruments,
        ceil(asks / together),
        available,
        ceil(instruments / asks_a_minute),
        period,
    )


def _asks(bars: int, turn: int, crossings: int, *, closes: bool) -> int:
    reach = max(1, FINISHED_BARS_PER_ANSWER - _DELAY_BARS - crossings)
    if closes:
        # The last request comes after the close, when no bar is forming.
        return 1 + max(0, ceil((bars - BARS_PER_ANSWER + turn) / reach))
    return ceil((bars + turn) / reach)


def _days(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = end_of_day(quota_day(now) - timedelta(days=1))
    for _ in range(7):
        end = end_of_day(quota_day(start))
        yield start, end
        start = end
