"""The quota planner: which instruments to ask in this run. Pure: a ledger goes in, requests come out.

An answer holds the newest 100 bars, so that an instrument need not be asked each minute: once in 99 bars
loses nothing. What a plan gives beyond that is spread evenly, so that bars arrive as early as it allows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from math import ceil
from typing import NamedTuple

from producer.ledger import Asked, Ledger, end_of_day
from producer.sessions import Session, current_or_last_session, market_of, open_time, sessions_between
from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument

BARS_PER_ANSWER = 100
# One of them may be still forming, and tells nothing.
FINISHED_BARS_PER_ANSWER = 99
# How late a finished bar may show up. A bar that is later than that is taken for one without trades.
_DELAY_BARS = 2
# A bar is asked for when it has been finished for a minute.
_SETTLING = timedelta(minutes=1)
# After the close: once for the last bar, and once more, if it was not there, past the quarter of an hour by
# which some plans delay their data. Then the market sleeps.
_FLUSH, _SECOND_FLUSH, _FLUSH_ENDS = timedelta(minutes=2), timedelta(minutes=20), timedelta(minutes=30)
_MINUTE = timedelta(minutes=1)
_LONG_AGO = timedelta(days=14)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Plan(NamedTuple):
    """What a provider's plan allows; requests_per_day is None where only minutes are counted."""

    requests_per_day: int | None
    requests_per_minute: int


class Stretch(NamedTuple):
    """A session's part of a quota day.

    Attributes:
        bars: how many of its bars are still to be seen.
        closes: whether the session closes within the day, so that a request after its close belongs to it.
    """

    bars: float
    closes: bool

    def parts(self, period: int) -> int:
        """In how many parts of at most a period of bars the stretch falls."""
        # After the close no bar is forming, and the answer reaches back one bar further.
        return max(1, ceil((self.bars - self.closes) / period))

    def requests(self, period: int) -> int:
        """How many requests of the day see its bars, with one after each period of bars."""
        # Where the session goes on, the next day's first request sees the last part.
        return self.parts(period) - (not self.closes)


class _Market(NamedTuple):
    """A market at one moment, with what is left of it in the quota day."""

    name: str
    session: Session
    is_open: bool
    rest: Stretch
    later: tuple[Stretch, ...]


class _Need(NamedTuple):
    """One instrument at one moment.

    Attributes:
        instrument: which.
        asked_at: when it was asked for last, successfully.
        unseen: how many finished bars no answer has shown.
        may_ask: whether a request now can bring something.
        flush: 1 or 2: the market has closed, and it is time to ask for the last bar once, or once more.
        today: what is left of its market in the quota day, the unseen bars among it.
        is_open: whether the market is.
    """

    instrument: Instrument
    asked_at: datetime
    unseen: float
    may_ask: bool
    flush: int
    today: tuple[Stretch, ...]
    is_open: bool

    def requests(self, period: int) -> int:
        """How many requests the rest of the day takes with one after each period of bars."""
        return (self.flush == 1) + sum(stretch.requests(period) for stretch in self.today)


def plan_requests(
    instruments: Sequence[Instrument],
    interval: str,
    hours: str,
    plan: Plan,
    ledger: Ledger,
    now: datetime,
    instruments_per_request: int = 1,
) -> list[list[Instrument]]:
    """The requests to make now, each a list of instruments, the most overdue first.

    Args:
        instruments: all that are followed.
        interval: a key of INTERVALS.
        hours: one of sessions.HOURS.
        plan: what the provider allows; a run a minute never makes more requests than a minute has.
        ledger: what has been asked.
        now: the time of the run, UTC.
        instruments_per_request: how many the provider takes at once.

    Raises:
        InstrumentError: no calendar says when an instrument trades.
    """
    now = now.replace(second=0, microsecond=0)
    ledger = ledger.of_day(now)
    if ledger.stopped_until and now < ledger.stopped_until:
        return []
    requests = plan.requests_per_minute
    markets: dict[str, _Market | None] = {}
    needs = []
    for instrument in instruments:
        name = market_of(instrument, hours)
        if name not in markets:
            markets[name] = _read_market(name, now, end_of_day(ledger.day), INTERVALS[interval])
        if market := markets[name]:
            asked = ledger.instruments.get(instrument.name, Asked())
            needs.append(_read_need(instrument, market, asked, now, INTERVALS[interval]))
    able = [need for need in needs if need.may_ask]
    if plan.requests_per_day is None:
        chosen = sorted(able, key=_by_urgency)
    else:
        left = max(0, plan.requests_per_day - ledger.spent)
        requests = min(requests, left)
        rounds = ceil(len(instruments) / instruments_per_request)
        asks_left = left * len(instruments) // rounds if rounds else 0
        asks_a_minute = plan.requests_per_minute * instruments_per_request
        chosen = _spread(needs, able, asks_left, asks_a_minute, _MINUTE / INTERVALS[interval])
        if instruments_per_request > 1 and chosen:
            # A request that is made anyway takes along whatever has a new bar.
            chosen += sorted(set(able) - set(chosen), key=_by_urgency)[
                : -len(chosen) % instruments_per_request
            ]
    batches = batched((need.instrument for need in chosen), instruments_per_request, strict=False)
    return [list(batch) for batch in batches][:requests]


