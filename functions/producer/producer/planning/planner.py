"""The quota planner: which instruments to ask in this run. Pure: a ledger goes in, requests come out.

An answer holds the newest 100 bars. So an instrument is not asked each minute: one request after 99 bars
loses none. The requests that a plan allows beyond that are spread evenly, so that bars arrive early.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from math import ceil, inf
from typing import NamedTuple

from producer.markets.watchlist import Watchlist
from producer.planning.backlog import (
    FINISHED_BARS_PER_ANSWER,
    NEVER,
    Backlog,
    MarketState,
    may_ask,
    read_backlog,
    read_market_state,
)
from producer.planning.ledger import Ledger, end_of_day
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument

_MINUTE = timedelta(minutes=1)
# One request after each 95 bars leaves room for late bars, and for instruments that are due together.
CAUTIOUS_PERIOD = 95


class Plan(NamedTuple):
    """What a provider allows.

    Attributes:
        requests_per_day: None where only minutes are counted.
        requests_per_minute: how many a run may make, since there is one run a minute; one partition's share.
        instruments_per_request: how many it takes at once.
        partitions: how many share what it allows.
    """

    requests_per_day: int | None
    requests_per_minute: int
    instruments_per_request: int = 1
    partitions: int = 1

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
    able, others = _read_backlogs(watchlist, plan, ledger, now)
    if not able:
        return []
    together = plan.instruments_per_request
    if plan.requests_per_day is None:
        chosen = sorted(able, key=_by_urgency)
    else:
        left, count = plan.requests_per_day - ledger.spent, len(watchlist.instruments)
        # One request asks for several instruments.
        asks_left = left * count // ceil(count / together)
        bars_a_minute = _MINUTE / watchlist.bar_length
        chosen = _spread(able, others, asks_left, plan.instruments_per_minute, bars_a_minute)
        # Free places in the last request go to other instruments that may have a new bar.
        seats = -len(chosen) % together
        chosen += sorted(set(able) - set(chosen), key=_by_urgency)[:seats]
    batches = batched((backlog.instrument for backlog in chosen), together, strict=False)
    return [list(batch) for batch in batches][: plan.requests_of_a_run(ledger)]


def spare_requests(watchlist: Watchlist, plan: Plan, ledger: Ledger, now: datetime) -> int:
    """How many of a day's requests are left over once no market has new bars for the rest of the day.

    Until then it is 0, since the requests that are left bring the new bars sooner; and it is 0 if only a
    minute's requests are limited.

    Args:
        watchlist: what is followed.
        plan: what the provider allows.
        ledger: what has been asked.
        now: UTC.
    """
    if plan.requests_per_day is None:
        return 0
    ledger = ledger.of_day(now)
    able, others = _read_backlogs(watchlist, plan, ledger, now.replace(second=0, microsecond=0))
    if any(backlog.today or backlog.closing_request for backlog in (*able, *others)):
        return 0
    return max(0, plan.requests_per_day - ledger.spent)


def _read_backlogs(
    watchlist: Watchlist, plan: Plan, ledger: Ledger, now: datetime
) -> tuple[list[Backlog], list[Backlog]]:
    """The backlogs of the instruments that may be asked now, and of those that share a day's requests."""
    day_ends = end_of_day(ledger.day)
    scarce = plan.requests_per_day is not None
    markets: dict[str, MarketState | None] = {}
    able: list[Backlog] = []
    others: list[Backlog] = []
    for instrument in watchlist.instruments:
        name = watchlist.market_of(instrument)
        if name not in markets:
            markets[name] = read_market_state(name, now, day_ends, watchlist.bar_length)
        if market := markets[name]:
            state = ledger.of_instrument(instrument.name)
            if may_ask(market, state, scarce=scarce):
                able.append(read_backlog(instrument, market, state))
            elif scarce:
                others.append(read_backlog(instrument, market, state))
    return able, others


