"""An invented market that never closes: a bar is a function of instrument, time and moment of asking.

No state and no random numbers: value noise over a hash, summed over octaves, so that prices wander
as real ones do. It has a real market's bad habits: the newest bar is still forming, a share has minutes
without trades, and some bars are revised minutes after they ended.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument
from stockstream_local.market.listing import COINS, CURRENCIES, SHARES

EASTERN = ZoneInfo("US/Eastern")

MINUTE = 60
# Octave k has a knot every 2**k minutes; the longest, 4,096 minutes, bounds how far a price wanders.
OCTAVES = 13
SHARE_OF_EMPTY_MINUTES = 0.04
SHARE_OF_REVISED_MINUTES = 0.03
REVISED_AFTER_MINUTES = (2, 6)


@dataclass(frozen=True, slots=True)
class MarketBar:
    """One bar as the market shows it.

    Attributes:
        open_time: when the bar starts, UTC.
        open, high, low, close: prices in the quote currency, rounded as the market rounds them.
        volume: units traded, whole ones but of a recorded coin; None for a currency pair.
    """

    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None


@dataclass(frozen=True, slots=True)
class _Habits:
    """How the instruments of one asset class are traded."""

    decimals: int
    volatility: float  # of the logarithm, a minute
    volume: int  # a minute, about
    rests: bool  # whether there are minutes without a trade


_HABITS = {
    "equity": _Habits(decimals=4, volatility=0.0003, volume=4_000, rests=True),
    "fx": _Habits(decimals=5, volatility=0.0001, volume=0, rests=False),
    "crypto": _Habits(decimals=5, volatility=0.0005, volume=12, rests=False),
}


def bars(instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
    """The newest bars that exist, as the market shows them at one moment, oldest first.

    Args:
        instrument: one that is_listed.
        interval: a key of INTERVALS.
        now: the moment; the last bar is the one that it lies in, still forming.
        count: how many bars.
    """
    width = INTERVALS[interval] // timedelta(minutes=1)
    newest = int(now.timestamp()) // MINUTE // width
    found: list[MarketBar] = []
    for number in range(newest, -1, -1):
        if len(found) == count:
            break
        # Past its last revision a bar never changes: one moment stands for all later ones in the cache.
        settled = ((number + 1) * width + REVISED_AFTER_MINUTES[1]) * MINUTE
        bar = _bar(instrument, number * width, width, min(now.timestamp(), settled))
        if bar is not None:
            found.append(bar)
    return found[::-1]


def raise_prices(instrument: Instrument, bar: MarketBar, factor: float) -> MarketBar:
    """The bar with all its prices multiplied, rounded as the market rounds them."""
    if factor == 1:
        return bar
    decimals = _HABITS[instrument.asset_class].decimals
    prices = {name: round(getattr(bar, name) * factor, decimals) for name in ("open", "high", "low", "close")}
    return replace(bar, **prices)


@lru_cache(maxsize=50_000)
def _bar(instrument: Instrument, first: int, width: int, now: float) -> MarketBar | None:
    """The bar of `width` minutes from minute `first`, counted from 1970: the traded ones, merged."""
    minutes = list(_minutes(instrument, first, width, now))
    if not minutes:
        return None
    volumes = [minute.volume for minute in minutes if minute.volume is not None]
    return MarketBar(
        open_time=datetime.fromtimestamp(first * MINUTE, UTC),
        open=minutes[0].open,
        high=max(minute.high for minute in minutes),
        low=min(minute.low for minute in minutes),
        close=minutes[-1].close,
        volume=sum(volumes) if volumes else None,
    )


def _minutes(instrument: Instrument, first: int, width: int, now: float) -> Iterator[MarketBar]:
    for minute in range(first, first + width):
        if minute * MINUTE >= now:
            return
        bar = _minute(instrument, minute, now)
        if bar is not None:
            yield bar


def _minute(instrument: Instrument, minute: int, now: float) -> MarketBar | None:
    habits = _HABITS[instrument.asset_class]
    name, start = instrument.name, minute * MINUTE
    open_time = datetime.fromtimestamp(start, UTC)
    if habits.rests and (
        _share(name, "rest", minute) < SHARE_OF_EMPTY_MINUTES or open_time.astimezone(EASTERN).fold
    ):
        # The clock shows the hour before a winter's first 02:00 twice, and the stamps have no zone.
        return None
    passed = min(1.0, (now - start) / MINUTE)
    opened = _price(instrument, start)
    close = _price(instrument, start + passed * MINUTE)
    wick = opened * habits.volatility * math.sqrt(passed)
    high = max(opened, close) + wick * _share(name, "high", minute)
    low = min(opened, close) - wick * _share(name, "low", minute)
    volume = habits.volume * (0.25 + 3 * _share(name, "volume", minute) ** 3) * passed
    if _is_provisional(name, minute, now):
        close = low + (high - low) * _share(name, "first close", minute)
        volume *= 0.9
    opened, high, low, close = (round(price, habits.decimals) for price in (opened, high, low, close))
    return MarketBar(open_time, opened, high, low, close, round(volume) if habits.volume else None)


def _is_provisional(name: str, minute: int, now: float) -> bool:
    if _share(name, "revised", minute) >= SHARE_OF_REVISED_MINUTES:
        return False
    soonest, latest = REVISED_AFTER_MINUTES
    delay = soonest + (latest - soonest) * _share(name, "delay", minute)
    return now < (minute + 1 + delay) * MINUTE


# Where one minute ends, the next one begins.
@lru_cache(maxsize=10_000)
def _price(instrument: Instrument, seconds: float) -> float:
    volatility = _HABITS[instrument.asset_class].volatility
    offset = 0.0
    for octave in range(OCTAVES):
        knot, passed = divmod(seconds / MINUTE / 2**octave, 1)
        before = _share(instrument.name, octave, int(knot))
        after = _share(instrument.name, octave, int(knot) + 1)
        smooth = passed * passed * (3 - 2 * passed)
        offset += math.sqrt(2**octave) * (2 * (before + (after - before) * smooth) - 1)
    return _level(instrument) * math.exp(volatility * offset)


def _level(instrument: Instrument) -> float:
    """The price that the instrument wanders about."""
    if instrument.quote is None:
        return SHARES.get(instrument.base, 20 + 380 * _share(instrument.name, "level", 0))
    return (CURRENCIES | COINS)[instrument.base] / CURRENCIES[instrument.quote]


@lru_cache(maxsize=200_000)
def _share(name: str, what: str | int, number: int) -> float:
    """A number from 0 to 1 that looks random, and is always the same one."""
    digest = blake2b(f"{name}|{what}|{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 256**7