def _spread(
    needs: Sequence[_Need],
    able: Sequence[_Need],
    asks_left: int,
    asks_a_minute: int,
    minute: float,
) -> list[_Need]:
    """Those to ask now, so that what is left of the day's requests lasts and is evenly spread."""
    least = sum(need.requests(FINISHED_BARS_PER_ANSWER) for need in needs)
    spare = asks_left - least
    # A second request after each close is kept back where that costs no bar.
    flushes = sum(stretch.closes for need in needs for stretch in need.today)
    budget = asks_left - max(0, min(spare, flushes))
    steps = _steps([need for need in needs if need.today], budget)
    urgent = _urgent(able, asks_a_minute, minute) if spare >= 0 else set()
    ranks = {}
    for need in able:
        name = need.instrument.name
        if name in urgent:
            ranks[need] = 0
        elif need.flush == 1:
            ranks[need] = 1
        elif need.is_open and (need.asked_at == _NEVER or need.unseen >= steps[name]):
            ranks[need] = 2
        elif need.flush > 1 and spare > 0:
            ranks[need] = 3
    return sorted(ranks, key=lambda need: (ranks[need], *_by_urgency(need)))


def _steps(needs: Sequence[_Need], budget: int) -> dict[str, float]:
    """After how many unseen bars each instrument is to be asked, so that the day takes the budget."""

    def cost(period: int) -> int:
        return sum(need.requests(period) for need in needs)

    periods = range(1, ceil(max((need.today[0].bars for need in needs), default=1)) + 2)
    shortest = bisect_left(periods, True, key=lambda period: cost(period) <= budget)  # noqa: FBT003  # a value
    period = periods[min(shortest, len(periods) - 1)]
    parts = {need.instrument.name: need.today[0].parts(period) for need in needs}
    longest_first = sorted(needs, key=lambda need: -need.today[0].bars / parts[need.instrument.name])
    for need in longest_first[: max(0, budget - cost(period))]:
        parts[need.instrument.name] += 1
    return {need.instrument.name: need.today[0].bars / parts[need.instrument.name] for need in needs}


def _urgent(able: Iterable[_Need], asks_a_minute: int, minute: float) -> set[str]:
    """The instruments that have to be asked now, or one of them will come too late.

    Each has a deadline. They are asked in the order of their deadlines, as many as a minute allows; if one
    would come too late by starting a minute later, then its turn and those before it are now.
    """
    waiting = sorted(
        (
            need
            for need in able
            if need.is_open and not (need.today[0].closes and need.today[0].bars <= BARS_PER_ANSWER)
        ),
        key=_by_urgency,
    )
    last = 0
    for position, need in enumerate(waiting):
        if need.unseen + (position // asks_a_minute + 1) * minute > FINISHED_BARS_PER_ANSWER:
            last = position + 1
    return {need.instrument.name for need in waiting[:last]}


def _by_urgency(need: _Need) -> tuple[float, datetime]:
    return -need.unseen, need.asked_at


def _read_market(name: str, now: datetime, day_ends: datetime, interval: timedelta) -> _Market | None:
    session = current_or_last_session(name, now)
    if session is None:
        return None
    is_open = now < session.closes
    rest, *later = [
        Stretch((min(each.closes, day_ends) - max(each.opens, now)) / interval, each.closes <= day_ends)
        for each in ([session] if is_open else [])
        + [each for each in sessions_between(name, now, day_ends) if each.opens > now]
    ] or [Stretch(0, closes=False)]
    return _Market(name, session, is_open, rest, tuple(later))


def _read_need(
    instrument: Instrument, market: _Market, asked: Asked, now: datetime, interval: timedelta
) -> _Need:
    asked_at = asked.asked_at or _NEVER
    unseen = _unseen(market, asked, now, interval)
    session = market.session
    flush = 0
    if market.is_open:
        settled = now - _SETTLING
        settled -= (settled - _NEVER) % interval
        able = settled > session.opens and now > asked_at and settled + _SETTLING > asked_at
    else:
        flush = _flush(session, asked, now, interval)
        able = flush > 0
    if asked.not_before and now < asked.not_before:
        able = False
    today: tuple[Stretch, ...] = ()
    if market.rest.bars:
        today = (Stretch(market.rest.bars + unseen * (flush == 0), market.rest.closes), *market.later)
    return _Need(instrument, asked_at, unseen, able, flush, today, market.is_open)


def _flush(session: Session, asked: Asked, now: datetime, interval: timedelta) -> int:
    since = now - session.closes
    asked_since = (asked.asked_at or _NEVER) - session.closes
    if not _FLUSH <= since < _FLUSH_ENDS:
        return 0
    if asked_since < _FLUSH:
        return 1
    last_is_known = asked.newest is not None and asked.newest >= session.closes - interval
    return 2 if asked_since < _SECOND_FLUSH <= since and not last_is_known else 0


def _unseen(market: _Market, asked: Asked, now: datetime, interval: timedelta) -> float:
    if asked.asked_at is None:
        return BARS_PER_ANSWER
    seen_until = asked.asked_at - _DELAY_BARS * interval
    if asked.newest:
        seen_until = min(max(seen_until, asked.newest + interval), asked.asked_at)
    if market.is_open and seen_until >= market.session.opens:
        return (now - seen_until) / interval
    return open_time(market.name, max(seen_until, now - _LONG_AGO), now) / interval
