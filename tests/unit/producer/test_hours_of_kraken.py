"""Hours of a coin with Kraken, whose answers show twelve hours and nothing before them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import requests
from minutes_of_a_producer import Refusal, World, close_of, utc

from producer.planning.planner import Plan

BTC = "crypto:BTC/USD"
BEGIN = utc(20, 10)
MINUTE = timedelta(minutes=1)


def bitcoin() -> World:
    """Bars of two days; the producer's plan is as documented, a request a second."""
    return World(BTC, Plan(None, 60), (utc(19, 0), utc(21, 0)), kraken=True)


def fail_between(world: World, start: datetime, end: datetime) -> Callable[[dict[str, str]], Refusal | None]:
    return lambda _parameters: requests.ConnectionError() if start <= world.clock.now < end else None


def test_an_outage_that_an_answer_spans_costs_no_bar_and_no_look_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = bitcoin()
    world.run(BEGIN, utc(20, 12))
    # The last answer before it showed 11:58; the first one after it, at 23:58:20, shows 11:59 to 23:58.
    world.run(utc(20, 23, 58), utc(21, 0))

    assert world.missing(BTC, utc(20, 8, 20), utc(20, 23, 59)) == []
    assert world.broken_lookbacks(BTC) == []
    assert "hole found" not in [each.message for each in caplog.records]


def test_a_longer_one_is_a_hole_that_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = bitcoin()
    world.run(utc(19, 9), utc(19, 10))
    world.run(utc(20, 10), utc(20, 10, 30))

    # The answer of 10:00:20 shows 22:01 to 10:00, which is forming.
    missing = world.missing(BTC, utc(19, 9), utc(20, 10, 29))
    assert (missing[0], missing[-1]) == (utc(19, 9, 59), utc(19, 22, 0))
    (hole,) = [each for each in caplog.records if each.message == "hole found"]
    assert hole.__dict__["after"] == "2026-11-19T09:58:00Z"
    assert hole.__dict__["before"] == "2026-11-19T22:01:00Z"


def test_a_coin_is_asked_for_once_a_minute_for_what_is_new() -> None:
    world = bitcoin()

    world.run(BEGIN, utc(20, 14))

    assert len(world.server.asked) == 240
    # The first answer is the newest hundred; each other one is what is new, and twenty bars before it.
    sent = world.stream.of_instrument(BTC)
    assert len(sent) == len({each["id"] for each in sent}) == 100 + 239


@pytest.mark.parametrize("bars_ago", [10, 100])
def test_a_bar_that_is_revised_later_comes_right(bars_ago: int) -> None:
    world = bitcoin()
    revised = utc(20, 12) - bars_ago * MINUTE
    world.server.revisions[revised] = utc(20, 12), close_of(revised) + 1

    world.run(BEGIN, utc(20, 14))

    assert world.stream.documents(BTC)[revised]["close"] == close_of(revised) + 1
    assert world.broken_lookbacks(BTC) == []


def test_a_provider_that_fails_for_an_hour_loses_nothing() -> None:
    world = bitcoin()
    world.server.refuse = fail_between(world, utc(20, 11), utc(20, 12))

    world.run(BEGIN, utc(20, 13))

    assert world.missing(BTC, utc(20, 8, 20), utc(20, 12, 59)) == []
    assert world.broken_lookbacks(BTC) == []
