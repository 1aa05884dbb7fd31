"""The watchlist: what is followed. It is made anew when the file that lists it has changed."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument
from stockstream.sessions import market_of


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The instruments that are followed, and which bars of them.

    Attributes:
        instruments: all of them, each once.
        interval: of their bars, a key of INTERVALS.
        hours: of their trading, one of sessions.HOURS.
    """

    instruments: tuple[Instrument, ...]
    interval: str
    hours: str

    @property
    def bar_length(self) -> timedelta:
        """How long a bar lasts."""
        return INTERVALS[self.interval]

    def market_of(self, instrument: Instrument) -> str:
        """The market whose sessions are the instrument's; it need not be on the list.

        Raises:
            InstrumentError: no calendar says when it trades.
        """
        return market_of(instrument, self.hours)

    def count_by_market(self) -> Counter[str]:
        """How many instruments each market has.

        Raises:
            InstrumentError: no calendar says when one of them trades.
        """
        return Counter(self.market_of(instrument) for instrument in self.instruments)
