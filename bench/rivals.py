"""Other ways to do the transform's work, each with the same codec and without the transform's checks.

Each takes the records of an event and gives the entries of the answer. They hold the fields of contract 2 for
records with a full look-back, and none of its limits.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pybase64
import talib

type Records = list[dict[str, Any]]
type Entries = list[dict[str, str]]

SMA, EMA, WINDOW, WILDER = (5, 20, 50, 200), (12, 26), 20, 14
FAST, SLOW, SIGNAL = 12, 26, 9


def make_codec(answer: Entries) -> Callable[[Records], Entries]:
    """The floor: records decoded, the documents of their answer encoded, and nothing computed."""
    ready = list(documents(answer))

    def codec(records: Records) -> Entries:
        bars = map(_decode, records)
        return [_accept(record, document) for record, document, _ in zip(records, ready, bars, strict=True)]

    return codec


def with_pandas(records: Records) -> Entries:
    """As one would write it in a notebook."""
    return [_accept(record, _enrich_with_pandas(_decode(record))) for record in records]


def with_talib(records: Records) -> Entries:
    """TA-Lib for what it has, NumPy for the rest, record by record."""
    return [_accept(record, _enrich_with_talib(_decode(record))) for record in records]


def with_numpy(records: Records) -> Entries:
    """One matrix of closes for the whole batch."""
    bars = [_decode(record) for record in records]
    columns = _enrich_with_numpy(bars)
    names = list(columns)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        _accept(record, _document(bar, dict(zip(names, row, strict=True))))
        for record, bar, row in zip(records, bars, rows, strict=True)
    ]


def with_numpy_chunks(records: Records) -> Entries:
    """The same with matrices of 64 records, which stay in the processor's cache."""
    return [
        entry for start in range(0, len(records), 64) for entry in with_numpy(records[start : start + 64])
    ]


def _decode(record: dict[str, Any]) -> dict[str, Any]:
    bar: dict[str, Any] = orjson.loads(pybase64.b64decode(record["data"], validate=True))
    return bar


def _accept(record: dict[str, Any], document: dict[str, Any]) -> dict[str, str]:
    line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    return {"recordId": record["recordId"], "result": "Ok", "data": pybase64.b64encode_as_string(line)}


def _document(bar: dict[str, Any], indicators: dict[str, float]) -> dict[str, Any]:
    lookback = bar.pop("lookback")
    return bar | {"lookback_bars": len(lookback["close"])} | indicators


def _enrich_with_pandas(bar: dict[str, Any]) -> dict[str, Any]:
    lookback = bar["lookback"]
    close = pd.Series([*lookback["close"], bar["close"]])
    typical = pd.Series([*lookback["typical"], (bar["high"] + bar["low"] + bar["close"]) / 3])
    volume = pd.Series([*lookback["volume"], bar["volume"]])
    change = close.diff().iloc[1:]
    returns = pd.Series(np.log(close / close.shift()))
    mean, deviation = close.rolling(WINDOW).mean().iloc[-1], close.rolling(WINDOW).std(ddof=0).iloc[-1]
    gain = _smooth_with_pandas(change.clip(lower=0), WILDER, 1 / WILDER)
    loss = _smooth_with_pandas(-change.clip(upper=0), WILDER, 1 / WILDER)
    fast, slow = (_averages_with_pandas(close, window, 2 / (window + 1)) for window in (FAST, SLOW))
    lines = fast.iloc[SLOW - FAST :].reset_index(drop=True) - slow
    signal = _smooth_with_pandas(lines, SIGNAL, 2 / (SIGNAL + 1))
    ranges = pd.Series([*lookback["true_range"], _true_range(bar)])
    indicators = {f"sma_{window}": close.rolling(window).mean().iloc[-1] for window in SMA}
    indicators |= {f"ema_{window}": _smooth_with_pandas(close, window, 2 / (window + 1)) for window in EMA}
    indicators |= {
        "return_1": close.pct_change(1).iloc[-1],
        "return_5": close.pct_change(5).iloc[-1],
        "log_return_1": returns.iloc[-1],
        "volatility_20": returns.rolling(WINDOW).std().iloc[-1],
        "bollinger_upper_20": mean + 2 * deviation,
        "bollinger_lower_20": mean - 2 * deviation,
        "zscore_20": (close.iloc[-1] - mean) / deviation,
        "rsi_14": 100 * gain / (gain + loss),
        "vwap_20": (typical * volume).sum() / volume.sum(),
        "macd_12_26_9": lines.iloc[-1],
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": lines.iloc[-1] - signal,
        "atr_14": _smooth_with_pandas(ranges, WILDER, 1 / WILDER),
        "spike_20": (ranges.iloc[-1] - abs(change.iloc[-1])) / ranges.iloc[-WINDOW - 1 : -1].median(),
    }
    return _document(bar, {name: float(value) for name, value in indicators.items()})


def _averages_with_pandas(values: pd.Series, seed: int, alpha: float) -> pd.Series:
    seeded = pd.concat([pd.Series([values.iloc[:seed].mean()]), values.iloc[seed:]])
    averages: pd.Series = seeded.ewm(alpha=alpha, adjust=False).mean()
    return averages.reset_index(drop=True)


def _smooth_with_pandas(values: pd.Series, seed: int, alpha: float) -> float:
    return float(_averages_with_pandas(values, seed, alpha).iloc[-1])


def _true_range(bar: dict[str, Any]) -> float:
    before = bar["lookback"]["close"][-1]
    return float(max(bar["high"], before) - min(bar["low"], before))


