"""What providers show outside the calendar's sessions, through the real producer and both providers.

Days and hours are those that the exchanges published, in UTC worked out by hand.
"""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from minutes_of_a_producer import MINUTE, PRICES, World, utc

from producer.planning.planner import Plan
from stockstream.observability import metrics

PAID = Plan(None, 5)
# Bombay's budget Sunday: a whole session, 9:15 to 15:30, between a Friday and a Monday as any others.
FRIDAY, SUNDAY, MONDAY = (datetime(2026, *day, 3, 45, tzinfo=UTC) for day in ((1, 30), (2, 1), (2, 2)))
SESSION = timedelta(minutes=375)
PREMIUM = b'{"Information": "This is a premium endpoint. You may subscribe to any of the premium plans."}'


def lines(log: StringIO, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["message"] == message]


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bars each run says it has left out, where it says so."""
    counts: list[int] = []
    add = metrics.add_metadata

    def spy(key: str, value: Any) -> None:
        if key == "bars_left_out":
            counts.append(value)
        add(key, value)

    monkeypatch.setattr(metrics, "add_metadata", spy)
    return counts


def refuse_long_answers(asked: dict[str, str]) -> bytes | None:
    return PREMIUM if asked["outputsize"] == "full" and "month" not in asked else None


def budget_weekend() -> World:
    world = World("INFY.BSE", PAID, (datetime(2026, 1, 29, tzinfo=UTC), MONDAY + SESSION))
    times = world.market.times["INFY.BSE"]
    times += [SUNDAY + number * MINUTE for number in range(375)]
    times.sort()
    # The last hour of Friday, and the two answers after its close.
    world.run(FRIDAY + SESSION - 60 * MINUTE, FRIDAY + SESSION + 35 * MINUTE)
    return world


def test_a_sunday_with_a_session_is_sent_whole_on_monday(log: StringIO) -> None:
    world = budget_weekend()

    world.run(MONDAY, MONDAY + 5 * MINUTE)

    assert world.missing("INFY.BSE", SUNDAY, SUNDAY + SESSION) == []
    assert world.sent("INFY.BSE", SUNDAY, SUNDAY + SESSION) == 375
    assert world.broken_lookbacks("INFY.BSE") == []
    (told,) = lines(log, "session that no calendar has")
    assert (told["market"], told["day"], told["instrument"]) == ("XBOM", "2026-02-01", "INFY.BSE")


def test_where_the_plan_refuses_the_long_answer_the_hole_is_told(log: StringIO) -> None:
    world = budget_weekend()
    world.server.refuse = refuse_long_answers

    # The first answer is that of 9:17: three bars of Monday, one of which is forming, and 97 of Sunday.
    world.run(MONDAY, MONDAY + 5 * MINUTE)

    missing = world.missing("INFY.BSE", SUNDAY, SUNDAY + SESSION)
    assert missing == [SUNDAY + number * MINUTE for number in range(375 - 97)]
    (hole,) = lines(log, "hole found")
    assert (hole["after"], hole["before"]) == ("2026-01-30T09:59:00Z", "2026-02-01T08:23:00Z")


@pytest.mark.parametrize("alpaca", [False, True])
def test_after_the_close_of_half_a_day_nothing_is_sent(*, alpaca: bool) -> None:
    world = World("IBM", PAID, (utc(24, 0), utc(30, 0)), alpaca=alpaca)
    times = world.market.times["IBM"]
    # The provider shows trading until 17:00 in New York, and some minutes of Thanksgiving.
    times += [utc(27, 18) + number * MINUTE for number in range(240)]
    times += [utc(26, 15) + number * MINUTE for number in range(0, 60, 10)]
    times.sort()

    world.run(utc(25, 20, 40), utc(25, 21, 10))
    world.run(utc(27, 14, 30), utc(27, 14, 34))
    world.run(utc(27, 17, 30), utc(27, 18, 31))

    sent = world.stream.documents("IBM")
    assert min(sent) < utc(25, 21) < utc(27, 17, 59) == max(sent)
    assert [each for each in sent if utc(25, 21) <= each < utc(27, 14, 30)] == []


def test_what_is_left_out_is_counted_once_and_told_once_a_day(log: StringIO, left_out: list[int]) -> None:
    world = World("IBM", PAID, (utc(19, 0), utc(24, 0)))
    # Eleven minutes of a Saturday, of which the newest hundred bars show more than once.
    world.market.times["IBM"] += [utc(21, 15) + number * MINUTE for number in range(11)]
    world.market.times["IBM"].sort()

    world.run(utc(20, 20, 50), utc(20, 21, 4))
    world.run(utc(23, 14, 30), utc(23, 14, 40))

    assert left_out == [11]
    (told,) = lines(log, "bars left out")
    assert (told["market"], told["day"], told["bars"]) == ("XNYS", "2026-11-21", 11)
    assert (told["first"], told["last"]) == ("2026-11-21T15:00:00Z", "2026-11-21T15:10:00Z")
    assert world.missing("IBM", utc(23, 14, 30), utc(23, 14, 38)) == []
    assert lines(log, "hole found") == []


def test_a_stamp_between_two_bars_is_told_once_and_enters_no_average(log: StringIO) -> None:
    world = World("IBM", PAID, (utc(19, 0), utc(24, 0)))
    odd = utc(20, 15, 0) + timedelta(seconds=37)
    true_times = list(world.market.times["IBM"])
    world.market.times["IBM"] = sorted([*true_times, odd])

    world.run(utc(20, 14, 50), utc(20, 15, 10))

    (told,) = lines(log, "bar rejected")
    assert (told["stamp"], told["reason"]) == ("2026-11-20T15:00:37Z", "BAD_TIME")
    assert sum(metrics.metric_set["BarsImpossible"]["Value"]) == 1
    world.market.times["IBM"] = true_times
    assert world.missing("IBM", utc(20, 14, 50), utc(20, 15, 8)) == []
    assert world.broken_lookbacks("IBM") == []


def test_a_bar_of_1970_does_not_hide_a_hole(log: StringIO) -> None:
    world = World("IBM", PAID, (utc(19, 0), utc(24, 0)))
    world.server.refuse = refuse_long_answers
    world.run(utc(20, 14, 50), utc(20, 14, 55))
    answer = world.server.answer

    def with_an_old_one(parameters: dict[str, str]) -> dict[str, Any]:
        shown = answer(parameters)
        series = shown["Time Series (1min)"]
        series["1970-01-02 10:00:00"] = dict.fromkeys(PRICES, "100") | {"5. volume": "7"}
        return shown

    world.server.answer = with_an_old_one  # type: ignore[method-assign]
    world.run(utc(20, 19, 0), utc(20, 19, 2))

    assert len(lines(log, "hole found")) == 1
    (told,) = lines(log, "bar rejected")
    assert told["stamp"] == "1970-01-02T15:00:00Z"
    assert min(world.stream.documents("IBM")).year == 2026


def test_the_month_of_a_special_session_is_backfilled_with_it() -> None:
    world = budget_weekend()
    world.server.refuse = refuse_long_answers
    world.run(MONDAY, MONDAY + 5 * MINUTE)

    # In New York, by whose clock Alpha Vantage's months begin, the session began on the 31st.
    for minute, month in ((6, "2026-01"), (8, "2026-02")):
        world.clock.now = MONDAY + minute * MINUTE
        world.producer.backfill(world.instruments, month, seconds=3600)

    assert world.missing("INFY.BSE", SUNDAY, SUNDAY + SESSION) == []
