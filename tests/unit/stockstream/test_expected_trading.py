"""When bars are expected, against CME's calendar and worked out by hand."""

from datetime import UTC, date, datetime, timedelta

import exchange_calendars
import pytest

from stockstream.expected_trading import expected_since, expected_time

# exchange_calendars 4.13 meets pandas 3.1 with a call that pandas 4 will answer otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values:DeprecationWarning")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_holidays_of_currencies_are_days_on_which_their_futures_are_not_traded() -> None:
    globex = exchange_calendars.get_calendar("CMES", start="2023-12-01", end="2026-12-31")
    weekdays = [date(year, *day) for year in (2024, 2025, 2026) for day in ((1, 1), (12, 25))]

    for day in weekdays:
        assert not globex.is_session(day.isoformat())
        noon = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
        assert expected_since("currencies", noon) is None


def test_on_christmas_eve_currencies_end_when_their_futures_do() -> None:
    globex = exchange_calendars.get_calendar("CMES", start="2023-12-01", end="2026-12-31")

    for year in (2024, 2025, 2026):
        closes = globex.session_close(f"{year}-12-24").to_pydatetime()
        assert expected_since("currencies", closes - timedelta(minutes=1)) is not None
        assert expected_since("currencies", closes) is None


@pytest.mark.parametrize(
    ("now", "since"),
    [
        # 2025-12-25 is a Thursday, and New York is at UTC-5.
        # Noon in Chicago is 13:00 in New York.
        ("2025-12-24T17:59", "2025-12-21T22:00"),
        ("2025-12-24T17:59:59.999999", "2025-12-21T22:00"),
        ("2025-12-24T18:00", None),
        ("2025-12-25T22:59", None),
        ("2025-12-25T23:00", "2025-12-25T23:00"),
        ("2025-12-26T21:59", "2025-12-25T23:00"),
        ("2025-12-26T22:00", None),  # the week is over
        ("2025-12-31T21:59", "2025-12-28T22:00"),
        ("2025-12-31T22:00", None),
        ("2026-01-01T23:00", "2026-01-01T23:00"),
    ],
)
def test_bars_of_currencies_are_expected_between_weekends_and_holidays(now: str, since: str | None) -> None:
    assert expected_since("currencies", utc(now)) == (since and utc(since))


def test_bars_of_an_exchange_are_expected_while_it_is_open() -> None:
    assert expected_since("XNYS", utc("2026-11-20T14:29")) is None
    assert expected_since("XNYS", utc("2026-11-20T20:59")) == utc("2026-11-20T14:30")
    assert expected_since("XNYS", utc("2026-11-20T21:00")) is None


def test_bars_of_currencies_are_expected_for_the_time_between_two_moments_less_the_holidays() -> None:
    start, end = utc("2025-12-24T12:00"), utc("2025-12-26T12:00")

    # Two days, and 29 hours of Christmas.
    assert expected_time("currencies", start, end) == timedelta(hours=19)
    # Within it, and until it begins.
    assert expected_time("currencies", utc("2025-12-25T01:00"), utc("2025-12-25T22:00")) == timedelta()
    assert expected_time("currencies", start, utc("2025-12-24T22:00")) == timedelta(hours=6)
    assert expected_time("XNYS", utc("2025-12-26T14:00"), utc("2025-12-26T15:00")) == timedelta(minutes=30)
