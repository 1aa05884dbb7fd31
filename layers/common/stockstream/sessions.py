"""Trading sessions: when an instrument's market is open. Times are UTC. Nothing here reads the clock.

A session is trading without a break: a stock exchange's day (or its morning and its afternoon, if there is
a break at noon), a week of the currency market. The session of coins never ends.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stockstream.calendars import CALENDARS
from stockstream.errors import InstrumentError
from stockstream.exchanges import EXCHANGES, NEW_YORK, exchange_of, suggest_symbol
from stockstream.instruments import Instrument
from stockstream.times import format_time

HOURS = ("regular", "extended", "always")
# The market of equities in New York, in its regular hours.
NEW_YORK_STOCKS = NEW_YORK.calendar
NEW_YORK_TIME = ZoneInfo(NEW_YORK.time_zone)

_ALWAYS, _CURRENCIES, _EXTENDED = "always", "currencies", "extended"
_TIME_ZONES = {exchange.calendar: ZoneInfo(exchange.time_zone) for exchange in EXCHANGES}
_AFTER_CLOSE = {exchange.calendar: exchange.after_close for exchange in EXCHANGES}
_LONGEST_CLOSING = max(_AFTER_CLOSE.values())
_ONE_DAY, _SHORTEST_TIME = timedelta(days=1), timedelta(microseconds=1)
# The longest pause of a market that we know is the eleven days of a Chinese New Year.
_LONGEST_PAUSE = timedelta(days=14)
# Bars of an hour and averages over a thousand of them reach back for 2,098 hours, 16 months of an exchange.
_LONGEST_HISTORY = timedelta(days=2 * 366)
_SUNDAY, _WEEKEND = 7, (6, 7)
_CURRENCY_TURN = time(17)  # in New York, where the week of the currency market begins and ends
# On Christmas and New Year's Day, month and day, hardly anybody makes prices of currencies. The market has no
# calendar of its own: these are the days on which CME Globex, where its futures are traded, is closed, from
# the given time of the eve to 18:00. On Christmas Eve it closes at noon in Chicago (exchange_calendars' CMES;
# Good Friday and the half days of other holidays, which it has too, close futures alone).
_CURRENCY_HOLIDAYS = ((12, 25, time(13)), (1, 1, time(17)))
_CURRENCY_RETURN = time(18)
# Trading before the opening and after the close in New York. On a half day it ends earlier, too.
_EXTENDED_OPEN, _EXTENDED_CLOSE, _EXTENDED_EARLY_CLOSE = time(4), time(20), time(17)


class Session(NamedTuple):
    """Trading without a break, in UTC. Its last bar ends when it closes."""

    opens: datetime
    closes: datetime


_ALL_TIME = Session(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def market_of(instrument: Instrument, hours: str) -> str:
    """The market whose sessions are the instrument's: instruments of one market open and close together.

    Args:
        instrument: any.
        hours: one of HOURS. `extended` adds New York's trading before and after the regular hours, and
            changes nothing elsewhere; `always` is for a replayed market.

    Raises:
        InstrumentError: the symbol's suffix names no exchange whose calendar we hold.
    """
    if hours == "always" or instrument.asset_class == "crypto":
        return _ALWAYS
    if instrument.asset_class == "fx":
        return _CURRENCIES
    exchange = exchange_of(instrument.base)
    if exchange is None:
        _, point, suffix = instrument.base.rpartition(".")
        meant = suggest_symbol(instrument.base)
        known = ", ".join(f".{suffix}" for exchange in EXCHANGES for suffix in exchange.suffixes)
        raise InstrumentError(
            f"{instrument.name}: {f'did you mean {meant}? ' if meant else ''}"
            f"no calendar says when {point}{suffix} trades; known are {known}, and no suffix for New York"
        )
    if exchange is NEW_YORK and hours == "extended":
        return f"{exchange.calendar} {_EXTENDED}"
    return exchange.calendar


def sessions_between(market: str, start: datetime, end: datetime) -> Iterator[Session]:
    """The sessions of a market that have a part in [start, end), in their order."""
    if market == _ALWAYS:
        yield _ALL_TIME
        return
    # A session that begins days before may still last: the currency market's does for five.
    day = (start - timedelta(days=6)).date() if market == _CURRENCIES else (start - _ONE_DAY).date()
    last = (end + _ONE_DAY).date()
    while day <= last:
        for session in _sessions_of_day(market, day):
            if session.opens < end and session.closes > start:
                yield session
        day += _ONE_DAY


def current_or_last_session(market: str, now: datetime) -> Session | None:
    """The session that is on, or else the last one; None if there was none in two weeks."""
    if market == _ALWAYS:
        return _ALL_TIME
    day = (now + _ONE_DAY).date()  # east of UTC it may be the next day already
    for _ in range(_LONGEST_PAUSE.days):
        for session in reversed(_sessions_of_day(market, day)):
            if session.opens <= now:
                return session
        day -= _ONE_DAY
    return None


def bar_end(market: str, open_time: datetime, length: timedelta) -> datetime:
    """When a bar ends: after its length, or with the session in which it began if that closes earlier.

    So London's last bar of an hour, from 16:00, ends at 16:30, and on the grid of New York's opening the one
    from 15:30 at 16:00. A bar of the closing auction ends with what is traded at its price.
    """
    session = current_or_last_session(market, open_time)
    end = open_time + length
    if session is None:
        return end
    closes = session.closes if open_time < session.closes else closing_ends(market, session)
    return min(end, closes) if open_time < closes else end


def closing_ends(market: str, session: Session) -> datetime:
    """Until when bars may begin that are of a session: until its close, or the end of its closing auction."""
    after = _AFTER_CLOSE.get(market)
    return session.closes + after if after else session.closes


def times_outside(market: str, times: Sequence[str], length: timedelta) -> list[str]:
    """Which bars no session of a market has any part in, and no closing auction.

    Args:
        market: what market_of says.
        times: the bars' open_times, sorted.
        length: how long a bar lasts.
    """
    if market == _ALWAYS or not times:
        return []
    outside: list[str] = []
    position = 0
    start, end = (datetime.fromisoformat(time) for time in (times[0], times[-1]))
    for session in sessions_between(market, start - _LONGEST_CLOSING, end + length):
        first = bisect_right(times, format_time(session.opens - length), position)
        outside += times[position:first]
        position = bisect_left(times, format_time(closing_ends(market, session)), first)
    return outside + list(times[position:])


def day_without_session(market: str, moment: datetime) -> date | None:
    """The day of an exchange's own clock, if its calendar has no session then; None of other markets, too."""
    zone = _TIME_ZONES.get(market.partition(" ")[0])
    if zone is None:
        return None
    day = moment.astimezone(zone).date()
    return None if _sessions_of_day(market, day) else day


