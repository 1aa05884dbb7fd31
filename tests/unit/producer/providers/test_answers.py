"""What all providers' answers share."""

from datetime import UTC, datetime

import pytest

from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer, month_bounds


@pytest.mark.parametrize(
    ("month", "begins", "ends"),
    [
        ("2026-01", "2026-01-01", "2026-02-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
    ],
)
def test_a_month_ends_where_the_next_begins(month: str, begins: str, ends: str) -> None:
    expected = tuple(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (begins, ends))
    assert month_bounds(month, UTC) == expected


@pytest.mark.parametrize(
    ("asked_at", "finished"),
    [
        ("15:59:59", []),
        ("16:00:00", ["15:00"]),
        ("16:29:59", ["15:00"]),
        # London closes at 16:30 and the bar of 16:00 ends with it; its auction's ends at 16:40.
        ("16:30:00", ["15:00", "16:00"]),
        ("16:39:59", ["15:00", "16:00"]),
        ("16:40:00", ["15:00", "16:00", "16:35"]),
    ],
)
def test_a_bar_is_finished_after_its_length_or_when_the_session_closes(
    asked_at: str, finished: list[str]
) -> None:
    numbers = Ohlcv(10.0, 12.0, 9.0, 11.0, 1.0)
    bars = {f"2026-11-20T{time}:00Z": numbers for time in ("15:00", "16:00", "16:35")}
    moment = datetime.fromisoformat(f"2026-11-20T{asked_at}").replace(tzinfo=UTC)

    answer = Answer(bars, [], moment, moment, reaches_back=True).without_forming("XLON", "60min")

    assert [time[11:16] for time in answer.bars] == finished


@pytest.mark.parametrize("market", ["XLON", "currencies", "always"])
def test_a_bar_at_the_end_of_the_calendar_is_one_of_the_future(market: str) -> None:
    numbers = Ohlcv(10.0, 12.0, 9.0, 11.0, 1.0)
    bars = dict.fromkeys(("2026-11-20T15:00:00Z", "9999-12-31T23:59:00Z"), numbers)
    moment = datetime(2026, 11, 20, 16, tzinfo=UTC)

    answer = Answer(bars, [], moment, moment, reaches_back=True).without_forming(market, "1min")

    assert list(answer.bars) == ["2026-11-20T15:00:00Z"]


@pytest.mark.parametrize(
    ("times", "oldest"),
    [
        (["1970-01-01T00:00:00Z", "2026-11-20T15:00:00Z"], "2026-11-20T15:00:00Z"),
        (["2000-01-01T00:00:00Z", "2026-11-20T15:00:00Z"], "2000-01-01T00:00:00Z"),
        (["1999-12-31T23:59:00Z"], "~"),
    ],
)
def test_its_oldest_bar_is_the_first_that_can_be_one(times: list[str], oldest: str) -> None:
    moment = datetime(2026, 11, 20, 16, tzinfo=UTC)
    bars = dict.fromkeys(times, Ohlcv(10.0, 12.0, 9.0, 11.0, 1.0))

    assert Answer(bars, [], moment, moment, reaches_back=True).oldest == oldest


def test_an_answer_lacks_and_owes_nothing_unless_its_provider_says_so() -> None:
    moment = datetime(2026, 11, 20, 16, tzinfo=UTC)
    answer = Answer({}, [], moment, moment, reaches_back=True)

    assert (answer.failure, answer.cut_off_by, answer.is_owed) == (None, None, False)
    assert (list(answer.left_out), list(answer.special_days)) == ([], [])
