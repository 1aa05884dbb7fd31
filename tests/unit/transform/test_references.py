"""A day's documents against TA-Lib over the whole history, as far as a look-back of 199 closes reaches it."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from stockstream.bars import Bar, Lookback
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.documents import enrich

# Recorded market data may lie beside the repository; its rights do not let it lie inside.
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "intraday"

type Prices = pd.DataFrame


def enrich_newest(prices: Prices, end: int) -> dict[str, Any]:
    """The document of one bar of a history, with the look-back that the producer would send."""
    window = prices.iloc[end - 199 : end + 1].astype(float)
    typical = (window["high"] + window["low"] + window["close"]) / 3
    open_, high, low, close, volume = map(
        float, window[["open", "high", "low", "close", "volume"]].to_numpy()[-1]
    )
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        open_, high, low, close, volume,
        "replay", "2026-11-20T21:00:05.123Z",
    )  # fmt: skip
    lookback = Lookback(
        window["close"].tolist()[:-1], typical.tolist()[-20:-1], window["volume"].tolist()[-20:-1]
    )
    document: dict[str, Any] = json.loads(enrich(encode_record(bar, lookback), None, Windows()))
    return document


def assert_like_talib(prices: Prices) -> None:
    close = prices["close"].to_numpy(dtype=float)
    upper, _, lower = talib.BBANDS(close, 20, 2, 2)
    exact = {f"sma_{n}": talib.SMA(close, n) for n in (5, 20, 50, 200)}
    exact |= {"bollinger_upper_20": upper, "bollinger_lower_20": lower}
    smoothed = {f"ema_{n}": talib.EMA(close, n) for n in (12, 26)} | {"rsi_14": talib.RSI(close, 14)}
    for end in np.linspace(400, len(close) - 1, 40, dtype=int):
        document = enrich_newest(prices, int(end))
        for name, history in exact.items():
            assert document[name] == pytest.approx(history[end], rel=1e-9), (name, end)
        for name, history in smoothed.items():
            assert document[name] == pytest.approx(history[end], rel=1e-5), (name, end)


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
