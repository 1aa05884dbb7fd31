"""A day's documents against TA-Lib over the whole history, as far as a look-back of 199 closes reaches it."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from stockstream.bars import Bar
from stockstream.fields import list_indicators
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.documents import enrich

WINDOWS = Windows()
# Recorded market data may lie beside the repository; its rights do not let it lie inside.
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "intraday"

type Prices = pd.DataFrame


def enrich_newest(prices: Prices, end: int) -> dict[str, Any]:
    """The document of one bar of a history, with the look-back that the producer would send."""
    window = prices.iloc[end - 199 : end + 1][["open", "high", "low", "close", "volume"]].astype(float)
    bars = [
        Bar(
            "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
            open_, high, low, close, volume, "replay", "2026-11-20T21:00:05.123Z",
        )
        for open_, high, low, close, volume in window.to_numpy().tolist()
    ]  # fmt: skip
    record = encode_record(bars[-1], Lookbacks(bars, WINDOWS).before(199))
    document: dict[str, Any] = json.loads(enrich(record, None, WINDOWS))
    return document


def references(prices: Prices) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each number over the whole history: what a look-back holds exactly, and what it holds nearly."""
    high, low, close, volume = (
        prices[name].to_numpy(dtype=float) for name in ("high", "low", "close", "volume")
    )
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    typical = talib.TYPPRICE(high, low, close)
    log_returns = pd.Series(np.log(close)).diff()
    ranges, steps = pd.Series(talib.TRANGE(high, low, close)), pd.Series(close).diff().abs()
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    exact = {f"sma_{n}": talib.SMA(close, n) for n in (5, 20, 50, 200)} | {
        "return_1": talib.ROCP(close, 1),
        "return_5": talib.ROCP(close, 5),
        "log_return_1": log_returns.to_numpy(),
        "volatility_20": log_returns.rolling(20).std().to_numpy(),
        "bollinger_upper_20": upper,
        "bollinger_lower_20": lower,
        "zscore_20": np.divide(
            close - middle, (upper - middle) / 2, out=np.full(len(close), np.nan), where=upper > middle
        ),
        "vwap_20": talib.SUM(typical * volume, 20) / talib.SUM(volume, 20),
        "spike_20": ((ranges - steps) / ranges.shift(1).rolling(20).median().replace(0, np.nan)).to_numpy(),
    }
    smoothed = {f"ema_{n}": talib.EMA(close, n) for n in (12, 26)} | {
        "rsi_14": talib.RSI(close, 14),
        "macd_12_26_9": line,
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": histogram,
        "atr_14": talib.ATR(high, low, close, 14),
    }
    return exact, smoothed


def assert_like_talib(prices: Prices) -> None:
    exact, smoothed = references(prices)
    assert exact.keys() | smoothed.keys() == {
        field.name for row in list_indicators(WINDOWS) for field in row.fields
    }
    for end in np.linspace(400, len(prices) - 1, 40, dtype=int):
        document = enrich_newest(prices, int(end))
        close = document["close"]
        for name, history in exact.items():
            if np.isnan(history[end]):
                assert document[name] is None, (name, end)
                continue
            # Returns lose digits in the reference's subtraction.
            assert document[name] == pytest.approx(history[end], rel=1e-9, abs=1e-9), (name, end)
        for name, history in smoothed.items():
            # An average over the whole history remembers what a look-back has forgotten. A difference of two
            # averages is small beside them, and as good as they are.
            near_zero = 1e-7 * close if name.startswith("macd") else 0
            assert document[name] == pytest.approx(history[end], rel=1e-5, abs=near_zero), (name, end)


def test_a_generated_market_is_as_talib_says() -> None:
    chance = random.Random(3)
    price, rows = 276.0, []
    for _ in range(3_000):
        each = [price := round(price * (1 + chance.gauss(0, 0.001)), 4) for _ in range(4)]
        rows.append((each[0], max(each), min(each), each[-1], chance.randrange(90_000)))
    assert_like_talib(pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"]))


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded market data is not here")
@pytest.mark.parametrize("name", ["equity_usa_minute_bac_NewYorkTime", "equity_usa_minute_spy_NewYorkTime"])
def test_a_recorded_market_is_as_talib_says(name: str) -> None:
    assert_like_talib(pd.read_csv(RECORDED / f"{name}.csv", index_col="timestamp"))
