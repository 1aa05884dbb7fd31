"""Alpaca's pages: the ends of the calendar, and what is kept of many."""

from datetime import UTC, datetime

import pytest

from producer.providers.alpaca_pages import Collected, Page, read_rows
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


@pytest.mark.parametrize(("minutes", "kept", "reaches_back"), [(2, [0, 1], True), (3, [1, 2], False)])
def test_where_no_bar_is_left_out_the_answer_reaches_back(
    minutes: int, kept: list[int], *, reaches_back: bool
) -> None:
    now = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
    times = [f"2026-11-20T15:0{minute}:00Z" for minute in range(minutes)]
    collected = Collected("1min", None, 2)

    collected.add(Page({"AAPL": [{"t": time, **NUMBERS} for time in times]}, None))
    answer = collected.answer("AAPL", now, now, None)

    assert list(answer.bars) == [times[minute] for minute in kept]
    assert answer.reaches_back == reaches_back
