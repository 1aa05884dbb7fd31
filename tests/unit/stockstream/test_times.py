"""The two forms in which the contracts write a moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.times import format_instant, format_time, parse_instant, parse_time

MOMENT = datetime(2026, 11, 20, 20, 59, 7, 123999, tzinfo=UTC)


def test_a_time_is_written_to_the_second() -> None:
    assert format_time(MOMENT) == "2026-11-20T20:59:07Z"


def test_an_instant_is_rounded_down_to_the_millisecond() -> None:
    assert format_instant(MOMENT) == "2026-11-20T20:59:07.123Z"


def test_another_zone_is_written_as_utc() -> None:
    newyork = MOMENT.astimezone(timezone(timedelta(hours=-5)))
    assert (format_time(newyork), format_instant(newyork)) == (format_time(MOMENT), format_instant(MOMENT))


def test_a_time_is_read_as_it_was_written() -> None:
    assert parse_time("2026-11-20T20:59:07Z") == MOMENT.replace(microsecond=0)


def test_an_instant_is_read_as_it_was_written() -> None:
    assert parse_instant("2026-11-20T20:59:07.123Z") == MOMENT.replace(microsecond=123000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T20:59:07",
        "2026-11-20T20:59:07z",
        "2026-11-20 20:59:07Z",
        "2026-11-20T20:59:07+00:00",
        "2026-11-20T20:59:07.123Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T20:60:00Z",
        "2026-02-30T20:59:07Z",
        "2026-W47-5T20:59:07Z",
        "\N{FULLWIDTH DIGIT TWO}026-11-20T20:59:07Z",
        "2026-11-20T20:59:07Z\n",
    ],
)
def test_refuses_a_time_of_another_form(text: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_time(text)
    assert caught.value.reason == Reason.BAD_TIME


@pytest.mark.parametrize(
    "text", ["2026-11-20T20:59:07Z", "2026-11-20T20:59:07.12Z", "2026-11-20T20:59:07,123Z"]
)
def test_refuses_an_instant_of_another_form(text: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_instant(text)
    assert caught.value.reason == Reason.BAD_TIME
