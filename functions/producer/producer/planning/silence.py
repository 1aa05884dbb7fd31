"""Silence: which instruments bring nothing new while others of their market do. Pure.

overdue.py measures a market as a whole, by its newest bar. So it does not see a symbol that was wrong from
the beginning, renamed, delisted or suspended, nor one that never gets its turn.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState
from stockstream.expected_trading import expected_time
from stockstream.sessions import bar_end

# Trading halts last for minutes, seldom for an hour. An instrument that is seldom traded may be silent for
# four times its usual gap. Of hourly bars, two may be late.
_SILENT_FOR, _FEW_BARS, _QUIET_FACTOR = timedelta(hours=2), 4, 4
# The first answer about a right symbol shows bars, even if it was last traded a week ago.
_NEW_FOR = timedelta(minutes=10)


def find_silent(watchlist: Watchlist, ledger: Ledger, pause: timedelta) -> dict[str, datetime | None]:
    """The instruments that are silent and have not been reported, by name.

    Silence is measured up to the newest bar of the market, so that no instrument falls silent at night, on a
    holiday, or while the provider is down; and up to the instrument's own newest answer, so that after an
    outage those that are asked last are not taken for silent.

    Args:
        watchlist: what is followed.
        ledger: what has been asked, and what came.
        pause: how far apart the plan's requests for one instrument are.

    Returns:
        When the newest bar of each ended; None if it has never had one.
    """
    markets: dict[str, dict[str, RequestState]] = {}
    for instrument in watchlist.instruments:
        known = ledger.of_instrument(instrument.name)
        markets.setdefault(watchlist.market_of(instrument), {})[instrument.name] = known
    silent: dict[str, datetime | None] = {}
    for market, instruments in markets.items():
        newest = _newest_end(market, instruments.values(), watchlist.bar_length)
        if newest is None:
            continue
        for name, known in instruments.items():
            if known.reported or _is_live(known, newest):
                continue
            ended = _newest_end(market, [known], watchlist.bar_length)
            least = max(_SILENT_FOR, _FEW_BARS * watchlist.bar_length, _QUIET_FACTOR * known.quiet)
            if _is_silent(market, known, ended, newest, least if ended else _NEW_FOR) or _has_no_turn(
                market, known, newest, pause
            ):
                silent[name] = ended
    return silent


def _is_live(known: RequestState, newest: datetime) -> bool:
    """Whether it has a bar of the market's last two hours. Most have, and the calendar is slow."""
    return known.newest is not None and newest - known.newest < _SILENT_FOR


def _is_silent(
    market: str, known: RequestState, ended: datetime | None, newest: datetime, least: timedelta
) -> bool:
    """Whether its answers have brought nothing new for too long."""
    since = ended or known.failed_at
    if since is None or known.asked_at is None:
        return False
    return expected_time(market, since, min(newest, known.asked_at)) >= least


def _has_no_turn(market: str, known: RequestState, newest: datetime, pause: timedelta) -> bool:
    """Whether it has had no turn for too long, since the runs' allowances were spent before."""
    if known.failed_at is None or known.failures:
        return False
    return expected_time(market, known.failed_at, newest) >= _SILENT_FOR + pause


def _newest_end(market: str, states: Iterable[RequestState], length: timedelta) -> datetime | None:
    newest = max((known.newest for known in states if known.newest), default=None)
    return bar_end(market, newest, length) if newest else None
