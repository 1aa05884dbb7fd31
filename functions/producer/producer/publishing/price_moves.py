"""Price moves: how far a price went over a few bars, up to a new bar. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from producer.ohlcv import Ohlcv
from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument
from stockstream.sessions import bar_end, current_or_last_session, market_of
from stockstream.times import format_time, parse_time

# Older moves are no news: they come with the first answer, or with the one after an outage. It is two hours,
# since a plan that is just enough asks once in 99 minutes; a bar of an hour may be an hour older still.
_NEWS = timedelta(hours=2)


class PriceMove(NamedTuple):
    """From one close to another.

    Attributes:
        change_percent: below 0 for a fall.
        from_price: the close some bars before.
        to_price: the close after it.
        from_time: when the first bar ended, UTC, `YYYY-MM-DDTHH:MM:SSZ`.
        to_time: when the last one did.
    """

    change_percent: float
    from_price: float
    to_price: float
    from_time: str
    to_time: str


@dataclass(frozen=True, slots=True)
class PriceWatch:
    """Which price moves are looked for, and of which instruments.

    Attributes:
        percent: from how many percent on a move, up or down, is large; 0 looks at nothing.
        bars: over how many bars.
        names: of the instruments to look at; empty for all.
        hours: one of sessions.HOURS.
    """

    percent: float = 0
    bars: int = 5
    names: frozenset[str] = frozenset()
    hours: str = "regular"

    def find_move(
        self,
        instrument: Instrument,
        interval: str,
        bars: Mapping[str, Ohlcv],
        new: Collection[str],
        now: datetime,
    ) -> PriceMove | None:
        """The greatest move that ends in a new bar; None where there is none to measure.

        Both closes are of one session, since prices jump from one session to the next every morning.

        Args:
            instrument: what the bars are of.
            interval: a key of INTERVALS.
            bars: all that are known, by open_time.
            new: the open_times of those that no earlier answer has shown.
            now: when the provider showed them, UTC.
        """
        if not self.percent or not new or (self.names and instrument.name not in self.names):
            return None
        market, length, times = market_of(instrument, self.hours), INTERVALS[interval], sorted(bars)
        oldest_news = format_time(now - _NEWS - length)
        moves = (
            _measure(times[position - self.bars], time, bars, partial(bar_end, market, length=length))
            for position, time in enumerate(times)
            if time in new
            and time >= oldest_news
            and position >= self.bars
            and _is_one_session(market, times[position - self.bars], time)
        )
        return max(moves, key=lambda move: abs(move.change_percent), default=None)

    def is_large(self, move: PriceMove) -> bool:
        """Whether a move is one to notify people of."""
        return abs(move.change_percent) >= self.percent


NO_WATCH = PriceWatch()


def _is_one_session(market: str, first: str, last: str) -> bool:
    session = current_or_last_session(market, parse_time(last))
    return session is not None and parse_time(first) >= session.opens


def _measure(
    first: str, last: str, bars: Mapping[str, Ohlcv], end_of: Callable[[datetime], datetime]
) -> PriceMove:
    from_price, to_price = bars[first].close, bars[last].close
    return PriceMove(
        100 * (to_price - from_price) / from_price,
        from_price,
        to_price,
        format_time(end_of(parse_time(first))),
        format_time(end_of(parse_time(last))),
    )
