"""The numbers of one bar: what a provider can revise about it."""

from typing import NamedTuple


class Ohlcv(NamedTuple):
    """Open, high, low and close in the quote currency; the volume is None where the market reports none."""

    open: float
    high: float
    low: float
    close: float
    volume: float | None

    @property
    def typical(self) -> float:
        """The typical price, (high + low + close) / 3."""
        return (self.high + self.low + self.close) / 3
