"""The rules of a bar's numbers."""

import math

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.validation import check_prices, check_volume


def refusal(*prices: float) -> tuple[Reason, str]:
    with pytest.raises(RecordError) as caught:
        check_prices(*prices)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize(
    "prices", [(1.0, 1.0, 1.0, 1.0), (2.0, 3.0, 1.0, 1.0), (1.0, 3.0, 1.0, 3.0), (5e-324, 1e308, 5e-324, 1.0)]
)
def test_takes_prices_within_their_range(prices: tuple[float, float, float, float]) -> None:
    check_prices(*prices)


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_refuses_a_price_that_is_not_finite_and_above_0(position: int, price: float) -> None:
    prices = [2.0, 3.0, 1.0, 2.0]
    prices[position] = price
    reason, text = refusal(*prices)
    assert reason == Reason.BAD_PRICE
    assert ("open", "high", "low", "close")[position] in text


def test_refuses_a_high_below_the_low() -> None:
    assert refusal(2.0, 1.0, 3.0, 2.0)[0] == Reason.HIGH_BELOW_LOW


@pytest.mark.parametrize(
    ("prices", "name"),
    [
        ((4.0, 3.0, 1.0, 2.0), "open"),
        ((2.0, 1.0, 1.0, 1.0), "open"),
        ((1.0, 3.0, 1.0, 4.0), "close"),
        ((3.0, 3.0, 1.0, 4.0), "close"),
        ((0.5, 3.0, 1.0, 2.0), "open"),
        ((2.0, 3.0, 1.0, 4.0), "close"),
        ((2.0, 3.0, 1.0, 0.5), "close"),
    ],
)
def test_refuses_an_open_or_close_outside_the_range(
    prices: tuple[float, float, float, float], name: str
) -> None:
    reason, text = refusal(*prices)
    assert reason == Reason.BAD_PRICE
    assert f"{name} " in text


@pytest.mark.parametrize("volume", [None, 0.0, -0.0, 1e12])
def test_takes_a_volume_from_0(volume: float | None) -> None:
    check_volume(volume)


@pytest.mark.parametrize("volume", [-1.0, math.nan, math.inf])
def test_refuses_a_volume_that_cannot_be(volume: float) -> None:
    with pytest.raises(RecordError) as caught:
        check_volume(volume)
    assert caught.value.reason == Reason.BAD_VOLUME
