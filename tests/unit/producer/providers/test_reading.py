"""What is read out of a provider's JSON."""

import pytest

from producer.providers.reading import read_numbers
from stockstream.errors import Reason, RecordError

PRICES = ("o", "h", "l", "c")


def test_a_whole_number_that_no_float_holds_is_no_price() -> None:
    with pytest.raises(RecordError) as refused:
        read_numbers({"o": 10, "h": 10**400, "l": 9, "c": 11}, PRICES, "v")
    assert refused.value.reason is Reason.BAD_PRICE