def _enrich_with_talib(bar: dict[str, Any]) -> dict[str, Any]:
    lookback = bar["lookback"]
    close = np.array([*lookback["close"], bar["close"]])
    typical = np.array([*lookback["typical"], (bar["high"] + bar["low"] + bar["close"]) / 3])
    volume = np.array([*lookback["volume"], bar["volume"]])
    upper, mean, lower = talib.BBANDS(close, WINDOW, 2, 2)
    deviation = (upper[-1] - mean[-1]) / 2
    line, signal, histogram = talib.MACD(close, FAST, SLOW, SIGNAL)
    # The first is that of a bar before, which TA-Lib does not count.
    ranges = np.array([0.0, *lookback["true_range"], _true_range(bar)])
    returns = np.diff(np.log(close[-WINDOW - 1 :]))
    indicators = {f"sma_{window}": talib.SMA(close, window)[-1] for window in SMA}
    indicators |= {f"ema_{window}": talib.EMA(close, window)[-1] for window in EMA}
    indicators |= {
        "return_1": talib.ROCP(close, 1)[-1],
        "return_5": talib.ROCP(close, 5)[-1],
        "log_return_1": returns[-1],
        "volatility_20": returns.std(ddof=1),
        "bollinger_upper_20": upper[-1],
        "bollinger_lower_20": lower[-1],
        "zscore_20": (close[-1] - mean[-1]) / deviation,
        "rsi_14": talib.RSI(close, WILDER)[-1],
        "vwap_20": typical @ volume / volume.sum(),
        "macd_12_26_9": line[-1],
        "macd_signal_12_26_9": signal[-1],
        "macd_histogram_12_26_9": histogram[-1],
        # TA-Lib has no Wilder's average of ranges that are given; as a high above a low of 0 they are one.
        "atr_14": talib.ATR(ranges, np.zeros(len(ranges)), np.zeros(len(ranges)), WILDER)[-1],
        "spike_20": (ranges[-1] - abs(close[-1] - close[-2])) / np.median(ranges[-WINDOW - 1 : -1]),
    }
    return _document(bar, {name: float(value) for name, value in indicators.items()})


def _enrich_with_numpy(bars: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    close = np.array([[*bar["lookback"]["close"], bar["close"]] for bar in bars])
    typical = np.array(
        [[*bar["lookback"]["typical"], (bar["high"] + bar["low"] + bar["close"]) / 3] for bar in bars]
    )
    volume = np.array([[*bar["lookback"]["volume"], bar["volume"]] for bar in bars])
    newest, last = close[:, -1], close[:, -WINDOW:]
    mean, deviation = last.mean(axis=1), last.std(axis=1)
    returns = np.diff(np.log(close[:, -WINDOW - 1 :]), axis=1)
    change = np.diff(close, axis=1)
    weights = _weights(WILDER, 1 / WILDER, change.shape[1])
    gain, moved = np.maximum(change, 0) @ weights, np.abs(change) @ weights
    ranges = np.array([[*bar["lookback"]["true_range"], _true_range(bar)] for bar in bars])
    lines = close @ _macd_weights(close.shape[1])
    signal = lines @ _weights(SIGNAL, 2 / (SIGNAL + 1), lines.shape[1])
    columns = {f"sma_{window}": close[:, -window:].mean(axis=1) for window in SMA}
    columns |= {f"ema_{n}": close @ _weights(n, 2 / (n + 1), close.shape[1]) for n in EMA}
    return columns | {
        "return_1": newest / close[:, -2] - 1,
        "return_5": newest / close[:, -6] - 1,
        "log_return_1": returns[:, -1],
        "volatility_20": returns.std(axis=1, ddof=1),
        "bollinger_upper_20": mean + 2 * deviation,
        "bollinger_lower_20": mean - 2 * deviation,
        "zscore_20": (newest - mean) / deviation,
        "rsi_14": 100 * gain / moved,
        "vwap_20": (typical * volume).sum(axis=1) / volume.sum(axis=1),
        "macd_12_26_9": lines[:, -1],
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": lines[:, -1] - signal,
        "atr_14": ranges @ _weights(WILDER, 1 / WILDER, ranges.shape[1]),
        "spike_20": (ranges[:, -1] - np.abs(change[:, -1])) / np.median(ranges[:, -WINDOW - 1 : -1], axis=1),
    }


def _weights(seed: int, alpha: float, length: int) -> np.ndarray:
    weights = alpha * (1 - alpha) ** np.arange(length - 1, -1, -1)
    weights[:seed] = (1 - alpha) ** (length - seed) / seed
    return weights


@cache
def _macd_weights(length: int) -> np.ndarray:
    """A column of weights for each close from the slow seed on: what the line there takes of each close."""
    columns = []
    for count in range(SLOW, length + 1):
        column = np.zeros(length)
        column[:count] = _weights(FAST, 2 / (FAST + 1), count) - _weights(SLOW, 2 / (SLOW + 1), count)
        columns.append(column)
    return np.array(columns).T


def documents(entries: Entries) -> Iterator[dict[str, Any]]:
    """The documents of an answer."""
    for entry in entries:
        yield orjson.loads(pybase64.b64decode(entry["data"]))


RIVALS: dict[str, Callable[[Records], Entries]] = {
    "TA-Lib": with_talib,
    "pandas": with_pandas,
    "NumPy, whole batch": with_numpy,
    "NumPy, chunks of 64": with_numpy_chunks,
}
