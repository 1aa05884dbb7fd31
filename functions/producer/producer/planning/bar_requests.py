"""Bar requests: which instruments share a request, and from when on. Pure.

A request brings the bars of all its instruments since one moment. If one of them lags by days, that moment is
days ago for all. So those that lag share a request of their own, and the others do not wait for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from producer.planning.backlog import NEVER
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument

# A request may bring at most twice the bars of an instrument that the instrument needs.
_MOST_REPEATED = 2
# Up to this lag all share a request, whenever they were last answered.
_SHORT_LAG_BARS = 20


class BarRequest(NamedTuple):
    """One request.

    Attributes:
        instruments: what to ask for.
        since: from when on; None for the newest hundred bars of instruments that have had none yet.
        rereads: whether it reads again what was sent long ago, as rereading.py says.
    """

    instruments: tuple[Instrument, ...]
    since: datetime | None
    rereads: bool = False


def group_requests(
    batches: Iterable[Sequence[Instrument]],
    ledger: Ledger,
    now: datetime,
    plan: Plan,
    bar_length: timedelta,
) -> list[BarRequest]:
    """The requests that bring what the planner chose, those first that have waited longest for an answer.

    If a run may not make them all, the next one begins with the others: each of them gets its turn.

    Pages are sorted by symbol. If a run's allowance ends in the middle of a request, its last symbols get no
    answer, and in the same request they would get none the next time either. So if a day's requests are not
    limited, instruments that were answered at different moments go into different requests. If they are, such
    instruments stay together until they lag by a hundred bars, since each further request would be missing at
    the end of the day.

    Args:
        batches: what the planner chose, the most overdue first.
        ledger: what has been asked, and until when it has been sent.
        now: UTC.
        plan: what the provider allows.
        bar_length: how long a bar lasts.
    """
    together = plan.instruments_per_request
    chosen = [instrument for batch in batches for instrument in batch]
    cursors = {each: ledger.of_instrument(each.name).sent_until for each in chosen}
    if together == 1:
        return [BarRequest((each,), cursors[each]) for each in chosen]
    groups = [[each for each in chosen if cursors[each] is None]]
    for known in _by_turn(cursors, ledger, now, plan, bar_length):
        groups += _group_by_cursor(known, now, BARS_PER_ANSWER * bar_length)
    requests = [
        BarRequest(tuple(batch), min((moment for each in batch if (moment := cursors[each])), default=None))
        for group in groups
        for batch in batched(group, together, strict=False)
    ]
    return longest_waiting_first(requests, ledger)


def _by_turn(
    cursors: Mapping[Instrument, datetime | None],
    ledger: Ledger,
    now: datetime,
    plan: Plan,
    bar_length: timedelta,
) -> Iterable[list[tuple[datetime, Instrument]]]:
    """The cursors, grouped by the last answer for those that lag; the others are one group."""
    asked = {each: ledger.of_instrument(each.name).asked_at or NEVER for each in cursors}
    newest = max(asked.values(), default=NEVER)
    short_lag = _SHORT_LAG_BARS * bar_length
    turns: dict[datetime, list[tuple[datetime, Instrument]]] = {}
    for each, cursor in cursors.items():
        if cursor:
            is_apart = plan.requests_per_day is None and now - cursor > short_lag
            turns.setdefault(asked[each] if is_apart else newest, []).append((cursor, each))
    return turns.values()


def _group_by_cursor(
    known: Iterable[tuple[datetime, Instrument]], now: datetime, least: timedelta
) -> list[list[Instrument]]:
    """The instruments in groups, divided where a request would bring too much that is known already.

    A hundred bars of each fit one page, so that a smaller difference needs no second request.
    """
    groups: list[list[Instrument]] = []
    reach = now
    for cursor, each in sorted(known, key=lambda pair: pair[0]):
        if not groups or cursor > reach:
            groups.append([])
            reach = max(now - (now - cursor) / _MOST_REPEATED, cursor + least)
        groups[-1].append(each)
    return groups


def longest_waiting_first(requests: Iterable[BarRequest], ledger: Ledger) -> list[BarRequest]:
    """The requests, sorted by the last answer of their instruments."""
    return sorted(requests, key=lambda request: _asked_at(request, ledger))


def _asked_at(request: BarRequest, ledger: Ledger) -> datetime:
    return min(ledger.of_instrument(each.name).asked_at or NEVER for each in request.instruments)
