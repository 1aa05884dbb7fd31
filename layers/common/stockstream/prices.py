"""Two prices that are worked out of a bar's own, wherever they are needed."""

from math import floor, log10

# A price has so many digits that count; what a subtraction of floats leaves behind them is noise.
PRICE_DIGITS = 13


def typical_price(high: float, low: float, close: float) -> float:
    """The typical price of a bar: (high + low + close) / 3."""
    return (high + low + close) / 3


def true_range(high: float, low: float, close_before: float) -> float:
    """How far a bar's price ranged, the step from the close before it included.

    Providers send decimals. The difference is rounded to the last digit that such a price can have, so that
    0.13 is 0.13, and not 0.12999999999999545: that is nearer to the truth, and a third of the bytes.
    """
    top, bottom = max(high, close_before), min(low, close_before)
    # Powers of ten are exact up to 22, which a price of 1e-10 needs.
    scale = 10.0 ** min(22, max(0, PRICE_DIGITS - 1 - floor(log10(top))))
    return round((top - bottom) * scale) / scale
