"""Backlogs: how many requests see the bars of a session's part, worked by hand."""

import pytest

from producer.planning.backlog import SessionPart


@pytest.mark.parametrize(
    ("bars", "closes", "requests"),
    [
        (0, True, 1),  # the last bar is asked for in any case
        (99, True, 1),
        (100, True, 1),  # after the close an answer's hundredth bar is no forming one
        (101, True, 2),
        (390, True, 4),
        (98, False, 0),  # the next day's first request sees them
        (99, False, 0),
        (100, False, 1),
        (1440, False, 14),
    ],
)
def test_a_part_takes_a_request_for_99_bars_and_a_hundredth_after_the_close(
    bars: int, *, closes: bool, requests: int
) -> None:
    assert SessionPart(bars, closes).requests(99) == requests
