"""Many instruments and few requests, on Alpaca: every run makes progress, and each instrument gets its turn.

Friday 2026-11-20 is an ordinary day of New York: 14:30 to 21:00 UTC, 390 bars.
"""

import pytest
from minutes_of_a_producer import MINUTE, AlpacaServer, World, utc

from producer.planning.planner import Plan

# Each sorts behind those before it, as Alpaca's pages do.
TWELVE = ",".join(f"S{letter}" for letter in "ABCDEFGHIJKL")
OPENING = utc(20, 14, 30)


def alpaca_world(instruments: str, plan: Plan, page_bars: int) -> World:
    world = World(instruments, plan, (utc(9, 0), utc(28, 0)), alpaca=True)
    assert isinstance(world.server, AlpacaServer)
    world.server.page_bars = page_bars
    return world


@pytest.mark.sampled(1)
@pytest.mark.parametrize("plan", [Plan(None, 1), Plan(25, 1)], ids=str)
def test_twelve_new_instruments_come_to_one_page_a_minute(plan: Plan) -> None:
    # At 14:32 a first answer begins four days and 517 minutes earlier, on Monday: 4 sessions of 390 bars and
    # a few of Friday. A page of 3,500 holds two of them whole, so that six pages serve twelve.
    world = alpaca_world(TWELVE, plan, 3500)

    world.run(OPENING, OPENING + 40 * MINUTE)

    assert {name for name, _ in world.stream.records} == {each.name for each in world.instruments}
    # The first request is at 14:32, for the bar of 14:30.
    end = OPENING + 20 * MINUTE
    assert sum(len(world.missing(each.name, OPENING, end)) for each in world.instruments) == 0
    assert [each.name for each in world.instruments if world.broken_lookbacks(each.name)] == []


@pytest.mark.slow
def test_twelve_instruments_come_back_after_an_outage_that_takes_more_pages_than_a_run_has() -> None:
    world = alpaca_world(TWELVE, Plan(None, 5), 1600)
    world.run(utc(17, 20, 50), utc(17, 21, 10))

    # Two sessions without a run are 780 bars of each and 9,360 of all: six pages, of five that a run may ask.
    world.run(OPENING, OPENING + 15 * MINUTE)

    assert (
        sum(len(world.missing(each.name, utc(17, 21), OPENING + 5 * MINUTE)) for each in world.instruments)
        == 0
    )
    assert [each.name for each in world.instruments if world.broken_lookbacks(each.name)] == []


def test_one_instrument_that_is_delisted_costs_one_request_a_run_and_no_bars_of_the_others() -> None:
    world = alpaca_world("IBM,MSFT,XYZ", Plan(None, 5), 10_000)
    world.market.times["XYZ"] = world.market.between("XYZ", utc(9, 0), utc(16, 16))
    for day in (16, 17, 18, 19, 20, 23, 24, 25):
        world.run(utc(day, 14, 30), utc(day, 14, 40))
    world.server.bars_shown = 0

    before = len(world.server.asked)
    world.run(utc(25, 14, 40), utc(25, 14, 50))

    assert len(world.server.asked) - before == 2 * 10
    # Of each of the two: the bar that forms, the one before it, the newest known one, 20 that may be revised.
    assert world.server.bars_shown <= 10 * 2 * (1 + 1 + 1 + 20)
    assert world.missing("IBM", utc(16, 14), utc(25, 14, 45)) == []


def test_the_last_symbols_of_a_request_that_takes_more_pages_than_a_run_has_go_first_the_next_time() -> None:
    # Twelve with 20 bars that may be revised and two new ones are 264; after ten minutes of an outage 384.
    world = alpaca_world(TWELVE, Plan(None, 1), 10_000)
    assert isinstance(world.server, AlpacaServer)
    world.run(OPENING, OPENING + 40 * MINUTE)
    world.server.page_bars = 300

    lags = []
    for now in (OPENING + minutes * MINUTE for minutes in (60, 70, 80)):
        world.run(now - 10 * MINUTE, now)
        lags.append(
            max((now - max(world.stream.documents(each.name))) / MINUTE for each in world.instruments)
        )

    # A bar is there a minute after its end.
    assert lags == [3, 2, 2]