def _spread(
    able: Sequence[Backlog],
    others: Sequence[Backlog],
    asks_left: int,
    asks_a_minute: int,
    bars_a_minute: float,
) -> list[Backlog]:
    """Which instruments to ask now, so that the requests that are left are spread evenly over the day.

    An example: one equity of New York at the opening, with 390 bars to come. It needs at least 4 requests:
    one after each 99 bars, and the last of them after the close.

    ===== ====================================== ========================================================
    left  what that means                        when the equity is asked
    ===== ====================================== ========================================================
    25    enough with one after each 95 bars, 5  after each 16.25 bars: 390 / 24, and one is kept for a
                                                 second request after the close
    4     just enough                            at the last moment: when 99 bars are unseen, and after
                                                 the close; no bar is lost
    3     too few, so that bars are lost         after each 130 bars, 390 / 3; of these an answer shows
                                                 the newest 99, and the one after the close 100
    ===== ====================================== ========================================================

    Of two such equities that share 50, 8 or 6 requests each gets the same: all have one period, and what a
    whole number of requests leaves over goes to those that would wait longest.

    Args:
        able: the backlogs of the instruments that may be asked now.
        others: those of all other instruments that share the requests.
        asks_left: how many instruments can be asked for in the rest of the day.
        asks_a_minute: how many in a minute.
        bars_a_minute: how many bars end in a minute.
    """
    backlogs = [*able, *others]
    spare = asks_left - sum(backlog.least_requests(FINISHED_BARS_PER_ANSWER) for backlog in backlogs)
    ample = asks_left - sum(backlog.least_requests(CAUTIOUS_PERIOD) for backlog in backlogs)
    urgent = _urgent(able, asks_a_minute, bars_a_minute) if spare >= 0 else []
    periods: dict[Backlog, float] = {}
    # If the requests are just enough, each waits until it is urgent. If they are too few, bars are lost
    # anyway, and the periods make sure that every instrument loses as many.
    if ample >= 0 or spare < 0:
        # A second request after each close is kept back if that costs no bar.
        closes = sum(part.closes for backlog in backlogs for part in backlog.today)
        # Those that have closed for today and wait for their first request after it are not spread.
        waiting = sum(backlog.closing_request == 1 for backlog in backlogs if not backlog.today)
        budget = asks_left - waiting - max(0, min(ample, closes))
        periods = _periods([backlog for backlog in backlogs if backlog.today], budget)
    # The first request for an instrument is made at once, for as many as that costs no bar later in the day.
    unknown = [backlog for backlog in able if backlog.is_open and backlog.asked_at == NEVER]
    if spare >= 0:
        unknown = unknown[: max(0, ample)]
    closing = [backlog for backlog in able if backlog.closing_request == 1]
    due = [backlog for backlog in able if backlog.is_open and backlog.unseen >= periods.get(backlog, inf)]
    due += unknown
    # With requests to spare, the second one after a close, and what fails alone is tried once more.
    again = (
        [backlog for backlog in able if backlog.closing_request or backlog.fails_alone] if ample > 0 else []
    )
    groups = (urgent, closing, due, again)
    # An instrument in two groups goes with the first of them.
    return list(dict.fromkeys(backlog for group in groups for backlog in sorted(group, key=_by_urgency)))


def _periods(backlogs: Sequence[Backlog], budget: int) -> dict[Backlog, float]:
    """After how many unseen bars each instrument is asked, so that the rest of the day takes the budget."""
    if not backlogs:
        return {}
    # The shortest period that the budget allows; if it allows none, each instrument is asked once.
    longest = ceil(max(backlog.today[0].bars for backlog in backlogs))
    period = 1 + bisect_left(range(1, longest), -budget, key=lambda period: -_cost(backlogs, period))
    parts = {backlog: backlog.today[0].parts(period) for backlog in backlogs}
    # What the common period leaves over goes to those that would wait longest.
    longest_first = sorted(backlogs, key=lambda backlog: -backlog.today[0].bars / parts[backlog])
    for backlog in longest_first[: max(0, budget - _cost(backlogs, period))]:
        parts[backlog] += 1
    return {backlog: backlog.today[0].bars / parts[backlog] for backlog in backlogs}


def _cost(backlogs: Iterable[Backlog], period: int) -> int:
    return sum(backlog.requests(period) for backlog in backlogs)


def _urgent(able: Iterable[Backlog], asks_a_minute: int, bars_a_minute: float) -> list[Backlog]:
    """The instruments that have to be asked now, or one of them is asked too late and loses bars.

    Each instrument has a deadline: the moment at which its oldest unseen bar drops out of the answers. They
    are asked in the order of their deadlines, as many in a minute as the plan allows. If an instrument would
    miss its deadline by starting a minute later, it and all before it are urgent.
    """
    waiting = sorted(
        (backlog for backlog in able if backlog.is_open and not _waits_for_close(backlog)), key=_by_urgency
    )
    count = 0
    for turn, backlog in enumerate(waiting):
        if backlog.unseen + (turn // asks_a_minute + 1) * bars_a_minute > FINISHED_BARS_PER_ANSWER:
            count = turn + 1
    return waiting[:count]


def _waits_for_close(backlog: Backlog) -> bool:
    """Whether the request after the close will show all bars that are left."""
    return backlog.today[0].closes and backlog.today[0].bars <= BARS_PER_ANSWER


def _by_urgency(backlog: Backlog) -> tuple[float, datetime]:
    return -backlog.unseen, backlog.asked_at
