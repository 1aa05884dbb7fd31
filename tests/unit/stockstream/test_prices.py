"""The two prices that are worked out of a bar's own, against decimal arithmetic."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockstream.prices import true_range, typical_price


def test_the_typical_price_is_the_mean_of_high_low_and_close() -> None:
    assert typical_price(12.0, 9.0, 10.5) == 10.5
    assert typical_price(4.0, 1.0, 1.0) == 2.0


@pytest.mark.parametrize(
    ("high", "low", "before", "expected"),
    [
        (283.13, 283.0, 283.05, 0.13),  # within the bar
        (283.13, 283.0, 283.5, 0.5),  # down from the close before
        (283.13, 283.0, 282.1, 1.03),  # up from it
        (283.0, 283.0, 283.0, 0.0),
        (1e-10, 9.9e-11, 1e-10, 1e-12),
        (1e300, 1.0, 2.0, 1e300),
        # Of a price from 1 to 10 the twelfth decimal counts, and the thirteenth does not.
        (1.000000000001, 1.0, 1.0, 1e-12),
        (1.0000000000004, 1.0, 1.0, 0.0),
        # From 10 on it is the eleventh.
        (10.00000000001, 10.0, 10.0, 1e-11),
        (10.000000000004, 10.0, 10.0, 0.0),
        # Of one in the billions of thousands whole numbers count.
        (1e13 + 4, 1e13, 1e13, 4.0),
        (1e13 + 0.4, 1e13, 1e13, 0.0),
        # No decimal behind the twenty-second counts.
        (1.00000000005e-11, 1e-11, 1e-11, 5e-22),
        (1.000000000004e-11, 1e-11, 1e-11, 0.0),
    ],
)
def test_a_true_range_spans_the_bar_and_the_close_before(
    high: float, low: float, before: float, expected: float
) -> None:
    assert true_range(high, low, before) == pytest.approx(expected, rel=1e-9, abs=0)


PRICES = st.tuples(st.integers(1, 10**12), st.integers(0, 8)).map(
    lambda drawn: Decimal(drawn[0]).scaleb(-drawn[1])
)


@given(st.lists(PRICES, min_size=3, max_size=3))
def test_a_true_range_of_decimals_is_that_decimal_to_the_last_digit_that_a_price_can_have(
    prices: list[Decimal],
) -> None:
    before, *bar = prices
    exact = max(*bar, before) - min(*bar, before)
    # Thirteen digits of the greatest price.
    step = Decimal(1).scaleb(max(prices).adjusted() - 12)

    told = Decimal(repr(true_range(float(max(bar)), float(min(bar)), float(before))))

    assert abs(told - exact) <= step / 2


@given(st.lists(st.integers(1, 10**9), min_size=3, max_size=3), st.integers(0, 4))
def test_a_true_range_of_usual_prices_is_exact(cents: list[int], decimals: int) -> None:
    before, *bar = (Decimal(each).scaleb(-decimals) for each in cents)

    told = true_range(float(max(bar)), float(min(bar)), float(before))

    assert told == float(max(*bar, before) - min(*bar, before))
