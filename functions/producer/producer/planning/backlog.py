"""Backlogs: the bars of an instrument still to be asked for, now and in the rest of the quota day."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import NamedTuple

from producer.planning.ledger import RequestState
from producer.providers.answers import BARS_PER_ANSWER
from stockstream.instruments import Instrument
from stockstream.sessions import (
    Session,
    bar_end,
    closing_ends,
    current_or_last_session,
    sessions_between,
    trading_time,
)

# The newest bar of an answer may still be forming, and is not used.
FINISHED_BARS_PER_ANSWER = BARS_PER_ANSWER - 1
# After the close there is a first closing request, for the last bar. If that bar is not there yet, or the
# stream did not take it, there is a second one: some plans delay their data by a quarter of an hour. After
# half an hour nothing is asked for until the next session, unless no answer has come since the close: then
# the last bars are missing, and the provider may be up again within hours.
_FIRST_CLOSING_REQUEST = timedelta(minutes=2)
_SECOND_CLOSING_REQUEST = timedelta(minutes=20)
_CLOSING_ENDS, _UNANSWERED_CLOSING_ENDS = timedelta(minutes=30), timedelta(hours=6)
# The bars of a closing auction are shown a quarter of an hour after its end at the latest. The second closing
# request waits for that, and has ten minutes, as it has where there is no auction.
_AUCTION_SHOWS, _FOR_THE_SECOND = timedelta(minutes=17), timedelta(minutes=10)
# How many minutes there are for the first closing request.
CLOSING_MINUTES = (_CLOSING_ENDS - _FIRST_CLOSING_REQUEST) // timedelta(minutes=1)
# How many bars late a finished bar may show up. If it has not come by then, there were no trades.
_DELAY_BARS = 2
# A bar is asked for when it has been finished for a minute.
_SETTLING = timedelta(minutes=1)
# The pauses after failures are 1, 2, 4, 8, 16 and then always 32 minutes. So an outage of a whole session in
# New York takes 17 requests for an instrument, and not 390.
_MOST_DOUBLINGS = 5
_LONG_AGO = timedelta(days=14)
NEVER = datetime.min.replace(tzinfo=UTC)


class SessionPart(NamedTuple):
    """The part of a session that falls into a quota day.

    Attributes:
        bars: how many of its bars no answer has shown yet.
        closes: whether the session closes within the day, which then has a request after the close.
    """

    bars: float
    closes: bool

    def parts(self, period: int) -> int:
        """How many periods of `period` bars cover this part; at least one."""
        # After the close no bar is forming, so that the last answer shows one finished bar more.
        return max(1, ceil((self.bars - self.closes) / period))

    def requests(self, period: int) -> int:
        """How many requests the day needs for this part, with one after each `period` bars."""
        # If the session goes on after the day, the next day's first request shows the last period.
        return self.parts(period) - (not self.closes)


class MarketState(NamedTuple):
    """A market at one moment.

    Attributes:
        name: as market_of gives it.
        now: the moment, UTC, a whole minute.
        bar_length: how long a bar lasts.
        session: the one that is open, or the last one.
        is_open: whether it is open.
        today: what the quota day still has of this session, and of those after it.
    """

    name: str
    now: datetime
    bar_length: timedelta
    session: Session
    is_open: bool
    today: tuple[SessionPart, ...]


class Backlog(NamedTuple):
    """What is still to be asked for, for one instrument at one moment.

    Attributes:
        instrument: which.
        asked_at: when its newest answer was asked for, or it last failed alone; NEVER if neither.
        unseen: how many finished bars no answer has shown.
        is_open: whether its market is open.
        closing_request: 1 if the first closing request is due, 2 if the second one is, else 0.
        today: what the quota day still has of its market, the unseen bars included.
        fails_alone: whether its requests fail while others are answered.
    """

    instrument: Instrument
    asked_at: datetime
    unseen: float
    is_open: bool
    closing_request: int
    today: tuple[SessionPart, ...]
    fails_alone: bool

    def requests(self, period: int) -> int:
        """How many requests the rest of the day takes, with one after each `period` bars."""
        return (self.closing_request == 1) + sum(part.requests(period) for part in self.today)

    def least_requests(self, period: int) -> int:
        """The same, without the unseen bars that have become too old for an answer to show."""
        gone = 0 if self.closing_request else max(0, self.unseen - BARS_PER_ANSWER)
        first = tuple(SessionPart(part.bars - gone, part.closes) for part in self.today[:1])
        return self._replace(today=(*first, *self.today[1:])).requests(period)


def read_market_state(
    name: str, now: datetime, day_ends: datetime, bar_length: timedelta
) -> MarketState | None:
    """The market at a moment; None if it has had no session for two weeks."""
    session = current_or_last_session(name, now)
    if session is None:
        return None
    today = tuple(
        SessionPart((min(each.closes, day_ends) - max(each.opens, now)) / bar_length, each.closes <= day_ends)
        for each in sessions_between(name, now, day_ends)
    )
    return MarketState(name, now, bar_length, session, now < session.closes, today)


def may_ask(market: MarketState, state: RequestState, *, scarce: bool) -> bool:
    """Whether a request now can bring a new bar.

    Args:
        market: the instrument's, now.
        state: what is known of the instrument's requests.
        scarce: whether a day's requests are limited; if so, each failure in a row doubles the pause.
    """
    if state.not_before:
        pause = timedelta(minutes=2 ** min(state.failures - 1, _MOST_DOUBLINGS) - 1) * scarce
        if market.now < state.not_before + pause:
            return False
    if market.is_open:
        settled = _settled(market, state)
        return settled > market.session.opens and settled + _SETTLING > (state.asked_at or NEVER)
    is_settled = market.now - market.session.closes >= _FIRST_CLOSING_REQUEST
    return is_settled and _closing_request(market, state, state.asked_at or NEVER) > 0


def read_backlog(instrument: Instrument, market: MarketState, state: RequestState) -> Backlog:
    """The backlog of an instrument, at the moment of its market."""
    unseen = _unseen(market, state)
    closing_request = 0 if market.is_open else _closing_request(market, state, _asked_at(state))
    today = market.today
    if today and not closing_request:
        today = (SessionPart(today[0].bars + unseen, today[0].closes), *today[1:])
    fails_alone = state.failed_alone_at is not None
    return Backlog(instrument, _asked_at(state), unseen, market.is_open, closing_request, today, fails_alone)


def _settled(market: MarketState, state: RequestState) -> datetime:
    """When the newest bar ended that is worth asking for, without the last one if the close cuts that short.

    Hourly bars are aligned to the opening or to the clock, and providers do not say which. So the newest bar
    says it, and the opening as long as there is none.
    """
    settled = market.now - _SETTLING
    return settled - (settled - (state.newest or market.session.opens)) % market.bar_length


def _closing_request(market: MarketState, state: RequestState, asked_at: datetime) -> int:
    closed_at = market.session.closes
    auction = closing_ends(market.name, market.session) - closed_at
    # If its price comes with the close, the first request brings it.
    has_auction = auction > _FIRST_CLOSING_REQUEST
    second = auction + _AUCTION_SHOWS if has_auction else _SECOND_CLOSING_REQUEST
    since_close, asked_since_close = market.now - closed_at, asked_at - closed_at
    is_unanswered = state.asked_at is not None and asked_since_close < timedelta()
    last_request = max(_CLOSING_ENDS, second + _FOR_THE_SECOND)
    if since_close >= (_UNANSWERED_CLOSING_ENDS if is_unanswered else last_request):
        return 0
    if asked_since_close < _FIRST_CLOSING_REQUEST:
        return 1
    newest_ended_at = bar_end(market.name, state.newest, market.bar_length) if state.newest else NEVER
    last_is_sent = newest_ended_at >= closed_at and not state.deferred
    if has_auction:
        # An hourly bar that ends with the close includes the auction's trades, so it is asked for again.
        last_is_sent &= state.newest is not None and state.newest >= closed_at
    return 2 if asked_since_close < second <= since_close and not last_is_sent else 0


def _unseen(market: MarketState, state: RequestState) -> float:
    now, length, asked_at = market.now, market.bar_length, _asked_at(state)
    if asked_at == NEVER:
        if not market.is_open:
            return 0  # bars from before the first request are not missed
        return min(BARS_PER_ANSWER, (now - max(market.session.opens, now - _LONG_AGO)) / length)
    seen_until = asked_at - _DELAY_BARS * length
    if state.newest:
        seen_until = min(max(seen_until, bar_end(market.name, state.newest, length)), asked_at)
    if market.is_open and seen_until >= market.session.opens:
        # If the clock was set back, the last answer is in the future, and no bar is unseen.
        return max(0.0, (now - seen_until) / length)
    return trading_time(market.name, max(seen_until, now - _LONG_AGO), now) / length


def _asked_at(state: RequestState) -> datetime:
    """When it was asked for what is unseen. One that fails alone waits as if it had been answered."""
    return max(state.asked_at or NEVER, state.failed_alone_at or NEVER)
