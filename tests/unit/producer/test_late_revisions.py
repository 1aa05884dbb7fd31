"""A bar that is revised long after it was sent is sent again, with all that look back on it.

Friday 2026-11-20 is an ordinary day of New York: 14:30 to 21:00 UTC, 390 bars. The first answer is that of
14:32:20, for the bar of 14:30; 200 bars later, at 17:52, all is read again, and at 21:30 once more.
"""

from datetime import datetime

import pytest
from minutes_of_a_producer import LONGEST_LOOKBACK, MINUTE, World, utc

from producer.planning.planner import Plan

OPENING, NIGHT = utc(20, 14, 30), utc(21, 0)
COIN = "crypto:BTC/USD"


def friday(instruments: str = "IBM", plan: Plan = Plan(None, 5), *, alpaca: bool = True) -> World:  # noqa: B008 (a plan never changes)
    return World(instruments, plan, (utc(16, 0), utc(25, 0)), alpaca=alpaca)


def came_at(world: World, name: str, open_time: datetime) -> str:
    """When the newest numbers of a bar came."""
    return str(world.stream.documents(name)[open_time]["as_of"])[11:19]


def broken_lookbacks(world: World, name: str) -> list[datetime]:
    """The bars that look back on anything but what the market shows, or on less than what was sent before."""
    documents = world.stream.documents(name)
    times = world.market.between(name, utc(16, 0), max(documents) + MINUTE)
    sent = [each for each in times if each >= min(documents)]
    broken = []
    for position, each in enumerate(sent):
        lookback = documents[each]["lookback"]["close"]
        before = times[: times.index(each)][-len(lookback) :] if lookback else []
        is_whole = min(position, LONGEST_LOOKBACK) <= len(lookback) <= LONGEST_LOOKBACK
        if not is_whole or lookback != [world.server.shown_close(time) for time in before]:
            broken.append(each)
    return broken


def test_revisions_that_no_request_for_new_bars_shows_are_seen_the_same_day() -> None:
    world = friday()
    world.server.revisions = {
        utc(20, 15): (utc(20, 15, 30), 7.25),  # 29 minutes after its end
        utc(20, 14, 30): (utc(20, 17, 52), 7.5),  # as late as can be
        # At 21:30 the tail holds 299 bars: those from 16:01 on.
        utc(20, 16, 1): (utc(20, 21, 30), 7.75),
        utc(20, 20, 59): (utc(20, 21, 10), 8.0),  # the closing bar, after the flush
    }

    world.run(utc(20, 14, 25), NIGHT)

    came = {
        (15, 0): (7.25, "17:52:20"),
        (14, 30): (7.5, "17:52:20"),
        (16, 1): (7.75, "21:30:20"),
        (20, 59): (8.0, "21:30:20"),
    }
    documents = world.stream.documents("IBM")
    assert {
        bar: (documents[utc(20, *bar)]["close"], came_at(world, "IBM", utc(20, *bar))) for bar in came
    } == came
    assert broken_lookbacks(world, "IBM") == []
    assert world.missing("IBM", OPENING, NIGHT) == []


@pytest.mark.slow
def test_what_the_tail_no_longer_holds_is_not_seen_and_a_backfill_brings_it() -> None:
    # Read again at 17:52, and not remembered at 21:30; what is sent again then looks back on it as it is.
    world = friday(plan=Plan(None, 10))
    world.server.revisions = {utc(20, 14, 40): (utc(20, 19), 7.25), utc(20, 16, 5): (utc(20, 19), 8.5)}
    world.run(utc(20, 14, 25), NIGHT)

    documents = world.stream.documents("IBM")
    assert documents[utc(20, 14, 40)]["close"] != 7.25
    sent_again = [each for each in documents if documents[each]["as_of"][11:16] == "21:30"]
    assert (min(sent_again), len(sent_again)) == (utc(20, 16, 5), 1 + LONGEST_LOOKBACK)
    assert not set(sent_again) & set(broken_lookbacks(world, "IBM"))
    # Those that were not sent again look back on what it was.
    assert set(broken_lookbacks(world, "IBM")) == {utc(20, 14, 40) + (1 + bar) * MINUTE for bar in range(84)}

    world.producer.backfill(world.instruments, "2026-11", seconds=3600)

    documents = world.stream.documents("IBM")
    assert documents[utc(20, 14, 40)]["close"] == 7.25
    assert [each for each in broken_lookbacks(world, "IBM") if each > utc(20, 0)] == []


def test_the_second_day_is_read_again_as_the_first_is() -> None:
    world = friday()
    # 200 bars after Monday's opening it is 17:50.
    world.server.revisions = {utc(23, 14, 31): (utc(23, 17, 49), 7.25)}

    world.run(utc(20, 20), utc(20, 21, 40))
    world.run(utc(23, 14, 25), utc(23, 18))

    assert came_at(world, "IBM", utc(23, 14, 31)) == "17:50:20"
    # Friday's last bars among them: the whole tail is read.
    assert broken_lookbacks(world, "IBM") == []