def is_usual_time(market: str, moment: datetime) -> bool:
    """Whether an exchange is open at this time of its own clock on an ordinary day."""
    exchange, _, extended = market.partition(" ")
    local = moment.astimezone(_TIME_ZONES[exchange]).time()
    return any(opens <= local < closes for opens, closes in _usual_spans(exchange, extended=bool(extended)))


def is_traded(market: str, start: datetime, end: datetime) -> bool:
    """Whether the market is open at any moment from start to just before end."""
    session = current_or_last_session(market, end - _SHORTEST_TIME)
    return session is not None and session.closes > start


def trading_time(market: str, start: datetime, end: datetime) -> timedelta:
    """For how long the market is open between two moments; zero if end is not after start."""
    if end <= start:
        return timedelta()
    spans = (
        min(session.closes, end) - max(session.opens, start)
        for session in sessions_between(market, start, end)
    )
    return sum(spans, timedelta())


def trading_began(market: str, end: datetime, span: timedelta) -> datetime:
    """The moment since which a market has been open for so long until another one; not years before it."""
    if market == _ALWAYS:
        return end - span
    start = end
    while span > timedelta() and end - start < _LONGEST_HISTORY:
        # Sessions of a week, from the newest on: each takes its part of what is left.
        week = start - timedelta(days=7)
        for session in reversed(list(sessions_between(market, week, start))):
            opens, closes = max(session.opens, week), min(session.closes, start)
            if closes - opens >= span:
                return closes - span
            span -= closes - opens
        start = week
    return start


def expected_since(market: str, now: datetime) -> datetime | None:
    """Since when a market's bars have been expected without a break; None while none are.

    A market is asked on a holiday of currencies, too, since what a provider does show is not to be lost. But
    nobody misses a bar.
    """
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


