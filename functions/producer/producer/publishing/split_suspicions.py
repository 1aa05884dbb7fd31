"""Suspected splits: days whose first price is a small whole ratio of the last one before. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from producer.ohlcv import Ohlcv
from stockstream.instruments import Instrument
from stockstream.splits import Split, clock_of
from stockstream.times import format_time, parse_time

# The usual ratios: two to fifty for one, three for two, and the same the other way round.
_FORWARD = (*((new, 1) for new in range(2, 51)), (3, 2))
_RATIOS = (*_FORWARD, *((old, new) for new, old in _FORWARD))
# By how much the price may have moved overnight in addition.
_NEAR = 0.05
# After a longer pause the price says nothing. The longest pause of any market here is eleven days.
_LONGEST_PAUSE = timedelta(days=14)


class SplitSuspicion(NamedTuple):
    """A jump that looks like a split, and may be one.

    Attributes:
        ratio: new shares for old ones, if it is one: `10:1`.
        day: the first local day of the new price: `2026-11-30`.
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
    """The newest jump that looks like a split and that no person has confirmed or refused; None without one.

    Only equities split, and only between two days.

    Args:
        instrument: what the bars are of.
        bars: all that are known, by open_time.
        new: the open_times of those that no earlier answer has shown.
        splits: those that a person has confirmed or refused.
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
    """The usual ratio that is near a quotient of prices; None if there is none."""
    new, old = min(_RATIOS, key=lambda ratio: abs(quotient * ratio[1] / ratio[0] - 1))
    return f"{new}:{old}" if abs(quotient * old / new - 1) <= _NEAR else None
