"""A second opinion on every number: plain Python over the market's own bars, and nothing of the pipeline."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from statistics import fmean, pstdev, stdev

from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument, parse_instrument
from stockstream.times import format_time, parse_instant
from stockstream.windows import Windows
from stockstream_local.alphavantage import asked_count, asked_instrument
from stockstream_local.lake import Document
from stockstream_local.market import MarketBar
from stockstream_local.replay_market import ReplayMarket, Request

WINDOWS = Windows()
# Bars that a document may be old, and its look-back: what the market is asked for again.
BARS_ASKED_AGAIN = 600
BAND = 20
RSI = 14

type Numbers = dict[str, float | None]


def expected_numbers(bars: Sequence[MarketBar]) -> Numbers:
    """What a document must hold about the last of these bars, by the definitions of the contract.

    Args:
        bars: its look-back and itself, oldest first.
    """
    closes = [bar.close for bar in bars]
    numbers: Numbers = {"lookback_bars": len(bars) - 1}
    bar = bars[-1]
    numbers |= {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
    numbers |= {f"sma_{n}": fmean(closes[-n:]) if len(closes) >= n else None for n in WINDOWS.sma}
    numbers |= {f"ema_{n}": _ema(closes, n) for n in WINDOWS.ema}
    numbers |= {f"return_{k}": closes[-1] / closes[-1 - k] - 1 if len(closes) > k else None for k in (1, 5)}
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    numbers["log_return_1"] = returns[-1] if returns else None
    numbers["volatility_20"] = stdev(returns[-BAND:]) if len(returns) >= BAND else None
    numbers |= _bollinger(closes[-BAND:])
    numbers["rsi_14"] = _rsi(closes)
    numbers["vwap_20"] = _vwap(bars[-BAND:])
    return numbers


def _ema(closes: Sequence[float], n: int) -> float | None:
    if len(closes) < n:
        return None
    average = fmean(closes[:n])
    for close in closes[n:]:
        average += 2 / (n + 1) * (close - average)
    return average


def _bollinger(closes: Sequence[float]) -> Numbers:
    names = ("bollinger_upper_20", "bollinger_lower_20", "zscore_20")
    if len(closes) < BAND:
        return dict.fromkeys(names)
    mean, deviation = fmean(closes), pstdev(closes)
    zscore = (closes[-1] - mean) / deviation if deviation else None
    return dict(zip(names, (mean + 2 * deviation, mean - 2 * deviation, zscore), strict=True))


def _rsi(closes: Sequence[float]) -> float | None:
    changes = [after - before for before, after in pairwise(closes)]
    if len(changes) < RSI:
        return None
    gain = fmean(max(change, 0) for change in changes[:RSI])
    loss = fmean(max(-change, 0) for change in changes[:RSI])
    for change in changes[RSI:]:
        gain = (gain * (RSI - 1) + max(change, 0)) / RSI
        loss = (loss * (RSI - 1) + max(-change, 0)) / RSI
    return 100 * gain / (gain + loss) if gain + loss else None


def _vwap(bars: Sequence[MarketBar]) -> float | None:
    volumes = [bar.volume for bar in bars if bar.volume is not None]
    if len(volumes) < BAND or not sum(volumes):
        return None
    return math.sumprod([(bar.high + bar.low + bar.close) / 3 for bar in bars], volumes) / sum(volumes)


class Checker:
    """Compares documents with what the market had answered when each was made.

    Args:
        market: the running market, which remembers when it was asked.
        interval: of the bars, a key of INTERVALS.
        api_key: what the pipeline asks with; other people's questions do not count.
    """

    def __init__(self, market: ReplayMarket, interval: str, api_key: str) -> None:
        self._market = market
        self._interval = interval
        self._api_key = api_key
        self._shown = lru_cache(maxsize=32)(self._ask_again)

    def find_fault(self, document: Document) -> str | None:
        """What is wrong with a document, for a person; None if every number is right."""
        name = document["instrument"]
        requests = self._requests(parse_instrument(name))
        if not requests:
            return f"{document['id']}: the market was never asked for {name}"
        known_at = parse_instant(document["as_of"])
        request = min(requests, key=lambda each: abs(each.moment - known_at))
        shown = self._shown(name, request.moment, BARS_ASKED_AGAIN)
        position = next(
            (i for i, bar in enumerate(shown) if format_time(bar.open_time) == document["open_time"]), None
        )
        if position is None:
            return f"{document['id']}: the market had shown no such bar at {document['as_of']}"
        if shown[position].open_time + INTERVALS[self._interval] > request.moment:
            return f"{document['id']}: the bar was still forming at {document['as_of']}"
        first = self._shown(name, requests[0].moment, asked_count(requests[0].parameters))[0].open_time
        window = [bar for bar in shown[: position + 1] if bar.open_time >= first]
        expected = expected_numbers(window[-1 - WINDOWS.lookback_closes :])
        wrong = [
            f"{field} is {document.get(field)!r} and not {number!r}"
            for field, number in expected.items()
            if not _is_same(document.get(field), number)
        ]
        return f"{document['id']}: {'; '.join(wrong)}" if wrong else None

    def _requests(self, instrument: Instrument) -> list[Request]:
        return [
            each
            for each in self._market.requests
            if each.parameters.get("apikey") == self._api_key
            and asked_instrument(each.parameters) == instrument
        ]

    def _ask_again(self, name: str, moment: datetime, count: int) -> list[MarketBar]:
        return self._market.source.bars_at(parse_instrument(name), self._interval, moment, count)


def _is_same(told: object, expected: float | None) -> bool:
    if told is None or expected is None:
        return told is expected
    return isinstance(told, int | float) and math.isclose(told, expected, rel_tol=1e-9, abs_tol=1e-11)
