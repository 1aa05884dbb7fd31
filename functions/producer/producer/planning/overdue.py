"""How long bars are overdue: how long ago the next ones should have come. Pure.

The age of the newest bar alone says little. With 25 requests a day an instrument is asked every quarter of an
hour, some plans delay their data by another quarter, and a minute without a trade has no bar at all.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from producer.markets.watchlist import Watchlist
from producer.planning.backlog import FINISHED_BARS_PER_ANSWER, SessionPart
from producer.planning.ledger import Ledger, RequestState, end_of_day
from producer.planning.planner import CAUTIOUS_PERIOD, Plan
from stockstream.bars import INTERVALS
from stockstream.expected_trading import expected_since, expected_time
from stockstream.sessions import bar_end, sessions_between, trading_time
from stockstream.times import parse_time

# With four markets that share few requests, the planner's longest pause is 1.38 times the average one.
_LONGEST_PAUSE = 1.4
# A bar is shown after its end, and may be shown one bar late.
_BARS_TO_SHOW = 2
# A market may be quiet for twice as long as it usually is between two of its newest bars.
_QUIET_FACTOR = 2
# A gap between bars that has come three times is usual, however long: a coin may be traded every third hour.
# One or two long gaps may be outages, and must not hide the next outage for long.
_USUAL_FROM, _LONGEST_RARE_QUIET = 3, timedelta(minutes=30)


class ExpectedLag(NamedTuple):
    """For how long newer bars may be missing although nothing is wrong.

    Attributes:
        pause: between two requests for one instrument.
        delay: by how much the plan delays its data.
    """

    pause: timedelta
    delay: timedelta


@lru_cache(maxsize=8)
def longest_pause(watchlist: Watchlist, plan: Plan, day: date) -> timedelta:
    """The longest pause between two requests for one instrument, in the week that begins with a quota day.

    Instruments of one market share requests. Those of different markets may not, since their sessions differ.
    Where the requests after the closes take most of a day's, the others are further apart than the average:
    with 32 requests a day, two coins beside 26 shares are asked once a day.
    """
    counts = watchlist.count_by_market()
    requests = {market: ceil(count / plan.instruments_per_request) for market, count in counts.items()}
    minutes = ceil(sum(requests.values()) / plan.requests_per_minute)
    average = max(watchlist.bar_length, timedelta(minutes=minutes))
    if plan.requests_per_day is None:
        return average * _LONGEST_PAUSE
    days = list(pairwise(end_of_day(day + timedelta(days=number - 1)) for number in range(8)))
    fullest = max(
        sum((trading_time(market, *one) * count for market, count in requests.items()), timedelta())
        for one in days
    )
    average = max(average, fullest / plan.requests_per_day)
    apart = max(_bars_apart(requests, plan.requests_per_day, *one, watchlist.bar_length) for one in days)
    return max(average * _LONGEST_PAUSE, apart * watchlist.bar_length)


def _bars_apart(
    requests: Mapping[str, int], requests_per_day: int, start: datetime, end: datetime, length: timedelta
) -> int:
    """After how many bars the planner asks in a quota day, if that is the least that its requests allow.

    Args:
        requests: how many it takes by market to ask for all of its instruments once.
        requests_per_day: how many the plan has.
        start: of the day.
        end: likewise.
        length: a bar's.
    """
    parts = [
        (SessionPart((min(each.closes, end) - max(each.opens, start)) / length, each.closes <= end), count)
        for market, count in requests.items()
        for each in sessions_between(market, start, end)
    ]
    closes = sum(count for part, count in parts if part.closes)

    def cost(period: int) -> float:
        # What a day leaves unseen of a session that goes on is asked for in the next one.
        return sum(
            count * (part.requests(period) if part.closes else part.bars / period) for part, count in parts
        )

    # As in the planner, a second request after each close is kept back where the day has one to spare.
    budget = requests_per_day - min(closes, max(0, requests_per_day - cost(CAUTIOUS_PERIOD)))
    longest = ceil(max((part.bars for part, _ in parts), default=1))
    period = 1 + bisect_left(range(1, longest), -budget, key=lambda period: -cost(period))
    # Where the requests are just enough, each instrument waits until the next bar would be its last.
    return period if period < CAUTIOUS_PERIOD else max(period, FINISHED_BARS_PER_ANSWER)


def usual_quiet(market: str, times: Iterable[str], interval: str) -> timedelta:
    """For how long an instrument usually has no bar, in time of its open market.

    It is the third longest gap between its newest bars or, if that is longer, half an hour of the longest
    one: gaps of 3 h, 10 min and 5 min give 30 min, and three gaps of 3 h give 3 h. With one gap or two, the
    shortest counts as the third. A single bar gives half an hour, and bars without gaps give zero.

    Args:
        market: as market_of gives it.
        times: the open_times of the newest bars that are known.
        interval: a key of INTERVALS.
    """
    newest = [parse_time(time) for time in sorted(times)[-FINISHED_BARS_PER_ANSWER:]]
    length = INTERVALS[interval]
    if len(newest) == 1:
        return _LONGEST_RARE_QUIET
    if not newest or newest[-1] - newest[0] == (len(newest) - 1) * length:
        return timedelta()  # bars without gaps, as most are
    quiets = nlargest(
        _USUAL_FROM,
        (
            timedelta()
            if after - before == length  # as most are, and the calendar is slow
            else expected_time(market, bar_end(market, before, length), after)
            for before, after in pairwise(newest)
        ),
    )
    return max(min(quiets[0], _LONGEST_RARE_QUIET), quiets[-1])


def measure_overdue(
    watchlist: Watchlist, ledger: Ledger, lag: ExpectedLag, now: datetime
) -> timedelta | None:
    """How long the bars of the worst market are overdue; zero if none are, None while no market expects any.

    A market is measured by its newest bar, and by the gaps of the instrument that is traded most: if one
    instrument of a market has new bars, the others have had no trades.

    Args:
        watchlist: what is followed.
        ledger: what has been asked, and what came.
        lag: how late bars may be.
        now: UTC.
    """
    markets: dict[str, list[RequestState]] = {}
    for instrument in watchlist.instruments:
        asked = ledger.of_instrument(instrument.name)
        markets.setdefault(watchlist.market_of(instrument), []).append(asked)
    overdue = []
    for market, known in markets.items():
        expected = expected_since(market, now)
        since = _waiting_since(market, known, watchlist.bar_length)
        if expected and since:
            # No bars are expected before the session.
            late = now - max(since, expected)
            overdue.append(late - lag.pause - lag.delay - _silence(known, watchlist.bar_length))
    return max(timedelta(), *overdue) if overdue else None


def _waiting_since(market: str, known: Sequence[RequestState], interval: timedelta) -> datetime | None:
    """When the newest bar ended, or else the first request failed; None if nothing has been asked."""
    newest = max((asked.newest for asked in known if asked.newest), default=None)
    if newest:
        return bar_end(market, newest, interval)
    return min((asked.failed_at for asked in known if asked.failed_at), default=None)


def _silence(known: Sequence[RequestState], interval: timedelta) -> timedelta:
    """For how long the instrument that is traded most may have no new bar."""
    quiet = min((asked.quiet for asked in known if asked.newest), default=timedelta())
    return _BARS_TO_SHOW * interval + _QUIET_FACTOR * quiet
