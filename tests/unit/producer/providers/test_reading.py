"""What is read out of a provider's JSON."""

import pytest

from producer.providers.reading import read_numbers
from stockstream.errors import Reason, RecordError

PRICES = ("o", "h", "l", "c")


def test_a_whole_number_that_no_float_holds_is_no_price() -> None:
    with pytest.raises(RecordError) as refused:
        read_numbers({"o": 10, "h": 10**400, "l": 9, "c": 11}, PRICES, "v")
    assert refused.value.reason is Reason.BAD_PRICE


@pytest.mark.parametrize("fields", [{}, {"v": None}, {"v": ""}, {"v": "  "}], ids=str)
def test_a_volume_that_is_missing_or_blank_costs_the_volume_and_not_the_bar(
    fields: dict[str, object],
) -> None:
    numbers = read_numbers({"o": 10, "h": 12, "l": 9, "c": 11} | fields, PRICES, "v")

    assert numbers == (10.0, 12.0, 9.0, 11.0, None)


@pytest.mark.parametrize("volume", ["-", "n/a", True, []], ids=str)
def test_a_volume_that_is_no_number_is_an_error(volume: object) -> None:
    with pytest.raises(RecordError) as refused:
        read_numbers({"o": 10, "h": 12, "l": 9, "c": 11, "v": volume}, PRICES, "v")
    assert refused.value.reason is Reason.BAD_TYPE
