"""When bars of a market are expected: while it is open, except for the holidays of currencies.

On such a holiday the market of currencies is asked all the same, since a bar that a provider shows is not to
be lost. But bars that do not come are not missed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from stockstream.sessions import CURRENCIES, NEW_YORK_TIME, Session, current_or_last_session, trading_time

_SHORTEST_TIME = timedelta(microseconds=1)
# Christmas and New Year's Day as month and day, and the time in New York at which trading ends on the eve.
# The market of currencies has no calendar of its own: these are the hours in which CME Globex, where its
# futures are traded, is closed (CMES in exchange_calendars; its Good Friday and its other half days close
# futures alone). On Christmas Eve it closes at noon in Chicago.
_HOLIDAYS = ((12, 25, time(13)), (1, 1, time(17)))
_HOLIDAYS_END = time(18)  # in New York


def expected_since(market: str, now: datetime) -> datetime | None:
    """Since when a market's bars have been expected without a break; None while none are."""
    session = current_or_last_session(market, now)
    if session is None or now >= session.closes:
        return None
    holidays = list(_holidays_between(market, session.opens, now + _SHORTEST_TIME))
    if any(now < holiday.closes for holiday in holidays):
        return None
    return max([session.opens, *(holiday.closes for holiday in holidays)])


def expected_time(market: str, start: datetime, end: datetime) -> timedelta:
    """For how long bars were expected between two moments; zero if end is not after start."""
    holidays = (
        trading_time(market, max(holiday.opens, start), min(holiday.closes, end))
        for holiday in _holidays_between(market, start, end)
    )
    return trading_time(market, start, end) - sum(holidays, timedelta())


def _holidays_between(market: str, start: datetime, end: datetime) -> Iterator[Session]:
    """The holidays that have a part in [start, end), each from its beginning to its end."""
    if market != CURRENCIES:
        return
    for year in range(start.year, end.year + 2):
        for month, day, eve in _HOLIDAYS:
            holiday = date(year, month, day)
            opens = datetime.combine(holiday - timedelta(days=1), eve, NEW_YORK_TIME).astimezone(UTC)
            closes = datetime.combine(holiday, _HOLIDAYS_END, NEW_YORK_TIME).astimezone(UTC)
            if opens < end and closes > start:
                yield Session(opens, closes)
