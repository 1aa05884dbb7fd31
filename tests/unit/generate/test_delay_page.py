"""How long a bar takes in AWS, counted from the template; worked out by hand."""

import pytest

from stockstream_generate.delay_page import (
    expected_delays,
    gathering_seconds,
    schedule_seconds,
    waits_for_file,
)
from stockstream_generate.template_file import read_template

TEMPLATE = read_template()


def test_the_schedule_and_the_first_buffer_are_those_of_the_template() -> None:
    assert schedule_seconds(TEMPLATE) == 60
    assert [gathering_seconds(TEMPLATE, buffer) for buffer in (0, 1, 60)] == [0, 10, 10]


@pytest.mark.parametrize(
    ("buffer", "waits"),
    # A file is begun by a run's bars, and takes those of the runs that follow until it is written.
    [(0, [0]), (10, [10]), (60, [60]), (61, [61, 1]), (300, [300, 240, 180, 120, 60])],
)
def test_the_bars_of_some_runs_wait_in_one_file(buffer: int, waits: list[int]) -> None:
    assert waits_for_file(buffer, 60) == waits


@pytest.mark.parametrize(
    ("buffer", "gathered", "half", "most"),
    [
        # The wait for a run is anything from 0 to 60 s, and that for Firehose's reading from 0 to 1 s; the
        # rest is an answer of 0.3 s, a put of 0.2, a call of 0.3 and a file of 2.
        (0, 0, 30.5, 60.0),
        (60, 10 + 60, 30.5, 60.0),
    ],
)
def test_what_each_stage_takes_adds_up(buffer: int, gathered: int, half: float, most: float) -> None:
    fixed = 0.3 + 0.2 + gathered + 0.3 + 2

    assert expected_delays(TEMPLATE, buffer) == pytest.approx((fixed + half, fixed + most), abs=0.4)
