"""A stream that refuses for a while, or a provider that is down: no bar is lost, and no look-back lacks one.

Each begins on Friday 2026-11-20 at 14:30 UTC, when New York opens; its minutes count from there.
"""

from datetime import timedelta

import pytest
from minutes_of_a_producer import MINUTE, World, utc

from producer.planning.planner import Plan

OPENING = utc(20, 14, 30)
SPAN = (utc(19, 14), utc(21, 0))


def run_with_a_refusing_stream(world: World, first: int, after: int, until: int) -> None:
    world.run(OPENING, OPENING + first * MINUTE)
    world.stream.refuses = True
    world.run(OPENING + first * MINUTE, OPENING + after * MINUTE)
    world.stream.refuses = False
    world.run(OPENING + after * MINUTE, OPENING + until * MINUTE)


def lost_and_broken(world: World, until: int) -> dict[str, tuple[int, int]]:
    """Of each instrument: bars that ended by a minute and are not sent, and look-backs that lack some."""
    end = OPENING + (until - 5) * MINUTE
    return {
        each.name: (
            len(world.missing(each.name, OPENING, end)),
            len(world.broken_lookbacks(each.name)),
        )
        for each in world.instruments
        if world.market.times[each.name]
    }


def test_one_coin_on_alpaca_and_a_stream_that_refuses_for_27_minutes() -> None:
    world = World("crypto:BTC/USD", Plan(None, 10), SPAN, alpaca=True)

    run_with_a_refusing_stream(world, 5, 32, 90)

    assert lost_and_broken(world, 90) == {"crypto:BTC/USD": (0, 0)}


def test_two_equities_on_alpaca_and_a_stream_that_refuses_for_55_minutes() -> None:
    world = World("IBM,MSFT", Plan(None, 10), SPAN, alpaca=True)

    run_with_a_refusing_stream(world, 5, 60, 120)

    assert lost_and_broken(world, 120) == {"IBM": (0, 0), "MSFT": (0, 0)}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("plan", [Plan(None, 1), Plan(None, 2), Plan(25, 2)], ids=str)
def test_alpha_vantage_and_a_stream_that_refuses_for_two_hours(plan: Plan) -> None:
    world = World("IBM", plan, SPAN)

    run_with_a_refusing_stream(world, 5, 125, 240)

    assert lost_and_broken(world, 220) == {"IBM": (0, 0)}


def test_a_symbol_without_bars_beside_an_equity_while_alpaca_is_down_for_150_minutes() -> None:
    world = World("IBM,XYZ", Plan(None, 10), SPAN, alpaca=True, silent=["XYZ"])

    world.run(OPENING, OPENING + 30 * MINUTE)
    world.server.refuse = lambda _parameters: ConnectionError("down")
    world.run(OPENING + 30 * MINUTE, OPENING + 180 * MINUTE)
    world.server.refuse = lambda _parameters: None
    world.run(OPENING + 180 * MINUTE, OPENING + 300 * MINUTE)

    assert lost_and_broken(world, 300) == {"IBM": (0, 0)}


def test_a_crash_between_the_stream_and_the_ledger_repeats_and_loses_nothing() -> None:
    world = World("IBM", Plan(None, 10), SPAN, alpaca=True)
    world.run(OPENING, OPENING + 10 * MINUTE)
    page = world.ledger_item.page
    world.run(OPENING + 10 * MINUTE, OPENING + 20 * MINUTE)
    # The ledger that stands is the one from before; the tail is ahead of it.
    world.ledger_item.page = page._replace(version=world.ledger_item.page.version)
    world.clock.now += timedelta(minutes=60)
    world.run(OPENING + 80 * MINUTE, OPENING + 90 * MINUTE)

    assert lost_and_broken(world, 90) == {"IBM": (0, 0)}
