"""Alpaca's pages: the ends of the calendar."""

import pytest

from producer.providers.alpaca_pages import read_rows
from stockstream.errors import Reason

NUMBERS = {"o": 10.0, "h": 12.0, "l": 9.0, "c": 11.0, "v": 5}


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"])
def test_a_bar_of_the_calendars_first_or_last_year_is_refused(stamp: str) -> None:
    bars, (rejected,) = read_rows([{"t": stamp, **NUMBERS}])

    assert bars == {}
    assert rejected.reason is Reason.BAD_TIME


@pytest.mark.parametrize("stamp", ["0002-01-01T00:00:00Z", "9998-12-31T23:59:00Z"])
def test_a_bar_of_the_years_between_is_read(stamp: str) -> None:
    bars, rejected = read_rows([{"t": stamp, **NUMBERS}])

    assert list(bars) == [stamp]
    assert rejected == []
