"""A backfill fills a hole at once, also one that lies within the tail, and restates what looked back over it.

The hole is that of Friday 2026-11-20, when the producer did not run from 16:00 to 19:00 UTC and the plan
refused the long answer: it ends with the bar of 17:20, since at 19:00:20 the short one shows 17:21 to 19:00.
"""

from datetime import UTC, datetime

import pytest
import requests
from minutes_of_a_producer import LONGEST_LOOKBACK, MINUTE, Refusal, World, close_of, utc

from producer.backfill import BackfillError
from producer.planning.planner import Plan
from stockstream.instruments import parse_instrument

OCTOBER = datetime(2026, 10, 26, 0, 0, tzinfo=UTC)
NOVEMBER = utc(1, 0)
# Where the first weeks are of no matter, there are bars from the 16th on: four sessions before Friday's.
MONDAY = utc(16, 0)
IBM = parse_instrument("IBM")


def no_long_answers(parameters: dict[str, str]) -> Refusal | None:
    if parameters.get("outputsize") == "full" and "month" not in parameters:
        return b'{"Information": "outputsize=full is a premium feature"}'
    return None


def world_with_a_hole(since: datetime = MONDAY) -> World:
    world = World("IBM", Plan(None, 2), (since, utc(28, 0)))
    world.server.refuse = no_long_answers
    # Less than a hundred bars apart, and in the end 580: more than the tail remembers.
    for hour in (16, 17, 18, 19, 20):
        world.run(utc(19, hour, 5), utc(19, hour, 6))
    world.run(utc(19, 21, 5), utc(19, 21, 6))
    world.run(utc(20, 15, 59), utc(20, 16))
    world.run(utc(20, 19), utc(20, 19, 4))
    return world


def broken_lookbacks(world: World, start: datetime, end: datetime) -> int:
    """How many documents of a time do not look back on what the market showed before them."""
    times = world.market.times["IBM"]
    closes = [close_of(each) for each in times]
    sent = world.stream.documents("IBM")
    return sum(
        sent[each]["lookback"]["close"] != closes[max(0, position - LONGEST_LOOKBACK) : position]
        for position, each in enumerate(times)
        if start <= each < end
    )


def test_a_hole_is_filled_minutes_after_it_and_every_look_back_is_whole() -> None:
    world = world_with_a_hole(OCTOBER)
    # At 15:59:20 the newest finished bar is that of 15:58.
    assert world.missing("IBM", utc(19, 16), utc(20, 19)) == [utc(20, 15, 59) + k * MINUTE for k in range(82)]

    sent = world.producer.backfill([IBM], "2026-11", seconds=3600)

    now = world.clock.now
    assert world.missing("IBM", NOVEMBER, now - 2 * MINUTE) == []
    assert broken_lookbacks(world, NOVEMBER, now - 2 * MINUTE) == 0
    # Monday the 2nd to Thursday the 19th are 14 sessions of 390 bars, and Friday's are 14:30 to 19:02. Within
    # the tail's 299 the first 199 are sent again, and so is all that follows the hole: together all of them.
    assert sent == {"IBM": {"sent": 14 * 390 + 273}}


def test_a_hole_that_lies_before_the_tail_is_filled_and_the_tail_looks_back_over_it() -> None:
    world = world_with_a_hole()
    for day, hour, minute in ((20, 20, 30), (20, 21, 5), (23, 16, 5)):
        world.run(utc(day, hour, minute), utc(day, hour, minute + 1))
    # 219 bars of Friday and 95 of Monday follow the hole, and the tail holds 299.

    world.producer.backfill([IBM], "2026-11", seconds=3600)

    assert world.missing("IBM", NOVEMBER, utc(23, 16, 4)) == []
    assert broken_lookbacks(world, NOVEMBER, utc(23, 16, 4)) == 0


def test_a_hole_of_many_sessions_is_filled_and_the_tail_stays_short() -> None:
    world = World("IBM", Plan(None, 2), (OCTOBER, utc(28, 0)))
    world.server.refuse = no_long_answers
    for hour in (16, 17, 18, 19, 20):
        world.run(utc(3, hour, 5), utc(3, hour, 6))
    world.run(utc(19, 20, 5), utc(19, 20, 6))
    # The rest of the 3rd from 20:05 on is 55 bars, 11 sessions, and the 19th until 18:25, which is 236 bars.
    assert len(world.missing("IBM", utc(3, 16), utc(19, 20))) == 55 + 11 * 390 + 236

    world.producer.backfill([IBM], "2026-11", seconds=3600)

    assert world.missing("IBM", NOVEMBER, utc(19, 20, 4)) == []
    assert broken_lookbacks(world, NOVEMBER, utc(19, 20, 4)) == 0
    # 299, and for as long as these are in doubt 199 before them: DynamoDB's items end at 400 KB.
    assert world.table.longest <= 299 + 199


