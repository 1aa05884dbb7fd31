"""Look-backs in the shares of their own bar: bars from before a split are restated. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from producer.ohlcv import Ohlcv
from stockstream.bars import Lookback
from stockstream.lookbacks import Lookbacks
from stockstream.splits import Split
from stockstream.windows import Windows


def restate(bar: Ohlcv, splits: Sequence[Split]) -> Ohlcv:
    """The numbers of a bar in the shares that there are after these splits.

    A hundred shares at 2,500 are a thousand at 250 after 10:1: the prices fall, and the volume grows.
    """
    for split in splits:
        new, old = split.new, split.old
        open_, high, low, close = (price * old / new for price in bar[:4])
        volume = None if bar.volume is None else bar.volume * new / old
        bar = Ohlcv(open_, high, low, close, volume)
    return bar


class RestatedLookbacks:
    """The look-back of each bar of a series, in the shares of that bar.

    Args:
        times: the bars' open_times, oldest first.
        bars: of one instrument and interval, as they were traded.
        splits: without those of 1:1; oldest first.
        windows: of the moving averages that the look-backs must serve.
    """

    def __init__(
        self, times: Sequence[str], bars: Sequence[Ohlcv], splits: Sequence[Split], windows: Windows
    ) -> None:
        self._bars = bars
        self._windows = windows
        # The position of the first bar in new shares, of each split that lies between two bars.
        starts = [(bisect_left(times, split.at), split) for split in splits]
        self._splits = [(start, split) for start, split in starts if 0 < start < len(times)]
        self._starts = [start for start, _ in self._splits]
        self._by_era: dict[int, Lookbacks] = {}

    def before(self, position: int) -> Lookback:
        """The look-back of the bar at a position."""
        era = bisect_right(self._starts, position)  # how many splits it has behind it
        if era not in self._by_era:
            self._by_era[era] = Lookbacks(self._in_shares_of(era), self._windows)
        return self._by_era[era].before(position)

    def _in_shares_of(self, era: int) -> Sequence[Ohlcv]:
        passed = self._splits[:era]
        if not passed:
            return self._bars
        return [
            restate(bar, [split for start, split in passed if position < start])
            for position, bar in enumerate(self._bars)
        ]
