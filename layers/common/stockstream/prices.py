"""Two prices that are worked out of a bar's own, wherever they are needed."""

from bisect import bisect_right

# A price has so many digits that count; what a subtraction of floats leaves behind them is noise.
PRICE_DIGITS = 13
# So many of them are decimals at the most, as a price of 1e-10 needs: powers of ten are exact up to this one.
_MOST_DECIMALS = 22
# By what a price is multiplied so that it is whole to its last digit: _SCALES[n] below _LIMITS[n].
_SCALES = [10.0**decimals for decimals in range(_MOST_DECIMALS, -1, -1)]
_LIMITS = [10.0 ** (PRICE_DIGITS - 1 - decimals) for decimals in range(_MOST_DECIMALS - 1, -1, -1)]


def typical_price(high: float, low: float, close: float) -> float:
    """The typical price of a bar: (high + low + close) / 3."""
    return (high + low + close) / 3


def true_range(high: float, low: float, close_before: float) -> float:
    """How far a bar's price ranged, the step from the close before it included.

    Providers send decimals. The difference is rounded to the last digit that such a price can have, so that
    0.13 is 0.13, and not 0.12999999999999545: that is nearer to the truth, and a third of the bytes.
    """
    # Not max and min: a look-back takes 199 of these.
    top = max(close_before, high)
    bottom = min(close_before, low)
    scale = _SCALES[bisect_right(_LIMITS, top)]
    return round((top - bottom) * scale) / scale