def test_what_was_filled_is_remembered_and_the_next_runs_send_nothing_twice() -> None:
    world = world_with_a_hole()
    world.producer.backfill([IBM], "2026-11", seconds=3600)
    before = len(world.stream.records)

    world.run(utc(20, 19, 4), utc(20, 19, 14))

    # One bar a minute.
    assert len(world.stream.records) - before == 10
    assert broken_lookbacks(world, NOVEMBER, utc(20, 19, 12)) == 0
    again = world.producer.backfill([IBM], "2026-11", seconds=3600)
    assert list(again["IBM"]) == ["sent"]
    assert broken_lookbacks(world, NOVEMBER, utc(20, 19, 12)) == 0


def test_a_hole_that_the_stream_did_not_take_is_not_taken_for_filled() -> None:
    world = world_with_a_hole()
    world.stream.refuses = True
    told = world.producer.backfill([IBM], "2026-11", seconds=3600)["IBM"]
    # Four sessions and 14:30 to 19:02, as in the first test.
    assert (told["sent"], told["left"], told["from"]) == (0, 4 * 390 + 273, "2026-11-16T14:30:00Z")
    world.stream.refuses = False

    world.producer.backfill([IBM], "2026-11", seconds=3600)

    assert world.missing("IBM", NOVEMBER, utc(20, 19)) == []
    assert broken_lookbacks(world, NOVEMBER, utc(20, 19)) == 0


def test_a_month_before_the_tail_leaves_the_tail_alone() -> None:
    world = World("IBM", Plan(None, 2), (datetime(2026, 9, 25, tzinfo=UTC), utc(28, 0)))
    world.run(utc(20, 14, 50), utc(20, 15))
    tail = world.table.tails["IBM"]

    # Twenty-two sessions: October 2026 has no holiday of New York's exchange.
    assert world.producer.backfill([IBM], "2026-10", seconds=3600) == {"IBM": {"sent": 22 * 390}}
    assert world.table.tails["IBM"] == tail


def test_a_tail_that_has_just_begun_gets_the_look_backs_that_it_lacked() -> None:
    world = World("IBM", Plan(None, 2), (MONDAY, utc(28, 0)))
    world.run(utc(20, 14, 50), utc(20, 15))

    world.producer.backfill([IBM], "2026-11", seconds=3600)

    assert world.missing("IBM", NOVEMBER, utc(20, 14, 58)) == []
    assert broken_lookbacks(world, NOVEMBER, utc(20, 14, 58)) == 0


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        (Plan(None, 1), "RequestsPerMinute"),
        (Plan(25, 1), "RequestsPerMinute"),
        (Plan(1, 5), "RequestsPerDay"),
    ],
    ids=str,
)
def test_a_backfill_that_could_send_nothing_is_refused_before_it_asks(plan: Plan, named: str) -> None:
    world = World("IBM", plan, (OCTOBER, utc(28, 0)))

    with pytest.raises(BackfillError, match=named):
        world.producer.backfill([IBM], "2026-10", seconds=3600)

    assert world.server.asked == []
    assert world.ledger_item.page.version == 0


@pytest.mark.parametrize(
    ("name", "interval", "takes"),
    [
        # An equity's 16 hours on 23 days are 22,080 minutes, and a coin's 31 days 44,640; a page has 10,000.
        ("IBM", "1min", 3),
        ("IBM", "5min", 1),
        ("crypto:BTC/USD", "1min", 5),
        ("crypto:BTC/USD", "60min", 1),
    ],
)
def test_on_alpaca_a_month_takes_as_many_requests_as_it_may_have_pages(
    name: str, interval: str, takes: int
) -> None:
    world = World(name, Plan(None, 5), (OCTOBER, utc(28, 0)), alpaca=True)

    assert world.producer.provider.requests_per_month(parse_instrument(name), interval) == takes


def test_a_month_of_pages_that_a_run_may_not_all_ask_for_is_refused_before_the_first() -> None:
    world = World("IBM", Plan(None, 5), (OCTOBER, utc(28, 0)), alpaca=True)

    with pytest.raises(BackfillError, match=r"takes 6 requests .* set RequestsPerMinute to 6"):
        world.producer.backfill([IBM], "2026-10", seconds=3600)

    assert world.server.asked == []


def test_an_instrument_that_the_rest_of_a_runs_requests_do_not_suffice_for_costs_none_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World("IBM,MSFT", Plan(None, 3), (OCTOBER, utc(28, 0)))
    world.clock.now = utc(20, 19)

    sent = world.producer.backfill(world.instruments, "2026-11", seconds=3600)

    assert list(sent["IBM"]) == ["sent"]
    assert sent["MSFT"] == {
        "sent": 0,
        "reason": "MSFT: this run's requests are spent; start the backfill again, and it goes on from there",
    }
    assert len(world.server.asked) == 2
    (line,) = [each for each in caplog.records if each.message == "provider failed"]
    assert "MSFT" in line.__dict__["detail"]


def test_a_time_out_of_the_month_before_sends_nothing() -> None:
    world = world_with_a_hole()
    before = len(world.stream.records)
    world.server.refuse = lambda asked: requests.ReadTimeout() if asked.get("month") == "2026-10" else None

    told = world.producer.backfill([IBM], "2026-11", seconds=3600)["IBM"]
    assert told["sent"] == 0
    assert "no answer" in str(told["reason"])
    assert len(world.stream.records) == before
