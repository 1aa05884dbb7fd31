"""What a comparison of closes finds."""

from datetime import UTC, datetime

import pytest

from stockstream_deploy.cross_check import CrossCheck, Pair, cross_check


def at(minute: int) -> datetime:
    return datetime(2026, 11, 20, 14, minute, tzinfo=UTC)


def closes(**minutes: float) -> dict[datetime, float]:
    """By minute, as `m31=100.0`."""
    return {at(int(name[1:])): close for name, close in minutes.items()}


def test_a_close_differs_where_it_is_more_than_so_many_percent_away() -> None:
    here = closes(m30=100.0, m31=100.0, m32=100.0, m33=200.0)
    there = closes(m30=100.5, m31=100.51, m32=99.49, m33=199.01)

    found = cross_check(here, there, 0.5)

    assert found.compared == 4
    assert [pair.open_time for pair in found.differing] == [at(31), at(32)]
    # 51 cents of 100, up and down
    assert [pair.percent for pair in found.differing] == pytest.approx([0.51, -0.51])


def test_bars_that_one_of_them_lacks_are_missing_between_those_that_both_could_have() -> None:
    here = closes(m30=1, m31=1, m33=1, m35=1)
    there = closes(m31=1, m32=1, m33=1, m34=1, m35=1, m36=1)

    # 14:30 is before the other's first bar, 14:36 after the lake's newest.
    assert cross_check(here, there, 0.5) == CrossCheck(3, [], [at(32), at(34)], [])
    assert cross_check(there, here, 0.5) == CrossCheck(3, [], [], [at(32), at(34)])


def test_a_difference_of_nothing_is_allowed_to_equal_closes_alone() -> None:
    found = cross_check(closes(m30=1.5, m31=1.5), closes(m30=1.5, m31=1.6), 0)

    assert found.differing == [Pair(at(31), 1.5, 1.6)]


@pytest.mark.parametrize(("here", "there"), [({}, closes(m30=1)), (closes(m30=1), {}), ({}, {})])
def test_nothing_is_compared_with_nothing(here: dict[datetime, float], there: dict[datetime, float]) -> None:
    assert cross_check(here, there, 0.5).compared == 0
