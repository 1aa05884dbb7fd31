"""Bar requests: which instruments are asked for together, and since when. Pure.

A request brings the bars of all its instruments since one moment. If one of them lags by days, that moment is
days ago for all. So those that lag share a request, and the others do not wait for them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from producer.planning.backlog import NEVER
from producer.planning.ledger import Ledger
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument

# How many times as many bars as it needs the most a request may bring of an instrument.
_MOST_REPEATED = 2


class BarRequest(NamedTuple):
    """One request.

    Attributes:
        instruments: what to ask for.
        since: from when on; None for the newest hundred bars of instruments of which none has been sent.
        again: whether it brings again what was sent long ago.
    """

    instruments: tuple[Instrument, ...]
    since: datetime | None
    again: bool = False


def group_requests(
    batches: Iterable[Sequence[Instrument]],
    ledger: Ledger,
    now: datetime,
    together: int,
    bar_length: timedelta,
) -> list[BarRequest]:
    """The requests that bring what the planner chose, those first that have waited longest for an answer.

    If a run may not make them all, the next one begins with the others: each of them gets its turn.

    Args:
        batches: what the planner chose, the most overdue first.
        ledger: what has been asked, and until when it has been sent.
        now: UTC.
        together: how many instruments a request takes.
        bar_length: how long a bar lasts.
    """
    chosen = [instrument for batch in batches for instrument in batch]
    cursors = {each: ledger.of_instrument(each.name).sent_until for each in chosen}
    if together == 1:
        return [BarRequest((each,), cursors[each]) for each in chosen]
    groups = [[each for each in chosen if cursors[each] is None]]
    oldest_first = sorted(
        ((cursor, each) for each, cursor in cursors.items() if cursor), key=lambda pair: pair[0]
    )
    # An answer of a hundred bars fits each page, so that a lag below that needs no request of its own.
    least, reach = BARS_PER_ANSWER * bar_length, now
    for cursor, each in oldest_first:
        if len(groups) == 1 or cursor > reach:
            groups.append([])
            reach = max(now - (now - cursor) / _MOST_REPEATED, cursor + least)
        groups[-1].append(each)
    requests = [
        BarRequest(tuple(batch), min((moment for each in batch if (moment := cursors[each])), default=None))
        for group in groups
        for batch in batched(group, together, strict=False)
    ]
    return longest_waiting_first(requests, ledger)


def longest_waiting_first(requests: Iterable[BarRequest], ledger: Ledger) -> list[BarRequest]:
    """The requests in the order in which their instruments were asked for."""
    return sorted(requests, key=lambda request: _asked_at(request, ledger))


def _asked_at(request: BarRequest, ledger: Ledger) -> datetime:
    return min(ledger.of_instrument(each.name).asked_at or NEVER for each in request.instruments)
