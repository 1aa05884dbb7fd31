"""Which bars are of a regular session in New York: some providers send those before and after, too."""

from datetime import UTC, datetime, timedelta

import exchange_calendars
import pandas as pd
import pytest

from stockstream.intervals import INTERVALS
from stockstream.sessions import is_traded
from stockstream.times import format_time, parse_time

# exchange_calendars asks pandas in a way that pandas will drop.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values:DeprecationWarning")


def in_session(open_time: str, interval: str) -> bool:
    opens = parse_time(open_time)
    return is_traded("XNYS", opens, opens + INTERVALS[interval])


@pytest.fixture(scope="module")
def calendar() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS", start="2024-01-01", end="2030-12-31")


@pytest.mark.parametrize(
    ("open_time", "is_regular"),
    [
        # An ordinary day in winter: 9:30 to 16:00 is 14:30 to 21:00 in UTC.
        ("2026-11-25T14:29:00Z", False),
        ("2026-11-25T14:30:00Z", True),
        ("2026-11-25T20:59:00Z", True),
        ("2026-11-25T21:00:00Z", False),
        # Thanksgiving, and the half day after it, which ends at 13:00.
        ("2026-11-26T16:00:00Z", False),
        ("2026-11-27T17:59:00Z", True),
        ("2026-11-27T18:00:00Z", False),
        ("2026-11-27T19:00:00Z", False),
        # A Saturday.
        ("2026-11-28T16:00:00Z", False),
        # The Friday before the clocks go forward in New York, and the Monday after.
        ("2026-03-06T14:30:00Z", True),
        ("2026-03-06T13:30:00Z", False),
        ("2026-03-09T13:30:00Z", True),
        ("2026-03-09T20:00:00Z", False),
    ],
)
def test_a_minute_is_regular_while_new_york_trades(open_time: str, is_regular: bool) -> None:  # noqa: FBT001
    assert is_regular == in_session(open_time, "1min")


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_bar_is_regular_if_a_part_of_it_is_around_every_half_day(
    calendar: exchange_calendars.ExchangeCalendar, interval: str
) -> None:
    width = INTERVALS[interval]
    checked = 0
    for half_day in calendar.early_closes:
        for day in pd.date_range(half_day - timedelta(days=2), half_day + timedelta(days=1), tz=UTC):
            sessions = calendar.sessions_in_range(day.date(), day.date())
            spans = [(calendar.session_open(each), calendar.session_close(each)) for each in sessions]
            start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            for bar in range(timedelta(hours=10) // width):
                opens = start + bar * width
                expected = any(opens < closes and opens + width > opened for opened, closes in spans)
                assert expected == in_session(format_time(opens), interval), opens
                checked += expected
    assert checked > 100


def test_every_half_day_that_is_known_ends_where_the_calendar_says(
    calendar: exchange_calendars.ExchangeCalendar,
) -> None:
    for half_day in calendar.early_closes:
        closes = calendar.session_close(half_day).to_pydatetime()
        assert in_session(format_time(closes - timedelta(minutes=1)), "1min"), half_day
        assert not in_session(format_time(closes), "1min"), half_day
