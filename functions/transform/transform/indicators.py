"""The indicators of one bar, from the bar and its look-back alone.

Every function takes the values of a window, oldest first, the newest being the bar's own, and gives None
where the window is too short or a division by zero would be needed. An overflow gives an infinity or a NaN,
which the document's encoder writes as null.
"""

from functools import lru_cache
from itertools import pairwise
from math import fma, log, log1p, sqrt, sumprod

RSI_CHANGES = 14


def sma(closes: list[float], window: int) -> float | None:
    """The mean of the last closes."""
    # sum() compensates its rounding, so the mean is as good as its last digit.
    return sum(closes[-window:]) / window if len(closes) >= window else None


def ema(closes: list[float], window: int) -> float | None:
    """The exponential average with alpha = 2 / (window + 1), seeded with the mean of the first closes."""
    return sumprod(closes, _ema_weights(window, len(closes))) if len(closes) >= window else None


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


def rsi(closes: list[float]) -> float | None:
    """Wilder's relative strength index of 14 changes, from 0 to 100; None when nothing has changed."""
    if len(closes) <= RSI_CHANGES:
        return None
    gain = loss = 0.0
    before = closes[0]
    for close, weight in zip(closes, _rsi_weights(len(closes)), strict=True):
        if close > before:
            gain += (close - before) * weight
        elif close < before:
            loss += (before - close) * weight
        before = close
    return 100 * (gain / (gain + loss)) if gain or loss else None


def vwap(typical: list[float], volume: list[float | None], window: int) -> float | None:
    """The mean of the last typical prices by volume; None if a volume is not known or all are 0."""
    if len(typical) < window:
        return None
    volumes = [each for each in volume[-window:] if each is not None]
    traded = sum(volumes)
    return sumprod(typical[-window:], volumes) / traded if traded and len(volumes) == window else None


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

    The two products differ by little; fma gives their difference with all its digits, so that a steady trend
    shows the scatter that it has, and not that of rounding.
    """
    last_then, last_now = closes[-2:]
    try:
        deviations = [
            log1p((fma(now, last_then, -(steady := then * last_now)) + fma(-then, last_now, steady)) / steady)
            for then, now in pairwise(closes)
        ]
        if min(deviations) > -1:
            return deviations
    except (ArithmeticError, ValueError):
        pass  # a product is too large or too small for a float
    # log1p loses the digits of a crash, and logarithms lose those of small changes only.
    last = log(last_now) - log(last_then)
    return [log(now) - log(then) - last for then, now in pairwise(closes)]


# An average that forgets is a dot product, and its weights depend on the window's length alone.
# A stream needs one length once its look-backs are full.
@lru_cache(maxsize=512)
def _ema_weights(window: int, length: int) -> list[float]:
    alpha = 2 / (window + 1)
    kept = 1 - alpha
    seed = [kept ** (length - window) / window] * window
    return seed + [alpha * kept**age for age in range(length - window - 1, -1, -1)]


@lru_cache(maxsize=512)
def _rsi_weights(length: int) -> list[float]:
    kept = (RSI_CHANGES - 1) / RSI_CHANGES
    smoothed = length - 1 - RSI_CHANGES
    # The first close is no change.
    seed = [0.0] + [kept**smoothed / RSI_CHANGES] * RSI_CHANGES
    return seed + [kept**age / RSI_CHANGES for age in range(smoothed - 1, -1, -1)]
