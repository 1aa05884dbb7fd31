"""Which bars of an answer are of their market; sessions, also special ones, as exchanges published them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.ohlcv import Ohlcv
from producer.providers.admission import Admission
from producer.providers.answers import Answer
from stockstream.errors import Reason
from stockstream.instruments import parse_instrument

# Bombay held a whole session on budget Sunday, 9:15 to 15:30, 3:45 to 10:00 UTC.
BUDGET_SUNDAY = date(2026, 2, 1)


def answer(*times: str, volume: float | None = 7.0) -> Answer:
    moment = datetime(2026, 12, 31, tzinfo=UTC)
    numbers = Ohlcv(10.0, 12.0, 9.0, 11.0, volume)
    return Answer(dict.fromkeys(times, numbers), [], moment, moment, reaches_back=True)


def admit(
    name: str, shown: Answer, *, interval: str = "1min", hours: str = "regular", by: Admission | None = None
) -> Answer:
    instrument = parse_instrument(name)
    return (by or Admission()).admit(instrument, shown, Watchlist((instrument,), interval, hours))


def minutes(start: str, count: int, length: int = 1) -> list[str]:
    """So many bars in a row."""
    first = datetime.fromisoformat(start)
    return [f"{first + timedelta(minutes=number * length):%Y-%m-%dT%H:%M:%SZ}" for number in range(count)]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("IBM", "2026-11-27T17:59:00Z", "2026-11-27T18:00:00Z"),  # half a day
        ("IBM", "2026-11-20T14:30:00Z", "2026-11-20T14:29:00Z"),
        ("IBM", "2026-11-25T14:30:00Z", "2026-11-26T14:30:00Z"),  # Thanksgiving
        ("IBM", "2026-11-20T14:30:00Z", "2026-11-21T14:30:00Z"),  # Saturday
        # The day after the clocks went forward and the day after they went back.
        ("IBM", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),
        ("IBM", "2026-11-02T20:59:00Z", "2026-11-02T13:30:00Z"),
        ("TSCO.LON", "2026-11-20T16:35:00Z", "2026-11-20T16:50:00Z"),  # the closing auction
        ("TSCO.LON", "2026-12-24T12:35:00Z", "2026-12-24T13:00:00Z"),
        ("fx:EUR/USD", "2026-11-20T21:59:00Z", "2026-11-21T12:00:00Z"),
    ],
)
def test_what_lies_outside_the_sessions_is_left_out_and_named(name: str, inside: str, outside: str) -> None:
    admitted = admit(name, answer(inside, outside))

    assert (list(admitted.bars), admitted.left_out, admitted.rejected) == ([inside], [outside], [])


def test_an_answer_of_bars_that_all_belong_is_as_it_was() -> None:
    shown = answer(*minutes("2026-11-20T14:30:00", 390))

    assert admit("IBM", shown) is shown


@pytest.mark.parametrize("name", ["crypto:BTC/USD", "IBM"])
def test_what_trades_always_has_no_bar_outside(name: str) -> None:
    shown = answer("2026-11-21T12:00:00Z")

    assert admit(name, shown, hours="always") is shown


@pytest.mark.parametrize(
    ("name", "interval", "stamp"),
    [
        ("IBM", "1min", "2026-11-20T15:00:37Z"),
        ("IBM", "5min", "2026-11-20T15:53:00Z"),
        ("IBM", "60min", "2026-11-20T15:59:00Z"),
        ("IBM", "60min", "2026-11-20T15:15:00Z"),
        ("INFY.BSE", "60min", "2026-11-20T05:10:00Z"),
        ("crypto:BTC/USD", "15min", "2026-11-20T15:10:00Z"),
        # Not even on a day of which no calendar knows when it opens.
        ("INFY.BSE", "60min", "2026-02-01T04:47:00Z"),
        ("IBM", "1min", "1970-01-01T15:00:00Z"),
        ("crypto:BTC/USD", "1min", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_stamp_at_which_no_bar_can_begin_is_rejected(name: str, interval: str, stamp: str) -> None:
    admitted = admit(name, answer(stamp), interval=interval)

    assert dict(admitted.bars) == {}
    (rejected,) = admitted.rejected
    assert (rejected.stamp, rejected.reason) == (stamp, Reason.BAD_TIME)
    assert rejected.shown == '{"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 7.0}'


@pytest.mark.parametrize(
    ("name", "interval", "first", "count"),
    [
        ("IBM", "60min", "2026-11-20T14:30:00", 7),  # the opening's grid
        ("IBM", "60min", "2026-11-20T14:00:00", 7),  # the clock's
        ("INFY.BSE", "60min", "2026-11-20T03:45:00", 7),
        ("INFY.BSE", "60min", "2026-11-20T03:30:00", 7),
        ("INFY.BSE", "30min", "2026-11-20T03:45:00", 13),
        ("TSCO.LON", "15min", "2026-11-20T08:00:00", 34),
        ("IBM", "5min", "2026-11-20T14:30:00", 78),
    ],
)
def test_no_true_bar_is_refused_whichever_grid_its_provider_has(
    name: str, interval: str, first: str, count: int
) -> None:
    shown = answer(*minutes(first, count, int(interval.removesuffix("min"))))

    assert admit(name, shown, interval=interval) is shown


@pytest.mark.parametrize(
    ("interval", "start", "count"),
    [
        ("1min", "2026-02-01T03:45:00", 375),
        ("5min", "2026-02-01T03:45:00", 75),
        ("60min", "2026-02-01T03:45:00", 7),
        # Muhurat trading in 2025 was on a holiday, from 13:45 to 14:45.
        ("1min", "2025-10-21T08:15:00", 60),
        ("15min", "2025-10-21T08:15:00", 4),
        # In other years it was in the evening, from 18:15 on.
        ("1min", "2026-11-08T12:45:00", 60),
        # A quarter of an hour, or two bars.
        ("1min", "2026-02-01T03:45:00", 15),
        ("60min", "2026-02-01T03:45:00", 2),
        # A special Saturday of two short parts, 9:15 to 10:00 and 11:45 to 12:40: 2024-05-18.
        ("1min", "2024-05-18T03:45:00", 45),
    ],
)
def test_a_session_that_no_calendar_has_is_followed_and_told(interval: str, start: str, count: int) -> None:
    length = int(interval.removesuffix("min"))
    shown = answer(*minutes(start, count, length))

    admitted = admit("INFY.BSE", shown, interval=interval)

    assert admitted.bars == shown.bars
    assert (admitted.left_out, admitted.special_days) == ([], [date.fromisoformat(start[:10])])


def test_a_session_of_new_york_that_no_calendar_has_is_one_at_the_usual_time() -> None:
    # As if Thanksgiving were a day of trading, with an hour before its opening.
    shown = answer(*minutes("2026-11-26T13:30:00", 120))

    admitted = admit("IBM", shown)

    assert list(admitted.bars) == minutes("2026-11-26T14:30:00", 60)
    assert admitted.special_days == [date(2026, 11, 26)]
    assert admitted.left_out == minutes("2026-11-26T13:30:00", 60)


def test_a_stamp_between_two_bars_costs_no_other_bar() -> None:
    admitted = admit("IBM", answer("2026-11-20T15:00:37Z", "2026-11-20T15:01:00Z"))

    assert list(admitted.bars) == ["2026-11-20T15:01:00Z"]
    assert [each.stamp for each in admitted.rejected] == ["2026-11-20T15:00:37Z"]


def test_a_quarter_of_an_hour_of_trading_makes_a_session_with_gaps_and_strays_around_it() -> None:
    with_gaps = answer(*minutes("2026-02-01T03:45:00", 15, 5))
    after_a_stray = answer("2026-02-01T03:45:00Z", *minutes("2026-02-01T04:00:00", 15))

    assert admit("INFY.BSE", with_gaps).bars == with_gaps.bars
    assert admit("INFY.BSE", after_a_stray).bars == after_a_stray.bars
    # Of bars of an hour it takes two.
    one = answer("2026-02-01T03:45:00Z")
    assert admit("INFY.BSE", one, interval="60min").left_out == ["2026-02-01T03:45:00Z"]


def test_the_first_moment_of_which_there_can_be_bars_is_held_against_the_calendar() -> None:
    assert admit("IBM", answer("2000-01-01T00:00:00Z")).left_out == ["2000-01-01T00:00:00Z"]


def test_a_special_session_is_told_once_and_holds_for_what_is_hardly_traded() -> None:
    admission = Admission()
    stray = answer("2026-02-01T05:00:00Z")

    assert admit("TCS.BSE", stray, by=admission).left_out == ["2026-02-01T05:00:00Z"]
    shown = answer(*minutes("2026-02-01T03:45:00", 100))
    assert admit("INFY.BSE", shown, by=admission).special_days == [BUDGET_SUNDAY]
    assert not admit("INFY.BSE", shown, by=admission).special_days
    assert admit("TCS.BSE", stray, by=admission).bars == stray.bars
    # Of another exchange it says nothing.
    assert dict(admit("TSCO.LON", answer("2026-02-01T10:00:00Z"), by=admission).bars) == {}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        # Fourteen minutes; or bars without a volume; or one here and one there.
        ("INFY.BSE", answer(*minutes("2026-02-01T03:45:00", 14))),
        ("INFY.BSE", answer(*minutes("2026-02-01T03:45:00", 375), volume=0.0)),
        ("INFY.BSE", answer(*minutes("2026-02-01T03:45:00", 375), volume=None)),
        ("INFY.BSE", answer(*minutes("2026-02-01T03:45:00", 37, 10))),
        # Six minutes from one to the next; and fourteen in a row after one by itself.
        ("INFY.BSE", answer(*minutes("2026-02-01T03:45:00", 60, 6))),
        ("INFY.BSE", answer("2026-02-01T03:45:00Z", *minutes("2026-02-01T04:00:00", 14))),
        # New York's Sunday evening, and what is traded before the opening on a holiday.
        ("IBM", answer(*minutes("2026-11-23T01:00:00", 120))),
        ("IBM", answer(*minutes("2026-11-26T10:00:00", 120))),
    ],
)
def test_strays_are_no_session(name: str, shown: Answer) -> None:
    admitted = admit(name, shown)

    assert dict(admitted.bars) == {}
    assert (admitted.left_out, admitted.special_days) == (list(shown.bars), [])


def test_a_minute_without_a_trade_within_a_special_session_is_of_it() -> None:
    traded = answer(*minutes("2026-02-01T03:45:00", 30))
    quiet = answer("2026-02-01T03:44:00Z", "2026-02-01T03:55:00Z", volume=0.0)

    admitted = admit("INFY.BSE", replace(traded, bars={**traded.bars, **quiet.bars}))

    assert (len(admitted.bars), admitted.left_out) == (30, ["2026-02-01T03:44:00Z"])


def test_rejected_bars_of_the_provider_stay_beside_those_of_the_calendar() -> None:
    shown = admit("IBM", answer("2026-11-20T15:00:37Z"))

    again = admit("IBM", replace(answer("2026-11-20T15:01:30Z"), rejected=shown.rejected))

    assert [each.stamp for each in again.rejected] == ["2026-11-20T15:00:37Z", "2026-11-20T15:01:30Z"]
