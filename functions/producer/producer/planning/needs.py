"""Needs: what one instrument has to be asked for at one moment, and in the rest of the quota day."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import NamedTuple

from producer.markets.sessions import Session, current_or_last_session, open_time, sessions_between
from producer.planning.ledger import Asked
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument

# One of them may be still forming, and tells nothing.
FINISHED_BARS_PER_ANSWER = BARS_PER_ANSWER - 1
# After the close: once for the last bar, and once more, if it was not there or the stream did not take it,
# past the quarter of an hour by which some plans delay their data. Then the market sleeps.
_FLUSH, _SECOND_FLUSH, _FLUSH_ENDS = timedelta(minutes=2), timedelta(minutes=20), timedelta(minutes=30)
# How long there is for the first of the two.
FLUSH_MINUTES = (_FLUSH_ENDS - _FLUSH) // timedelta(minutes=1)
# How late a finished bar may show up. A bar that is later than that is taken for one without trades.
_DELAY_BARS = 2
# A bar is asked for when it has been finished for a minute.
_SETTLING = timedelta(minutes=1)
# An outage of a day then takes a dozen requests: 1, 2, 4, 8, 16, and from then on 32 minutes apart.
_MOST_DOUBLINGS = 5
_LONG_AGO = timedelta(days=14)
NEVER = datetime.min.replace(tzinfo=UTC)


class Stretch(NamedTuple):
    """A session's part of a quota day.

    Attributes:
        bars: how many of its bars are still to be seen.
        closes: whether the session closes within the day, so that a request after its close belongs to it.
    """

    bars: float
    closes: bool

    def parts(self, period: int) -> int:
        """In how many parts of at most a period of bars the stretch falls."""
        # After the close no bar is forming, and the answer reaches back one bar further.
        return max(1, ceil((self.bars - self.closes) / period))

    def requests(self, period: int) -> int:
        """How many requests of the day see its bars, with one after each period of bars."""
        # Where the session goes on, the next day's first request sees the last part.
        return self.parts(period) - (not self.closes)


class Market(NamedTuple):
    """A market at one moment.

    Attributes:
        name: what market_of says.
        session: the one that is on, or the last one.
        is_open: whether it is on.
        settled: when the newest bar ended that is worth asking for.
        today: what is left in the quota day of the session that is on, and of those after it.
    """

    name: str
    session: Session
    is_open: bool
    settled: datetime
    today: tuple[Stretch, ...]


class Need(NamedTuple):
    """One instrument at one moment.

    Attributes:
        instrument: which.
        asked_at: when the newest answer was asked for; NEVER where there has been none.
        unseen: how many finished bars no answer has shown.
        is_open: whether its market is.
        flush: 1 or 2: the market has closed, and the last bar is to be asked for once, or once more.
        today: what is left of its market in the quota day, the unseen bars among it.
    """

    instrument: Instrument
    asked_at: datetime
    unseen: float
    is_open: bool
    flush: int
    today: tuple[Stretch, ...]

    def requests(self, period: int) -> int:
        """How many requests the rest of the day takes, with one after each period of bars."""
        return (self.flush == 1) + sum(stretch.requests(period) for stretch in self.today)

    def least_requests(self, period: int) -> int:
        """The same, leaving out the unseen bars that no answer shows any longer."""
        gone = 0 if self.flush else max(0, self.unseen - BARS_PER_ANSWER)
        first = tuple(Stretch(stretch.bars - gone, stretch.closes) for stretch in self.today[:1])
        return self._replace(today=(*first, *self.today[1:])).requests(period)


def read_market(name: str, now: datetime, day_ends: datetime, interval: timedelta) -> Market | None:
    """The market at a moment; None where its calendar knows no session of late."""
    session = current_or_last_session(name, now)
    if session is None:
        return None
    settled = now - _SETTLING
    settled -= (settled - NEVER) % interval
    today = tuple(
        Stretch((min(each.closes, day_ends) - max(each.opens, now)) / interval, each.closes <= day_ends)
        for each in sessions_between(name, now, day_ends)
    )
    return Market(name, session, now < session.closes, settled, today)


def may_ask(market: Market, asked: Asked, now: datetime, interval: timedelta, *, scarce: bool) -> bool:
    """Whether a request now can bring a bar.

    Args:
        market: the instrument's, now.
        asked: what is known of its requests.
        now: UTC, a whole minute.
        interval: a bar's length.
        scarce: whether a day's requests are counted: then each failure in a row doubles the pause.
    """
    if asked.not_before:
        pause = timedelta(minutes=2 ** min(asked.failures - 1, _MOST_DOUBLINGS) - 1) * scarce
        if now < asked.not_before + pause:
            return False
    if market.is_open:
        return market.settled > market.session.opens and market.settled + _SETTLING > _asked_at(asked)
    return now - market.session.closes >= _FLUSH and _flush(market.session, asked, now, interval) > 0


def read_need(
    instrument: Instrument, market: Market, asked: Asked, now: datetime, interval: timedelta
) -> Need:
    """What an instrument needs at a moment."""
    unseen = _unseen(market, asked, now, interval)
    flush = 0 if market.is_open else _flush(market.session, asked, now, interval)
    today = market.today
    if today and not flush:
        today = (Stretch(today[0].bars + unseen, today[0].closes), *today[1:])
    return Need(instrument, _asked_at(asked), unseen, market.is_open, flush, today)


def _flush(session: Session, asked: Asked, now: datetime, interval: timedelta) -> int:
    since, asked_since = now - session.closes, _asked_at(asked) - session.closes
    if since >= _FLUSH_ENDS:
        return 0
    if asked_since < _FLUSH:
        return 1
    last_is_sent = (
        asked.newest is not None and asked.newest >= session.closes - interval and not asked.deferred
    )
    return 2 if asked_since < _SECOND_FLUSH <= since and not last_is_sent else 0


def _unseen(market: Market, asked: Asked, now: datetime, interval: timedelta) -> float:
    if asked.asked_at is None:
        if not market.is_open:
            return 0  # what came before the first look is nobody's loss
        return min(BARS_PER_ANSWER, (now - max(market.session.opens, now - _LONG_AGO)) / interval)
    seen_until = asked.asked_at - _DELAY_BARS * interval
    if asked.newest:
        seen_until = min(max(seen_until, asked.newest + interval), asked.asked_at)
    if market.is_open and seen_until >= market.session.opens:
        return (now - seen_until) / interval
    return open_time(market.name, max(seen_until, now - _LONG_AGO), now) / interval


def _asked_at(asked: Asked) -> datetime:
    return asked.asked_at or NEVER
