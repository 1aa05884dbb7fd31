"""Look-backs, cut out of a series of bars."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from stockstream.bars import Lookback
from stockstream.fields import lookback_lengths
from stockstream.prices import true_range, typical_price
from stockstream.windows import Windows


class Priced(Protocol):
    """The values of a bar that a look-back needs."""

    @property
    def high(self) -> float:
        """The highest price."""

    @property
    def low(self) -> float:
        """The lowest price."""

    @property
    def close(self) -> float:
        """The last price."""

    @property
    def volume(self) -> float | None:
        """What was traded; None where the market reports none."""


class Lookbacks:
    """The look-back of each bar of a series.

    Args:
        bars: of one instrument and interval, oldest first.
        windows: of the moving averages that the look-backs must serve.
    """

    def __init__(self, bars: Sequence[Priced], windows: Windows) -> None:
        self._lengths = lookback_lengths(windows)
        self._closes = [bar.close for bar in bars]
        self._typicals = [typical_price(bar.high, bar.low, bar.close) for bar in bars]
        self._volumes = [bar.volume for bar in bars]
        # The first bar has no close before it, and so no true range.
        self._true_ranges = [true_range(bar.high, bar.low, before.close) for before, bar in pairwise(bars)]

    def before(self, position: int) -> Lookback:
        """The look-back of the bar at a position; the position after the last is that of the next bar."""
        return Lookback(
            close=_newest(self._closes, position, self._lengths["close"]),
            typical=_newest(self._typicals, position, self._lengths["typical"]),
            volume=_newest(self._volumes, position, self._lengths["volume"]),
            true_range=_newest(self._true_ranges, position - 1, self._lengths["true_range"]),
        )


def _newest[Value](values: list[Value], end: int, length: int) -> list[Value]:
    """The last values before a position, `length` of them or as many as there are."""
    return values[max(0, end - length) : max(0, end)]
