"""Bars and look-backs."""

from dataclasses import dataclass, field

from stockstream.intervals import INTERVALS

__all__ = ["INTERVALS", "Bar", "Lookback"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One OHLCV interval of one instrument, as a provider gave it at one moment.

    Attributes:
        instrument: `IBM`, `fx:EUR/USD`, `crypto:BTC/USD`.
        asset_class: `equity`, `fx` or `crypto`.
        interval: a key of INTERVALS.
        open_time: when the bar starts, UTC, `YYYY-MM-DDTHH:MM:SSZ`.
        open, high, low, close: prices in the quote currency, > 0.
        volume: >= 0; None where the market reports none.
        source: the provider; `import` for a bar from a file.
        as_of: when the provider gave the bar, UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    """

    instrument: str
    asset_class: str
    interval: str
    open_time: str
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    source: str
    as_of: str

    @property
    def id(self) -> str:
        """What the bar is about; the same each time that the bar is sent."""
        return f"{self.instrument}|{self.interval}|{self.open_time}"


@dataclass(frozen=True, slots=True)
class Lookback:
    """The bars just before a bar, oldest first; each column reaches as far back as an indicator looks.

    Attributes:
        close: their closes.
        typical: their typical prices.
        volume: their volumes, None where the market reports none.
        true_range: their true ranges; the first close has none, since it needs the close before.
    """

    close: list[float] = field(default_factory=list)
    typical: list[float] = field(default_factory=list)
    volume: list[float | None] = field(default_factory=list)
    true_range: list[float] = field(default_factory=list)
