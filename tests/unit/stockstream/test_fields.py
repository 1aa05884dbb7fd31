"""The table of fields, and the look-back that follows from it."""

import random
from typing import Any

import pytest

from stockstream import indicators
from stockstream.fields import SMOOTHED, Indicator, list_fields, list_indicators, lookback_lengths
from stockstream.windows import Windows


def test_the_lookback_of_the_default_windows_is_the_contracts() -> None:
    assert lookback_lengths(Windows()) == {"close": 199, "typical": 19, "volume": 19, "true_range": 198}


# Smoothed averages want 200 closes, whatever the windows are; a longer window wants more.
@pytest.mark.parametrize(
    ("windows", "closes"),
    [
        (Windows((5,), (12,)), 199),
        (Windows((201,), (12,)), 200),
        (Windows((5,), (300,)), 299),
        (Windows((1000,), (2,)), 999),
    ],
)
def test_the_longest_reach_decides_how_many_closes_are_sent(windows: Windows, closes: int) -> None:
    assert lookback_lengths(windows)["close"] == closes


def test_no_name_stands_there_twice() -> None:
    names = [field.name for field in list_fields(Windows())]
    assert len(names) == len(set(names))


def test_a_number_that_is_worked_out_says_when_it_is_null_and_what_it_is() -> None:
    for row in list_indicators(Windows()):
        for field in row.fields:
            assert field.is_number
            assert field.null, field.name
            assert field.words, field.name


@pytest.mark.parametrize("row", list_indicators(Windows()), ids=lambda row: row.fields[0].name)
def test_a_row_reaches_as_far_as_its_function_looks(row: Indicator) -> None:
    chance = random.Random(11)
    columns = [[chance.uniform(90, 110) for _ in range(300)] for _ in row.columns]

    def work_out(length: int) -> Any:
        return row.function(*(column[-length:] for column in columns), *row.arguments)

    # A smoothed average looks at all there is, and has forgotten what was before to a millionth of a price.
    smoothed = row.reach >= SMOOTHED - 1 and row.function is not indicators.sma
    assert work_out(row.reach) == pytest.approx(work_out(300), rel=1e-13, abs=1e-4 if smoothed else 0)
    assert smoothed or work_out(row.reach - 1) in {None, (None,) * len(row.fields)}
