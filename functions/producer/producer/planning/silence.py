"""Silence: which instruments bring nothing new while others of their market do. Pure.

A market is missed as a whole, by its newest bar (overdue.py). So a symbol that was wrong from the beginning,
renamed, delisted or suspended is no matter for that, and neither is one that never gets its turn.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState
from stockstream.instruments import Instrument
from stockstream.sessions import bar_end, expected_time

# Trading is halted for minutes, seldom for an hour. Whoever is traded seldom may be silent for four times its
# usual silence.
_SILENT_FOR, _QUIET_FACTOR = timedelta(hours=2), 4
# Of a right symbol the first answer shows bars, even if it was traded last week.
_NEW_FOR = timedelta(minutes=10)


def find_silent(watchlist: Watchlist, ledger: Ledger, pause: timedelta) -> dict[str, datetime | None]:
    """The instruments that are silent and of which nobody has been told, by name.

    All is measured at the newest bar of a market: at night, on a holiday, or while the provider stands still,
    nobody falls silent.

    Args:
        watchlist: what is followed.
        ledger: what has been asked, and what came.
        pause: how far apart the plan's requests for one instrument are.

    Returns:
        When the newest bar of each ended; None of what has never had one.
    """
    markets: dict[str, list[tuple[Instrument, RequestState]]] = {}
    for instrument in watchlist.instruments:
        known = ledger.of_instrument(instrument.name)
        markets.setdefault(watchlist.market_of(instrument), []).append((instrument, known))
    silent: dict[str, datetime | None] = {}
    for market, instruments in markets.items():
        newest = _newest_end(market, instruments, watchlist.bar_length)
        if newest is None:
            continue
        for instrument, known in instruments:
            ended = bar_end(market, known.newest, watchlist.bar_length) if known.newest else None
            since = ended or known.failed_at
            # Nobody knows how often that is traded which has had no turn yet.
            is_new = ended is None and (known.asked_at or known.failures)
            least = _NEW_FOR if is_new else max(_SILENT_FOR, _QUIET_FACTOR * known.quiet) + pause
            # Most have a bar of the last hour, so that no calendar is needed.
            if known.told or since is None or newest - since < least:
                continue
            if expected_time(market, since, newest) >= least:
                silent[instrument.name] = ended
    return silent


def _newest_end(
    market: str, instruments: Sequence[tuple[Instrument, RequestState]], length: timedelta
) -> datetime | None:
    newest = max((known.newest for _, known in instruments if known.newest), default=None)
    return bar_end(market, newest, length) if newest else None
