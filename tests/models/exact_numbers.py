"""Contract 2, word by word, in exact arithmetic: fractions, and logarithms and roots to 60 digits.

These are the oracles of the document's numbers. Each is written by hand from the definition, and none imports
what it judges. Their names must be those of the table of fields: a test says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial
from itertools import pairwise

type Number = Fraction | Decimal | None
type Oracle = Callable[["Window"], Number]

DIGITS = 60


@dataclass(frozen=True)
class Window:
    """What one document is made of: the look-back and the bar itself, oldest first."""

    closes: Sequence[Fraction]
    typical: Sequence[Fraction]
    volume: Sequence[Fraction | None]
    true_ranges: Sequence[Fraction]


def make_oracles(sma: Sequence[int], ema: Sequence[int]) -> dict[str, Oracle]:
    """An oracle for each number that is worked out, by the field's name."""
    return {
        **{f"sma_{n}": partial(_mean_of_last, n) for n in sma},
        **{f"ema_{n}": partial(_ema_of_closes, n) for n in ema},
        "return_1": partial(_return, 1),
        "return_5": partial(_return, 5),
        "log_return_1": lambda window: _log_returns(window, 1)[-1] if len(window.closes) > 1 else None,
        "volatility_20": _volatility,
        "bollinger_upper_20": partial(_band, 2),
        "bollinger_lower_20": partial(_band, -2),
        "zscore_20": _zscore,
        "rsi_14": _rsi,
        "vwap_20": _vwap,
        "macd_12_26_9": _macd_line,
        "macd_signal_12_26_9": _macd_signal,
        "macd_histogram_12_26_9": _macd_histogram,
        "atr_14": _atr,
        "spike_20": _spike,
    }


def mean(values: Sequence[Fraction]) -> Fraction:
    """The arithmetic mean."""
    return sum(values, Fraction(0)) / len(values)


def smooth(values: Sequence[Fraction], seed: int, alpha: Fraction) -> list[Fraction]:
    """The exponential average at each value from the seed's last on; the seed is the mean of the first."""
    averages = [mean(values[:seed])]
    for value in values[seed:]:
        averages.append(averages[-1] + alpha * (value - averages[-1]))
    return averages


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _mean_of_last(n: int, window: Window) -> Number:
    return mean(window.closes[-n:]) if len(window.closes) >= n else None


def _ema_of_closes(n: int, window: Window) -> Number:
    return smooth(window.closes, n, Fraction(2, n + 1))[-1] if len(window.closes) >= n else None


def _return(bars: int, window: Window) -> Number:
    return window.closes[-1] / window.closes[-1 - bars] - 1 if len(window.closes) > bars else None


def _log_returns(window: Window, count: int) -> list[Decimal]:
    with localcontext(prec=DIGITS):
        return [_decimal(now / then).ln() for then, now in pairwise(window.closes[-count - 1 :])]


def _volatility(window: Window) -> Number:
    returns = _log_returns(window, 20)
    if len(returns) < 20:
        return None
    with localcontext(prec=DIGITS):
        middle = sum(returns, Decimal(0)) / 20
        return (sum(((each - middle) ** 2 for each in returns), Decimal(0)) / 19).sqrt()


def _deviation(last: Sequence[Fraction]) -> Decimal:
    with localcontext(prec=DIGITS):
        return _decimal(mean([(close - mean(last)) ** 2 for close in last])).sqrt()


def _band(deviations: int, window: Window) -> Number:
    last = window.closes[-20:]
    if len(last) < 20:
        return None
    with localcontext(prec=DIGITS):
        return _decimal(mean(last)) + deviations * _deviation(last)


def _zscore(window: Window) -> Number:
    last = window.closes[-20:]
    if len(last) < 20 or not _deviation(last):
        return None
    with localcontext(prec=DIGITS):
        return _decimal(last[-1] - mean(last)) / _deviation(last)


def _rsi(window: Window) -> Number:
    if len(window.closes) < 15:
        return None
    changes = [now - then for then, now in pairwise(window.closes)]
    gain = smooth([max(change, Fraction(0)) for change in changes], 14, Fraction(1, 14))[-1]
    loss = smooth([max(-change, Fraction(0)) for change in changes], 14, Fraction(1, 14))[-1]
    return 100 * gain / (gain + loss) if gain + loss else None


def _vwap(window: Window) -> Number:
    typical, volume = window.typical[-20:], window.volume[-20:]
    known = [each for each in volume if each is not None]
    if len(known) < 20 or not any(known):
        return None
    paid = [price * each for price, each in zip(typical, known, strict=True)]
    return mean(paid) / mean(known)


def _macd_lines(window: Window) -> list[Fraction]:
    """The fast average less the slow one, at each close from the 26th on."""
    if len(window.closes) < 26:
        return []
    fast = smooth(window.closes, 12, Fraction(2, 13))[14:]  # the first is at the 12th close
    slow = smooth(window.closes, 26, Fraction(2, 27))
    return [one - other for one, other in zip(fast, slow, strict=True)]


def _macd_line(window: Window) -> Number:
    lines = _macd_lines(window)
    return lines[-1] if lines else None


def _macd_signal(window: Window) -> Number:
    lines = _macd_lines(window)
    return smooth(lines, 9, Fraction(2, 10))[-1] if len(lines) >= 9 else None


def _macd_histogram(window: Window) -> Number:
    lines = _macd_lines(window)
    return lines[-1] - smooth(lines, 9, Fraction(2, 10))[-1] if len(lines) >= 9 else None


def _atr(window: Window) -> Number:
    return smooth(window.true_ranges, 14, Fraction(1, 14))[-1] if len(window.true_ranges) >= 14 else None


def _spike(window: Window) -> Number:
    if len(window.true_ranges) < 21:
        return None
    before = sorted(window.true_ranges[-21:-1])
    middle = mean(before[9:11])
    beyond = window.true_ranges[-1] - abs(window.closes[-1] - window.closes[-2])
    return beyond / middle if middle else None
