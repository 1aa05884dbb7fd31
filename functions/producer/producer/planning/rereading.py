"""Rereading: when bars sent long ago are compared with what the provider shows of them now. Pure.

A request brings the new bars and the twenty or hundred before them, and a bar may be revised later than that.
So all that the tail remembers, 299 bars or more, is read again every 200 bars, and once after the close. Each
bar is compared at least once more while it is remembered, also in a market that never closes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched

from producer.markets.watchlist import Watchlist
from producer.planning.bar_requests import BarRequest, longest_waiting_first
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan, spare_requests
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument
from stockstream.sessions import current_or_last_session, trading_began, trading_time

# A tail holds 199 bars and the newest hundred: none falls out before it is read again.
_BARS_APART = 200
# When a market has been closed for half an hour, nothing else is asked for. A provider that is down then is
# asked again for six hours, as for a session's last bars, and not all night: the next rereading compares what
# the tail still holds.
_AFTER_CLOSE, _CLOSING_ENDS = timedelta(minutes=30), timedelta(hours=6)
# What has not come or was not sent is read again then. After a close nothing else asks for it.
_AGAIN_AFTER = timedelta(minutes=5)


def plan_rereading(
    watchlist: Watchlist, plan: Plan, ledger: Ledger, now: datetime, lookback: int | None
) -> list[BarRequest]:
    """The rereading requests that are due; they bring what is new as well.

    A plan that limits a day's requests has none for them until all markets have closed for the day.

    Args:
        watchlist: what is followed.
        plan: what the provider allows.
        ledger: what has been asked.
        now: UTC.
        lookback: how many bars a look-back holds at the most; None for a provider whose answers do not begin
            at the moment that is asked for. That one is only asked once more after the close.
    """
    is_stopped = ledger.stopped_until is not None and now < ledger.stopped_until
    if is_stopped:
        return []
    is_scarce = plan.requests_per_day is not None
    requests: list[BarRequest] = []
    due = _due(watchlist, ledger, now, while_open=lookback is not None and not is_scarce)
    for market, instruments in due.items():
        cursors = {each: ledger.of_instrument(each.name).sent_until for each in instruments}
        if lookback is None:
            requests += [BarRequest((each,), cursor, rereads=True) for each, cursor in cursors.items()]
            continue
        # The tail, and the look-back of its first bar.
        bars = BARS_PER_ANSWER + 2 * lookback
        since = trading_began(market, now, bars * watchlist.bar_length)
        # An instrument that lags by more than that gets its new bars first.
        able = [each for each, cursor in cursors.items() if cursor and cursor >= since]
        # As many instruments as fit a page, with a hundred new bars of each beside those that are read again.
        together = max(1, plan.instruments_per_request * BARS_PER_ANSWER // (bars + BARS_PER_ANSWER))
        requests += [
            BarRequest(tuple(batch), since, rereads=True) for batch in batched(able, together, strict=False)
        ]
    if requests and is_scarce:
        return requests[: spare_requests(watchlist, plan, ledger, now)]
    return requests


def with_rereading(
    requests: Sequence[BarRequest], rereading: Iterable[BarRequest], ledger: Ledger, most: int
) -> list[BarRequest]:
    """The requests of a run: as many rereading requests as it has left, but at least one.

    An instrument is not asked for twice. If a run may not make all requests, the next one begins with the
    others.

    Args:
        requests: what the run asks for in any case.
        rereading: those of plan_rereading.
        ledger: what has been asked.
        most: how many requests the run may make.
    """
    chosen = list(rereading)[: max(1, most - len(requests))]
    taken = {each for request in chosen for each in request.instruments}
    others = []
    for request in requests:
        rest = tuple(each for each in request.instruments if each not in taken)
        others += [request._replace(instruments=rest)] if rest else []
    if not chosen:
        return list(requests)[:most]
    return longest_waiting_first([*chosen, *others], ledger)[:most]


def _due(
    watchlist: Watchlist, ledger: Ledger, now: datetime, *, while_open: bool
) -> dict[str, list[Instrument]]:
    """Which instruments are to be read again now, by market."""
    due: dict[str, list[Instrument]] = {}
    # Thousands of instruments share a few moments.
    known: dict[tuple[str, datetime, datetime | None], bool] = {}
    for instrument in watchlist.instruments:
        market, state = watchlist.market_of(instrument), ledger.of_instrument(instrument.name)
        if state.reread_at is None or (state.not_before and now < state.not_before):
            continue
        key = market, state.reread_at, state.asked_at
        if key not in known:
            known[key] = _is_due(*key, now, watchlist.bar_length, while_open=while_open)
        if known[key]:
            due.setdefault(market, []).append(instrument)
    return due


def _is_due(
    market: str,
    reread_at: datetime,
    asked_at: datetime | None,
    now: datetime,
    bar_length: timedelta,
    *,
    while_open: bool,
) -> bool:
    session = current_or_last_session(market, now)
    if session is None:
        return False
    if now < session.closes:
        return while_open and trading_time(market, reread_at, now) >= _BARS_APART * bar_length
    is_time = _AFTER_CLOSE <= now - session.closes < _CLOSING_ENDS
    is_time &= asked_at is None or now - asked_at >= _AGAIN_AFTER
    return is_time and reread_at < session.closes + _AFTER_CLOSE
