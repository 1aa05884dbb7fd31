"""The quota planner: which instruments to ask in this run. Pure: a ledger goes in, requests come out.

An answer holds the newest 100 bars, so that an instrument need not be asked each minute: once in 99 bars
loses nothing. What a plan gives beyond that is spread evenly, so that bars arrive as early as it allows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from math import ceil
from typing import NamedTuple

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Asked, Ledger, end_of_day
from producer.planning.needs import (
    FINISHED_BARS_PER_ANSWER,
    NEVER,
    Market,
    Need,
    may_ask,
    read_market,
    read_need,
)
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument

_MINUTE = timedelta(minutes=1)
# With one request after each 95 bars there is room for late bars, and for instruments that are due together.
_CAUTIOUS_PERIOD = 95


class Plan(NamedTuple):
    """What a provider allows.

    Attributes:
        requests_per_day: None where only minutes are counted.
        requests_per_minute: a run a minute never makes more requests than a minute has.
        instruments_per_request: how many it takes at once.
    """

    requests_per_day: int | None
    requests_per_minute: int
    instruments_per_request: int = 1

    @property
    def instruments_per_minute(self) -> int:
        """How many instruments can be asked for in a minute."""
        return self.requests_per_minute * self.instruments_per_request

    def requests_of_a_run(self, ledger: Ledger) -> int:
        """How many requests one run may make."""
        if self.requests_per_day is None:
            return self.requests_per_minute
        return max(0, min(self.requests_per_minute, self.requests_per_day - ledger.spent))


def plan_requests(watchlist: Watchlist, plan: Plan, ledger: Ledger, now: datetime) -> list[list[Instrument]]:
    """The requests to make now, each a list of instruments, the most overdue first.

    Args:
        watchlist: what is followed.
        plan: what the provider allows.
        ledger: what has been asked.
        now: the time of the run, UTC.

    Raises:
        InstrumentError: no calendar says when an instrument trades.
    """
    now = now.replace(second=0, microsecond=0)
    ledger = ledger.of_day(now)
    if ledger.stopped_until and now < ledger.stopped_until:
        return []
    able, others = _read_needs(watchlist, plan, ledger, now)
    if not able:
        return []
    together = plan.instruments_per_request
    if plan.requests_per_day is None:
        chosen = sorted(able, key=_by_urgency)
    else:
        left, count = max(0, plan.requests_per_day - ledger.spent), len(watchlist.instruments)
        # Instruments that travel together share a request.
        asks_left = left * count // ceil(count / together)
        bars_a_minute = _MINUTE / watchlist.bar_length
        chosen = _spread(able, others, asks_left, plan.instruments_per_minute, bars_a_minute)
        # A request that is made anyway takes along whatever has a new bar.
        seats = -len(chosen) % together
        chosen += sorted(set(able) - set(chosen), key=_by_urgency)[:seats]
    batches = batched((need.instrument for need in chosen), together, strict=False)
    return [list(batch) for batch in batches][: plan.requests_of_a_run(ledger)]


def _read_needs(
    watchlist: Watchlist, plan: Plan, ledger: Ledger, now: datetime
) -> tuple[list[Need], list[Need]]:
    """The needs of those that may be asked now, and of the others that share a day's requests with them."""
    length, day_ends = watchlist.bar_length, end_of_day(ledger.day)
    scarce = plan.requests_per_day is not None
    markets: dict[str, Market | None] = {}
    able: list[Need] = []
    others: list[Need] = []
    for instrument in watchlist.instruments:
        name = watchlist.market_of(instrument)
        if name not in markets:
            markets[name] = read_market(name, now, day_ends, length)
        if market := markets[name]:
            asked = ledger.instruments.get(instrument.name, Asked())
            if may_ask(market, asked, now, length, scarce=scarce):
                able.append(read_need(instrument, market, asked, now, length))
            elif scarce:
                others.append(read_need(instrument, market, asked, now, length))
    return able, others


def _spread(
    able: Sequence[Need], others: Sequence[Need], asks_left: int, asks_a_minute: int, minute: float
) -> list[Need]:
    """Those to ask now, so that what is left of the day's requests lasts and is evenly spread."""
    needs = [*able, *others]
    spare = asks_left - sum(need.least_requests(FINISHED_BARS_PER_ANSWER) for need in needs)
    ample = asks_left - sum(need.least_requests(_CAUTIOUS_PERIOD) for need in needs)
    urgent = _urgent(able, asks_a_minute, minute) if spare >= 0 else set()
    steps: dict[Need, float] = {}
    # Where the requests just suffice, each is kept until it is urgent. Where they do not, all lose alike.
    if ample >= 0 or spare < 0:
        # A second request after each close is kept back where that costs no bar.
        closes = sum(stretch.closes for need in needs for stretch in need.today)
        steps = _steps([need for need in needs if need.today], asks_left - max(0, min(ample, closes)))
    ranks = {}
    for need in able:
        if need in urgent:
            ranks[need] = 0
        elif need.flush == 1:
            ranks[need] = 1
        elif need.is_open and need in steps and need.unseen >= steps[need]:
            ranks[need] = 2
        elif need.is_open and need.asked_at == NEVER and (ample > 0 or spare < 0):
            ranks[need] = 2  # a first look, unless it would cost a bar later in the day
        elif need.flush and ample > 0:
            ranks[need] = 3
    return sorted(ranks, key=lambda need: (ranks[need], *_by_urgency(need)))


def _steps(needs: Sequence[Need], budget: int) -> dict[Need, float]:
    """After how many unseen bars each instrument is to be asked, so that the day takes the budget."""
    periods = range(1, ceil(max((need.today[0].bars for need in needs), default=1)) + 2)
    shortest = bisect_left(periods, -budget, key=lambda period: -_cost(needs, period))
    period = periods[min(shortest, len(periods) - 1)]
    parts = {need: need.today[0].parts(period) for need in needs}
    # What the common period leaves over goes to those that would wait longest.
    longest_first = sorted(needs, key=lambda need: -need.today[0].bars / parts[need])
    for need in longest_first[: max(0, budget - _cost(needs, period))]:
        parts[need] += 1
    return {need: need.today[0].bars / parts[need] for need in needs}


def _cost(needs: Iterable[Need], period: int) -> int:
    return sum(need.requests(period) for need in needs)


def _urgent(able: Iterable[Need], asks_a_minute: int, minute: float) -> set[Need]:
    """The instruments that have to be asked now, or one of them will come too late.

    Each has a deadline. They are asked in the order of their deadlines, as many as a minute allows; if one
    would come too late by starting a minute later, then its turn and those before it are now.
    """
    waiting = sorted((need for need in able if need.is_open and not _waits_for_close(need)), key=_by_urgency)
    count = 0
    for turn, need in enumerate(waiting):
        if need.unseen + (turn // asks_a_minute + 1) * minute > FINISHED_BARS_PER_ANSWER:
            count = turn + 1
    return set(waiting[:count])


def _waits_for_close(need: Need) -> bool:
    """Whether the request after the close will see all that is left."""
    return need.today[0].closes and need.today[0].bars <= BARS_PER_ANSWER


def _by_urgency(need: Need) -> tuple[float, datetime]:
    return -need.unseen, need.asked_at
