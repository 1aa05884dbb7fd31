"""The indicators of one bar, from the bar and its look-back alone.

Every function takes the values of a window, oldest first, the newest being the bar's own, and returns None
where the window is too short or a division by zero would be needed. An overflow becomes an infinity or a NaN,
which the document's encoder writes as null.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import fma, log, log1p, sqrt, sumprod

from stockstream.prices import true_range

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any


def sma(closes: list[float], window: int) -> float | None:
    """The mean of the last closes."""
    # sum() compensates its rounding, so the mean is as good as its last digit.
    return sum(closes[-window:]) / window if len(closes) >= window else None


def ema(closes: list[float], window: int) -> float | None:
    """The exponential average with alpha = 2 / (window + 1), seeded with the mean of the first closes."""
    return sumprod(closes, _ema_weights(window, len(closes))) if len(closes) >= window else None


def macd(
    closes: list[float], fast: int, slow: int, smoothing: int
) -> tuple[float | None, float | None, float | None]:
    """Moving average convergence/divergence: line, signal and histogram.

    The line is the fast exponential average less the slow one, from the first close at which both are there.
    The signal is the exponential average of the line, and the histogram is the line less the signal.
    """
    if len(closes) < slow:
        return None, None, None
    line = sumprod(closes, _macd_line_weights(fast, slow, len(closes)))
    if len(closes) < slow + smoothing - 1:
        return line, None, None
    signal = sumprod(closes, _macd_signal_weights(fast, slow, smoothing, len(closes)))
    return line, signal, line - signal


def simple_return(closes: list[float], bars: int) -> float | None:
    """The return on the close so many bars ago, as a fraction."""
    if len(closes) <= bars:
        return None
    now, then = closes[-1], closes[-1 - bars]
    # Not now / then - 1, which would lose the digits of a small return.
    return (now - then) / then


def log_return(closes: list[float]) -> float | None:
    """The natural logarithm of the newest close over the one before."""
    if len(closes) < 2:  # noqa: PLR2004 - a return takes two
        return None
    then, now = closes[-2:]
    # log1p keeps the digits of a small return, and loses those of a crash.
    return log1p((now - then) / then) if now * 2 >= then else log(now) - log(then)


def volatility(closes: list[float], returns: int) -> float | None:
    """The sample standard deviation of the last log returns, not annualised."""
    if len(closes) <= returns:
        return None
    deviations = _log_return_deviations(closes[-returns - 1 :])
    return sqrt(_scatter(deviations) / (returns - 1))


def bollinger(closes: list[float], window: int) -> tuple[float | None, float | None, float | None]:
    """The mean of the last closes plus and minus two population deviations, and the newest's z-score.

    Where nothing has moved the bands are the mean, and there is no z-score.
    """
    if len(closes) < window:
        return None, None, None
    last = closes[-window:]
    newest = last[-1]
    deviations = [close - newest for close in last]
    mean = sum(last) / window
    deviation = sqrt(_scatter(deviations) / window)
    # The newest close less the mean, without the cancellation of that subtraction.
    distance = -sum(deviations) / window
    return mean + 2 * deviation, mean - 2 * deviation, distance / deviation if deviation else None


def rsi(closes: list[float], window: int) -> float | None:
    """Wilder's relative strength index of so many changes, from 0 to 100; None when nothing has changed."""
    if len(closes) <= window:
        return None
    gain = loss = 0.0
    before = closes[0]
    for close, weight in zip(closes, _rsi_weights(window, len(closes)), strict=True):
        if close > before:
            gain += (close - before) * weight
        elif close < before:
            loss += (before - close) * weight
        before = close
    return 100 * (gain / (gain + loss)) if gain or loss else None


def vwap(typical: list[float], volume: list[Any], window: int) -> float | None:
    """The mean of the last typical prices by volume; None if a volume is not known or all are 0."""
    if len(typical) < window:
        return None
    volumes = volume[-window:]
    if None in volumes:
        return None
    traded = sum(volumes)
    return sumprod(typical[-window:], volumes) / traded if traded else None


def atr(true_ranges: list[float], window: int) -> float | None:
    """Wilder's average true range."""
    if len(true_ranges) < window:
        return None
    return sumprod(true_ranges, _wilder_weights(window, len(true_ranges)))