@lru_cache(maxsize=128)
def bar_grid(instrument: Instrument, length: timedelta) -> frozenset[int]:
    """At which minutes of UTC, as remainders of their length in minutes, an instrument's bars may begin.

    Providers do not say whether bars of half an hour or an hour follow the clock or the opening, nor whose
    clock. All of them count: bars of an hour in New York may begin at the full hour and at half past.
    """
    if instrument.asset_class != "equity":
        return frozenset((0,))
    exchange = exchange_of(instrument.base)
    if exchange is None:
        return any_grid(length)
    # A change of the clocks is one of whole hours.
    some_day = date(2026, 1, 1)
    midnight = _utc(some_day, time(), _TIME_ZONES[exchange.calendar])
    spans = _usual_spans(exchange.calendar, extended=False)
    openings = [_utc(some_day, opens, _TIME_ZONES[exchange.calendar]) for opens, _ in spans]
    minutes = length // timedelta(minutes=1)
    return frozenset({0, *((each.hour * 60 + each.minute) % minutes for each in (midnight, *openings))})


def any_grid(length: timedelta) -> frozenset[int]:
    """The same of a session that no calendar has: it may open at any five minutes."""
    minutes = length // timedelta(minutes=1)
    return frozenset(range(0, minutes, min(5, minutes)))


def ending_calendars(markets: Iterable[str], now: datetime) -> dict[str, date]:
    """The exchanges whose holidays are known for less than 30 days more, and the last day that is known.

    After that day every weekday counts as an ordinary one: a request on a holiday finds nothing new, while
    a market taken for closed would lose bars. Somebody has to run `make generate` and deploy.
    """
    exchanges = sorted({market.split()[0] for market in markets} & CALENDARS.keys())
    known = {exchange: date(CALENDARS[exchange].known_until, 12, 31) for exchange in exchanges}
    return {exchange: day for exchange, day in known.items() if day - now.date() < timedelta(days=30)}


@lru_cache(maxsize=1024)
def _sessions_of_day(market: str, day: date) -> tuple[Session, ...]:
    """The sessions that begin on a day of the market's own clock."""
    if market == _CURRENCIES:
        return _currency_week(day) if day.isoweekday() == _SUNDAY else ()
    exchange, _, extended = market.partition(" ")
    calendar = CALENDARS[exchange]
    if day.isoweekday() in _WEEKEND or f"{day:%m-%d}" in calendar.holidays.get(day.year, ""):
        return ()
    spans = _usual_spans(exchange, extended=bool(extended))
    early_close = _early_close(calendar.early_closes.get(day.year, ""), day)
    if extended and early_close:
        spans = [(_EXTENDED_OPEN, _EXTENDED_EARLY_CLOSE)]
    elif early_close:
        spans = [(opens, min(closes, early_close)) for opens, closes in spans if opens < early_close]
    zone = _TIME_ZONES[exchange]
    return tuple(Session(_utc(day, opens, zone), _utc(day, closes, zone)) for opens, closes in spans)


def _usual_spans(exchange: str, *, extended: bool) -> list[tuple[time, time]]:
    """From when to when an exchange is open on an ordinary day, on its own clock."""
    if extended:
        return [(_EXTENDED_OPEN, _EXTENDED_CLOSE)]
    spans = [hours.split("-") for hours in CALENDARS[exchange].hours]
    return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans]


def _holidays_between(market: str, start: datetime, end: datetime) -> Iterator[Session]:
    """The holidays that have a part in [start, end), each from its beginning to its end."""
    if market != _CURRENCIES:
        return
    for year in range(start.year, end.year + 2):
        for month, day, eve in _CURRENCY_HOLIDAYS:
            holiday = date(year, month, day)
            opens = _utc(holiday - _ONE_DAY, eve, NEW_YORK_TIME)
            closes = _utc(holiday, _CURRENCY_RETURN, NEW_YORK_TIME)
            if opens < end and closes > start:
                yield Session(opens, closes)


def _currency_week(sunday: date) -> tuple[Session, ...]:
    # No day but the weekend is closed everywhere: it is asked on holidays, too.
    friday = sunday + timedelta(days=5)
    return (
        Session(_utc(sunday, _CURRENCY_TURN, NEW_YORK_TIME), _utc(friday, _CURRENCY_TURN, NEW_YORK_TIME)),
    )


def _early_close(days: str, day: date) -> time | None:
    closes = dict(item.split() for item in days.split(", ") if item)
    text = closes.get(f"{day:%m-%d}")
    return time.fromisoformat(text) if text else None


def _utc(day: date, local: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local, zone).astimezone(UTC)
