"""Trading sessions: when an instrument's market is open. Times are UTC. Nothing here reads the clock.

A session is trading without a break: the day of a stock exchange (or its morning and its afternoon, where it
breaks for lunch), or a week of the currency market. Coins have one session, which never ends.
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

CURRENCIES = "currencies"
_ALWAYS, _EXTENDED = "always", "extended"
_TIME_ZONES = {exchange.calendar: ZoneInfo(exchange.time_zone) for exchange in EXCHANGES}
_AFTER_CLOSE = {exchange.calendar: exchange.after_close for exchange in EXCHANGES}
_LONGEST_CLOSING = max(_AFTER_CLOSE.values())
_ONE_DAY, _SHORTEST_TIME = timedelta(days=1), timedelta(microseconds=1)
# The longest pause of any market here is the eleven days of a Chinese New Year.
_LONGEST_PAUSE = timedelta(days=14)
# An average over a thousand bars of an hour reaches back for 2,098 hours, which are 16 months of an exchange.
_LONGEST_HISTORY = timedelta(days=2 * 366)
_SUNDAY, _WEEKEND = 7, (6, 7)
_CURRENCY_TURN = time(17)  # in New York, where the week of the currency market begins and ends
# New York's extended hours; on a half day they end earlier, too.
_EXTENDED_OPEN, _EXTENDED_CLOSE, _EXTENDED_EARLY_CLOSE = time(4), time(20), time(17)


class Session(NamedTuple):
    """Trading without a break, in UTC; its last bar ends at `closes`."""

    opens: datetime
    closes: datetime


_ALL_TIME = Session(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def market_of(instrument: Instrument, hours: str) -> str:
    """The market of an instrument: a name for all instruments that open and close together.

    Args:
        instrument: any.
        hours: one of HOURS. `extended` adds New York's trading before and after the regular hours, and
            changes nothing elsewhere; `always` is for a replayed market.

    Raises:
        InstrumentError: the symbol's suffix is that of no exchange with a calendar here.
    """
    if hours == "always" or instrument.asset_class == "crypto":
        return _ALWAYS
    if instrument.asset_class == "fx":
        return CURRENCIES
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
    """The sessions of a market that overlap [start, end), in their order."""
    if market == _ALWAYS:
        yield _ALL_TIME
        return
    # A session may have begun days before: the currency market's lasts for five.
    day = (start - timedelta(days=6)).date() if market == CURRENCIES else (start - _ONE_DAY).date()
    last = (end + _ONE_DAY).date()
    while day <= last:
        for session in _sessions_of_day(market, day):
            if session.opens < end and session.closes > start:
                yield session
        day += _ONE_DAY


def current_or_last_session(market: str, now: datetime) -> Session | None:
    """The session that is open, or else the last one; None if there was none in two weeks."""
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

    London's last hourly bar, from 16:00, ends at 16:30, and New York's, from 15:30, at 16:00. A bar of the
    closing auction ends with the trading at the auction's price.
    """
    session = current_or_last_session(market, open_time)
    end = open_time + length
    if session is None:
        return end
    closes = session.closes if open_time < session.closes else closing_ends(market, session)
    return min(end, closes) if open_time < closes else end


def closing_ends(market: str, session: Session) -> datetime:
    """Until when bars of a session may begin: its close, or the end of its closing auction."""
    after = _AFTER_CLOSE.get(market)
    return session.closes + after if after else session.closes


def times_outside(market: str, times: Sequence[str], length: timedelta) -> list[str]:
    """The bars that overlap no session of a market and no closing auction.

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
    """The local day of a moment, if the exchange has no session on it; else None, as for other markets."""
    zone = _TIME_ZONES.get(market.partition(" ")[0])
    if zone is None:
        return None
    day = moment.astimezone(zone).date()
    return None if _sessions_of_day(market, day) else day


def is_usual_time(market: str, moment: datetime) -> bool:
    """Whether an exchange is open at this local time on an ordinary day."""
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
    """The moment from which to `end` a market has been open for `span`; at most two years before `end`."""
    if market == _ALWAYS:
        return end - span
    start = end
    while span > timedelta() and end - start < _LONGEST_HISTORY:
        # A week's sessions, the newest first: each takes its part of what is left of the span.
        week = start - timedelta(days=7)
        for session in reversed(list(sessions_between(market, week, start))):
            opens, closes = max(session.opens, week), min(session.closes, start)
            if closes - opens >= span:
                return closes - span
            span -= closes - opens
        start = week
    return start


@lru_cache(maxsize=128)
def bar_grid(instrument: Instrument, length: timedelta) -> frozenset[int]:
    """At which minutes of UTC an instrument's bars may begin, as remainders modulo the bar's length.

    Providers do not say whether bars of half an hour or an hour are aligned to the clock or to the opening,
    nor to which clock. All are allowed: New York's hourly bars may begin at the full hour and at half past.
    """
    if instrument.asset_class != "equity":
        return frozenset((0,))
    exchange = exchange_of(instrument.base)
    if exchange is None:
        return any_grid(length)
    # Daylight saving time shifts by a whole hour, so that any day will do.
    some_day = date(2026, 1, 1)
    midnight = _utc(some_day, time(), _TIME_ZONES[exchange.calendar])
    spans = _usual_spans(exchange.calendar, extended=False)
    openings = [_utc(some_day, opens, _TIME_ZONES[exchange.calendar]) for opens, _ in spans]
    minutes = length // timedelta(minutes=1)
    return frozenset({0, *((each.hour * 60 + each.minute) % minutes for each in (midnight, *openings))})


def any_grid(length: timedelta) -> frozenset[int]:
    """The same for a session that no calendar has, which may open at any multiple of five minutes."""
    minutes = length // timedelta(minutes=1)
    return frozenset(range(0, minutes, min(5, minutes)))


def ending_calendars(markets: Iterable[str], now: datetime) -> dict[str, date]:
    """The exchanges whose holidays are known for less than 30 days more, and the last known day of each.

    After it every weekday counts as an ordinary one: a request on a holiday finds nothing new, while a market
    that is taken for closed would lose bars. Somebody has to run `make generate` and deploy.
    """
    exchanges = sorted({market.split()[0] for market in markets} & CALENDARS.keys())
    known = {exchange: date(CALENDARS[exchange].known_until, 12, 31) for exchange in exchanges}
    return {exchange: day for exchange, day in known.items() if day - now.date() < timedelta(days=30)}


@lru_cache(maxsize=1024)
def _sessions_of_day(market: str, day: date) -> tuple[Session, ...]:
    """The sessions that begin on a local day of the market."""
    if market == CURRENCIES:
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
    """An exchange's hours on an ordinary day, in local time."""
    if extended:
        return [(_EXTENDED_OPEN, _EXTENDED_CLOSE)]
    spans = [hours.split("-") for hours in CALENDARS[exchange].hours]
    return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans]


def _currency_week(sunday: date) -> tuple[Session, ...]:
    # Holidays are not left out: see expected_trading.py.
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