def spike(closes: list[float], true_ranges: list[float], window: int) -> float | None:
    """How far a bar ranged beyond its own step, in medians of so many true ranges before it.

    The step from the close before to the close is confirmed by the neighbouring bars. What the true range has
    beyond it only this bar shows: a price that was left again within it, or never traded. None where the
    median is 0.
    """
    if len(true_ranges) <= window:
        return None
    ranges = sorted(true_ranges[-1 - window : -1])
    median = (ranges[(window - 1) // 2] + ranges[window // 2]) / 2
    before, close = closes[-2:]
    # The step is rounded as the range is, so that a bar that only stepped has 0.
    return (true_ranges[-1] - true_range(close, close, before)) / median if median else None


def _scatter(deviations: list[float]) -> float:
    """The sum of the squared distances from the mean, given the distances from one of the values themselves.

    Since the reference is one of the n values, its own distance is part of the result, and the subtraction
    costs at most a factor n in precision. A sum of squares of the values themselves would lose all digits
    when they are nearly equal.
    """
    total = sum(deviations)
    # Never below 0 but by underflow, which sqrt would refuse.
    return max(sumprod(deviations, deviations) - total * total / len(deviations), 0.0)


def _log_return_deviations(closes: list[float]) -> list[float]:
    """How far each log return lies from the newest one.

    The returns of a steady trend differ in their last digits alone. fma computes the distance of a close from
    the trend with all digits, so that the result is the scatter of the closes, and not of our rounding.
    """
    growth = closes[-1] / closes[-2]
    try:
        deviations = [log1p(fma(-growth, then, now) / (growth * then)) for then, now in pairwise(closes)]
        if min(deviations) > -1:
            return deviations
    except (ArithmeticError, ValueError):
        pass  # a product is too large or too small for a float
    # log1p loses the digits of a crash, and logarithms lose those of small changes only.
    newest = log(closes[-1]) - log(closes[-2])
    return [log(now) - log(then) - newest for then, now in pairwise(closes)]


# An exponential average is a dot product, and so is an average of such averages. Their weights depend only on
# the window and the length, and a stream needs one length once its look-backs are full.
@lru_cache(maxsize=512)
def _ema_weights(window: int, length: int) -> list[float]:
    return _average_weights(window, 2 / (window + 1), length)


@lru_cache(maxsize=512)
def _wilder_weights(window: int, length: int) -> list[float]:
    return _average_weights(window, 1 / window, length)


@lru_cache(maxsize=512)
def _rsi_weights(window: int, length: int) -> list[float]:
    # The first close is no change.
    return [0.0, *_wilder_weights(window, length - 1)]


@lru_cache(maxsize=512)
def _macd_line_weights(fast: int, slow: int, length: int) -> list[float]:
    return _difference(_ema_weights(fast, length), _ema_weights(slow, length))


@lru_cache(maxsize=512)
def _macd_signal_weights(fast: int, slow: int, smoothing: int, length: int) -> list[float]:
    # How much each value of the line counts, and then each close by its part in all of them.
    line = [0.0] * (slow - 1) + _ema_weights(smoothing, length - slow + 1)
    return _difference(
        _weigh_values(line, fast, 2 / (fast + 1)),
        _weigh_values(line, slow, 2 / (slow + 1)),
    )


def _average_weights(window: int, alpha: float, length: int) -> list[float]:
    """How much each value counts in the newest exponential average, seeded with the mean of the first."""
    return _weigh_values([0.0] * (length - 1) + [1.0], window, alpha)


def _weigh_values(weights: list[float], window: int, alpha: float) -> list[float]:
    """How much each value counts in a weighted sum of its exponential averages.

    Args:
        weights: of the average at each position; before the seed there is none, and no weight is looked at.
        window: how many values the seed is the mean of.
        alpha: how much each later value counts in its own average.
    """
    counted, values = 0.0, []
    for weight in reversed(weights[window - 1 :]):
        # Its own weight, and what later averages take over of it.
        counted = weight + (1 - alpha) * counted
        values.append(alpha * counted)
    values[-1:] = [counted / window] * window
    return values[::-1]


def _difference(minuend: list[float], subtrahend: list[float]) -> list[float]:
    return [one - other for one, other in zip(minuend, subtrahend, strict=True)]
