"""Reading what others wrote."""

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.reading import read_number, shorten


@pytest.mark.parametrize(
    ("value", "number"), [("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0), (7, 7.0), (0.25, 0.25)]
)
def test_a_number_may_be_a_text(value: object, number: float) -> None:
    assert read_number(value, "close") == number


@pytest.mark.parametrize("value", ["", "nan", "1_1", "1,5", "٣", " 1", True, None, [1]], ids=repr)
def test_what_merely_resembles_a_number_is_none(value: object) -> None:
    with pytest.raises(RecordError, match=r"close is .*, and must be a number") as refused:
        read_number(value, "close")

    assert refused.value.reason is Reason.BAD_TYPE


def test_a_message_quotes_three_hundred_characters() -> None:
    assert shorten("x" * 1_000) == "x" * 300
