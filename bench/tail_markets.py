"""Minute bars for `make bench-tail`: generated ones, and recorded ones where the environment names a folder.

The folder of RECORDED_BARS has a CSV file for each market of recorded_markets, with the columns timestamp
(UTC), open, high, low, close and volume.
"""

import csv
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from producer.ohlcv import Ohlcv
from stockstream.times import format_time

RECORDINGS = os.environ.get("RECORDED_BARS")
# A full tail, and a day.
BARS = 300 + 1440


class Market(NamedTuple):
    """The bars of one instrument, by open_time."""

    name: str
    instrument: str
    bars: dict[str, Ohlcv]


def recorded_markets() -> Iterator[Market]:
    """Real bars; none where no folder of them is named."""
    if not RECORDINGS:
        print("RECORDED_BARS names no folder of recorded bars: generated ones only.\n")
        return
    for name, instrument, file in (
        ("SPY", "SPY", "equity_usa_minute_spy_NewYorkTime.csv"),
        ("BAC", "BAC", "equity_usa_minute_bac_NewYorkTime.csv"),
        ("EUR/USD", "fx:EUR/USD", "forex_oanda_minute_eurusd_quotemid_UTC.csv"),
    ):
        with Path(RECORDINGS, file).open(encoding="utf-8") as lines:
            bars = {row["timestamp"].replace(" ", "T") + "Z": _numbers(row) for row in csv.DictReader(lines)}
        yield Market(name, instrument, dict(list(bars.items())[:BARS]))


def generated_markets() -> Iterator[Market]:
    """Markets that move by 4 basis points a minute; their names say how many decimals prices have."""
    yield Market("equity, 2", "IBM", _walk(221.17, 2, volume=3000, volume_decimals=0))
    yield Market("equity, 4", "IBM", _walk(221.175, 4, volume=3000, volume_decimals=0))
    yield Market("pair, 5", "fx:EUR/USD", _walk(1.38681, 5, volume=None))
    yield Market("coin, 2", "crypto:BTC/USD", _walk(60123.12, 2, volume=3, volume_decimals=8))
    yield Market("coin, 8", "crypto:BTC/USD", _walk(60123.12345678, 8, volume=3, volume_decimals=8))


def _numbers(row: dict[str, str]) -> Ohlcv:
    open_, high, low, close = (float(row[name]) for name in ("open", "high", "low", "close"))
    return Ohlcv(open_, high, low, close, float(row["volume"]) if row["volume"] else None)


def _walk(price: float, decimals: int, *, volume: float | None, volume_decimals: int = 0) -> dict[str, Ohlcv]:
    chance = random.Random(20261120)
    start = datetime(2026, 11, 19, tzinfo=UTC)
    bars = {}
    for minute in range(BARS):
        open_ = price
        price = round(open_ * (1 + chance.gauss(0, 4e-4)), decimals)
        high = round(max(open_, price) * (1 + abs(chance.gauss(0, 2e-4))), decimals)
        low = round(min(open_, price) * (1 - abs(chance.gauss(0, 2e-4))), decimals)
        traded = volume and round(volume * chance.lognormvariate(0, 1.5), volume_decimals)
        bars[format_time(start + timedelta(minutes=minute))] = Ohlcv(open_, high, low, price, traded)
    return bars