@pytest.mark.slow
def test_a_market_that_never_closes_is_read_again_after_each_200_bars() -> None:
    world = friday(COIN)
    world.server.revisions = {utc(20, 12): (utc(20, 12, 40), 7.25), utc(20, 16, 10): (utc(20, 17), 8.5)}

    world.run(utc(20, 11), utc(20, 18, 5))

    # The first answer is that of 11:00, so that it is 14:20, and then 17:40.
    assert came_at(world, COIN, utc(20, 12)) == "14:20:20"
    assert came_at(world, COIN, utc(20, 16, 10)) == "17:40:20"
    assert broken_lookbacks(world, COIN) == []


def test_where_nothing_was_revised_reading_again_sends_nothing_and_costs_two_requests_a_day() -> None:
    world = friday()

    world.run(utc(20, 14, 25), NIGHT)

    # At 14:32:20 the newest hundred bars are one that forms, two of Friday and 97 of Thursday.
    assert len(world.stream.records) == 97 + 390
    # From 14:32 to 20:59, two for the last bar, and at 21:30; what is read at 17:52 brings what is new, too.
    assert len(world.server.asked) == 388 + 1 + 1


@pytest.mark.slow
def test_what_reads_again_is_within_the_allowance_and_delays_nobody_for_more_than_its_turn() -> None:
    # Sixteen are one request, and four a second: a run has one.
    world = friday(",".join(f"S{number:02}" for number in range(20)), Plan(None, 1))
    world.run(OPENING, utc(20, 18))

    minutes = [OPENING + number * MINUTE for number in range(210)]
    assert {len(world.requests(each, each + MINUTE)) for each in minutes} == {0, 1}
    ledger = world.ledger_item.page.ledger
    read_again = {ledger.of_instrument(each.name).reread_at for each in world.instruments}
    assert read_again <= {utc(20, 17, 52 + number) for number in range(4)}
    assert not any(world.missing(each.name, OPENING, utc(20, 17, 57)) for each in world.instruments)


def test_alpha_vantage_shows_a_hundred_bars_each_time_and_is_asked_once_more_after_the_close() -> None:
    world = friday(plan=Plan(None, 75), alpaca=False)
    world.server.revisions = {utc(20, 20, 59): (utc(20, 21, 10), 7.25)}

    world.run(utc(20, 20), NIGHT)

    assert came_at(world, "IBM", utc(20, 20, 59)) == "21:30:20"
    assert [moment for moment, _ in world.server.asked if moment > utc(20, 21, 5)] == [
        utc(20, 21, 30).replace(second=20)
    ]


@pytest.mark.parametrize("alpaca", [False, True])
def test_a_plan_that_counts_a_days_requests_reads_again_after_the_close_with_one_that_is_left(
    *, alpaca: bool
) -> None:
    world = friday(plan=Plan(25, 1), alpaca=alpaca)
    world.server.revisions = {utc(20, 20, 59): (utc(20, 21, 10), 7.25)}

    world.run(OPENING, NIGHT)

    assert came_at(world, "IBM", utc(20, 20, 59)) == "21:30:20"
    assert len(world.server.asked) == 25
    assert broken_lookbacks(world, "IBM") == []


def test_where_none_is_left_what_is_revised_after_the_close_comes_on_the_next_day() -> None:
    # Ten instruments take all of the 25.
    names = "AAPL,AMZN,GOOG,IBM,INTC,META,MSFT,NVDA,ORCL,TSLA"
    world = friday(names, plan=Plan(25, 1), alpaca=False)
    world.server.revisions = {utc(20, 20, 59): (utc(20, 21, 20), 7.25)}

    world.run(OPENING, NIGHT)

    assert len(world.server.asked) == 25
    assert max(moment for moment, _ in world.server.asked) < utc(20, 21, 20)
    assert all(world.stream.documents(name)[utc(20, 20, 59)]["close"] != 7.25 for name in names.split(","))


def test_a_provider_that_is_down_after_the_close_is_not_asked_all_night() -> None:
    world = friday()
    world.run(utc(20, 20), utc(20, 21, 25))
    world.server.refuse = lambda _asked: ConnectionError()

    world.run(utc(20, 21, 25), utc(21, 4))

    asked = [moment for moment, _ in world.server.asked if moment > utc(20, 21, 25)]
    assert asked[0] == utc(20, 21, 30).replace(second=20)
    # For six hours.
    assert utc(21, 2, 50) < asked[-1] < utc(21, 3)


def test_what_the_stream_did_not_take_is_read_again_once_more() -> None:
    world = friday()
    world.server.revisions = {utc(20, 20, 59): (utc(20, 21, 10), 7.25)}
    world.run(utc(20, 20), utc(20, 21, 25))
    world.stream.refuses = True
    world.run(utc(20, 21, 25), utc(20, 21, 35))
    world.stream.refuses = False

    world.run(utc(20, 21, 35), NIGHT)

    assert came_at(world, "IBM", utc(20, 20, 59)) == "21:35:20"
