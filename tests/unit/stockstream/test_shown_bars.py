"""Bars as providers show them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.shown_bars import check_begin, read_local_time, read_numbers

NEW_YORK = ZoneInfo("America/New_York")
PRICES = {"o": "10", "h": "12", "l": "9", "c": "11"}


@pytest.mark.parametrize(
    ("volume", "read"), [({}, None), ({"v": " "}, None), ({"v": "1234.0"}, 1234.0), ({"v": 0.53}, 0.53)]
)
def test_a_blank_volume_is_none(volume: dict[str, object], read: float | None) -> None:
    assert read_numbers(PRICES | volume, ("o", "h", "l", "c"), "v") == (10.0, 12.0, 9.0, 11.0, read)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([1, 2, 3, 4], Reason.BAD_TYPE),
        ({"o": "10", "h": "12", "l": "9"}, Reason.MISSING_FIELD),
        (PRICES | {"c": "0"}, Reason.BAD_PRICE),
        (PRICES | {"h": "8"}, Reason.HIGH_BELOW_LOW),
        (PRICES | {"v": "-1"}, Reason.BAD_VOLUME),
    ],
)
def test_a_bar_that_breaks_a_rule_is_refused_by_its_reason(fields: object, reason: Reason) -> None:
    with pytest.raises(RecordError) as raised:
        read_numbers(fields, ("o", "h", "l", "c"), "v")

    assert raised.value.reason == reason


def test_a_local_time_is_that_of_the_season() -> None:
    summer, winter = (read_local_time(f"2026-{month}-01 09:30:00", NEW_YORK) for month in ("07", "12"))

    assert (summer, winter) == (
        datetime(2026, 7, 1, 13, 30, tzinfo=UTC),
        datetime(2026, 12, 1, 14, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "stamp", ["2026-03-08 02:30:00", "2026-02-30 09:30:00", "2026-11-20T09:30:00", "now"]
)
def test_a_time_that_there_is_not_is_refused(stamp: str) -> None:
    with pytest.raises(RecordError, match=f"BAD_TIME: {stamp} is no time"):
        read_local_time(stamp, NEW_YORK)


@pytest.mark.parametrize(
    ("open_time", "minutes", "grid"),
    [
        ("2026-11-20T15:00:00Z", 1, {0}),
        ("2026-11-20T15:30:00Z", 60, {0, 30}),
        ("2000-01-01T00:00:00Z", 1, {0}),
    ],
)
def test_a_bar_begins_on_its_grid(open_time: str, minutes: int, grid: set[int]) -> None:
    check_begin(open_time, timedelta(minutes=minutes), frozenset(grid))


@pytest.mark.parametrize(
    ("open_time", "minutes", "grid"),
    [
        ("2026-11-20T15:00:37Z", 1, {0}),
        ("2026-11-20T15:53:00Z", 5, {0}),
        ("2026-11-20T15:15:00Z", 60, {0, 30}),
        ("2026-11-20T15:10:00Z", 60, {0, 30}),
        ("1999-12-31T15:30:00Z", 60, {0, 30}),
    ],
)
def test_no_bar_begins_between_two_others_or_before_there_were_any(
    open_time: str, minutes: int, grid: set[int]
) -> None:
    with pytest.raises(RecordError, match="BAD_TIME"):
        check_begin(open_time, timedelta(minutes=minutes), frozenset(grid))


def test_says_before_which_day_there_are_no_bars() -> None:
    with pytest.raises(RecordError, match=r"no provider has bars of the time before 2000-01-01$"):
        check_begin("1970-01-01T00:00:00Z", timedelta(minutes=1), frozenset({0}))
