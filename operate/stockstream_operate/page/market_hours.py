"""Whether an instrument's market is open, and until when that lasts."""

from datetime import datetime, timedelta
from typing import NamedTuple

from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instrument
from stockstream.sessions import market_of, sessions_between

# Longer than any pause of any market.
_AHEAD = timedelta(days=14)
_NEVER = timedelta(days=366)


class MarketHours(NamedTuple):
    """A market at a moment.

    Attributes:
        is_open: whether it is.
        until: when that changes, UTC; None where it never does.
    """

    is_open: bool
    until: datetime | None


def find_market_hours(instrument: str, hours: str, now: datetime) -> MarketHours | None:
    """The market of an instrument; None where no calendar says when it trades.

    Args:
        instrument: a name that `parse_instrument` takes.
        hours: one of `sessions.HOURS`.
        now: the moment, UTC.
    """
    try:
        market = market_of(parse_instrument(instrument), hours)
    except InstrumentError:
        return None
    session = next(sessions_between(market, now, now + _AHEAD), None)
    if session is None:
        return None
    if session.opens > now:
        return MarketHours(is_open=False, until=session.opens)
    # What ends in the year 9999 never ends.
    return MarketHours(is_open=True, until=session.closes if session.closes - now < _NEVER else None)


def say_market_hours(market: MarketHours, now: datetime) -> str:
    """The market in a few words: `Open until 21:00 UTC`."""
    if market.until is None:
        return "Always open"
    return f"{'Open' if market.is_open else 'Closed'} until {say_moment(market.until, now)}"


def say_moment(moment: datetime, now: datetime) -> str:
    """A moment that is near: its day is named where it is not today."""
    clock = f"{moment:%H:%M} UTC"
    return clock if moment.date() == now.date() else f"{moment:%a} {moment.day} {moment:%b}, {clock}"
