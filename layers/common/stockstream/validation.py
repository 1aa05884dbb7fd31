"""The rules of every bar, from a provider or in a stream record."""

import math

from stockstream.errors import Reason, RecordError


def check_prices(open_: float, high: float, low: float, close: float) -> None:
    """Refuses prices that are not finite and positive, or whose range does not hold the open and the close.

    Raises:
        RecordError: BAD_PRICE or HIGH_BELOW_LOW.
    """
    # One comparison for the good case; NaN fails it.
    if 0 < low <= open_ <= high < math.inf and low <= close <= high:
        return
    prices = {"open": open_, "high": high, "low": low, "close": close}
    for name, price in prices.items():
        if not 0 < price < math.inf:
            raise RecordError(Reason.BAD_PRICE, f"{name} is {price!r}, and must be a finite number above 0")
    if high < low:
        raise RecordError(Reason.HIGH_BELOW_LOW, f"high {high!r} is below low {low!r}")
    name = "close" if low <= open_ <= high else "open"
    raise RecordError(Reason.BAD_PRICE, f"{name} {prices[name]!r} lies outside low {low!r} to high {high!r}")


def check_volume(volume: float | None) -> None:
    """Refuses a volume that is neither None nor a finite number from 0.

    Raises:
        RecordError: BAD_VOLUME.
    """
    if volume is not None and not 0 <= volume < math.inf:
        raise RecordError(
            Reason.BAD_VOLUME, f"volume is {volume!r}, and must be null or a finite number from 0"
        )
