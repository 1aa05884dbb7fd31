"""Suspicions of a split: a day that begins at a small whole ratio of the last one's price. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from producer.ohlcv import Ohlcv
from stockstream.instruments import Instrument
from stockstream.splits import Split, clock_of
from stockstream.times import format_time, parse_time

# What companies do: two to fifty for one, three for two, and the same the other way round.
_FORWARD = (*((new, 1) for new in range(2, 51)), (3, 2))
_RATIOS = (*_FORWARD, *((old, new) for new, old in _FORWARD))
# By so much the price may have moved over night beside the split.
_NEAR = 0.05
# A price of a month ago says nothing. The longest pause of a market that we know is eleven days.
_LONGEST_PAUSE = timedelta(days=14)


class SplitSuspicion(NamedTuple):
    """What looks like a split, and may be news.

    Attributes:
        ratio: new shares for old ones, if it is one: `10:1`.
        day: the first day of the new price, where the instrument is traded: `2026-11-30`.
        from_price: the last close of the trading before.
        to_price: the first open after it.
        at: the open_time of that bar.
    """

    ratio: str
    day: str
    from_price: float
    to_price: float
    at: str

    @property
    def change_percent(self) -> float:
        """How far the price moved; below 0 for a fall."""
        return 100 * (self.to_price - self.from_price) / self.from_price


def suspect_split(
    instrument: Instrument,
    bars: Mapping[str, Ohlcv],
    new: Collection[str],
    splits: Iterable[Split],
    now: datetime,
) -> SplitSuspicion | None:
    """The newest jump that looks like a split and of which nobody has said anything; None without one.

    Within a day there is no split, and of pairs and coins neither.

    Args:
        instrument: what the bars are of.
        bars: all that are known, by open_time.
        new: the open_times of those that no earlier answer has shown.
        splits: what people have said of the instrument's splits, that there was none included.
        now: when the provider showed the bars, UTC.
    """
    if instrument.asset_class != "equity" or not new:
        return None
    zone = clock_of(instrument)
    oldest_news = format_time(now - _LONGEST_PAUSE)
    found = None
    for before, after in pairwise(sorted(bars)):
        if after not in new or after < oldest_news:
            continue
        day = parse_time(after).astimezone(zone).date()
        if parse_time(before).astimezone(zone).date() == day or any(
            before < split.at <= after for split in splits
        ):
            continue
        from_price, to_price = bars[before].close, bars[after].open
        ratio = _near_ratio(from_price / to_price)
        if ratio and parse_time(after) - parse_time(before) <= _LONGEST_PAUSE:
            found = SplitSuspicion(ratio, day.isoformat(), from_price, to_price, after)
    return found


def _near_ratio(quotient: float) -> str | None:
    """The ratio of a split that a quotient of prices is near to."""
    new, old = min(_RATIOS, key=lambda ratio: abs(quotient * ratio[1] / ratio[0] - 1))
    return f"{new}:{old}" if abs(quotient * old / new - 1) <= _NEAR else None
