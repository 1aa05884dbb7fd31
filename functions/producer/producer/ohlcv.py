"""The numbers of one bar: what a provider can revise about it."""

from typing import NamedTuple

from stockstream.prices import typical_price


class Ohlcv(NamedTuple):
    """Open, high, low and close in the quote currency; the volume is None where the market reports none."""

    open: float
    high: float
    low: float
    close: float
    volume: float | None

    @property
    def typical(self) -> float:
        """The typical price."""
        return typical_price(self.high, self.low, self.close)
