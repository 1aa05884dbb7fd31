"""After a gap: what a provider shows is sent, and a long answer that it refuses is not asked for each time.

Friday 2026-11-20 and Monday the 23rd are ordinary days of New York: 14:30 to 21:00 UTC, 390 bars.
"""

import json
from collections.abc import Callable, Mapping

import pytest
import requests
from minutes_of_a_producer import Refusal, World, utc

from producer.planning.planner import Plan

BURST = "Please consider spreading out your free API requests more sparingly (1 request per second)."
REFUSALS: Mapping[str, Refusal] = {
    "not entitled": json.dumps(
        {"Information": "The outputsize=full parameter value is a premium feature"}
    ).encode(),
    "invalid": json.dumps({"Error Message": "Invalid API call. Please retry or visit the docs"}).encode(),
    "burst": json.dumps({"Information": BURST}).encode(),
    "daily quota": json.dumps({"Information": "our standard rate limit is 25 requests per day"}).encode(),
    "minute limit": json.dumps({"Information": "Minute-level rate limit exceeded"}).encode(),
    "empty": b"{}",
    "time-out": requests.ReadTimeout("read timed out"),
    "no JSON": b"<html>",
}


def refuse_long_answers(refusal: Refusal) -> Callable[[dict[str, str]], Refusal | None]:
    return lambda parameters: refusal if parameters["outputsize"] == "full" else None


def ibm_after_three_hours(a_minute: int, refusal: Refusal | None) -> World:
    """Friday without runs from 16:00 to 19:00 UTC, and Monday whole."""
    world = World("IBM", Plan(25, a_minute), (utc(16, 14), utc(24, 0)))
    if refusal is not None:
        world.server.refuse = refuse_long_answers(refusal)
    world.run(utc(20, 14, 25), utc(20, 16))
    world.run(utc(20, 19), utc(20, 21, 35))
    world.run(utc(23, 14, 25), utc(23, 21, 35))
    return world


@pytest.mark.sampled(4)
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("a_minute", [1, 2])
def test_a_long_answer_that_is_refused_costs_the_bars_that_the_short_one_does_not_show_and_no_more(
    caplog: pytest.LogCaptureFixture, a_minute: int, refusal: Refusal
) -> None:
    world = ibm_after_three_hours(a_minute, refusal)

    missing = world.missing("IBM", utc(20, 14), utc(24, 0))
    # At 19:00:20 the short answer shows the bars of 17:21 to 19:00. The day's 25 requests are 16.25 minutes
    # apart, so that the last one before the outage showed a bar of 15:43 or later.
    assert utc(20, 17, 20) == missing[-1]
    assert utc(20, 15, 44) <= missing[0] <= utc(20, 16)
    assert (missing[-1] - missing[0]).total_seconds() / 60 + 1 == len(missing)
    (hole,) = [each for each in caplog.records if each.message == "hole found"]
    assert hole.__dict__["before"] == "2026-11-20T17:21:00Z"
    assert world.sent("IBM", utc(23, 14), utc(24, 0)) == 390


@pytest.mark.parametrize("a_minute", [1, 2])
def test_a_long_answer_fills_the_gap_also_where_a_run_may_make_one_request(a_minute: int) -> None:
    world = ibm_after_three_hours(a_minute, None)

    assert world.missing("IBM", utc(20, 14), utc(24, 0)) == []
    assert world.broken_lookbacks("IBM") == []
    assert [each["outputsize"] for each in world.requests(utc(20, 19), utc(20, 22))].count("full") == 1


TEN = "IBM,MSFT,AAPL,NVDA,AMZN,GOOG,META,TSLA,ORCL,INTC"


def test_what_an_outage_over_the_close_kept_back_comes_the_same_evening() -> None:
    # A plan that limits a day's requests spreads them over it, so that none is left in the evening.
    world = World("IBM", Plan(None, 75), (utc(16, 14), utc(24, 0)))
    down = [utc(20, 20, 45), utc(20, 23)]
    world.server.refuse = lambda _parameters: (
        requests.ReadTimeout("read timed out") if down[0] <= world.clock.now < down[1] else None
    )
    world.run(utc(20, 20), utc(21, 3))

    assert world.missing("IBM", utc(20, 20), utc(21, 0)) == []
    last = world.stream.documents("IBM")[utc(20, 20, 59)]
    assert "2026-11-20T23:00" <= last["as_of"] <= "2026-11-20T23:02"
    # Then it is night, and nobody is asked.
    assert world.requests(utc(20, 23, 3), utc(21, 3)) == []


def test_what_only_a_long_answer_shows_after_the_close_comes_the_same_evening() -> None:
    # Down from 16:00 until after the close, and then without long answers until 21:50.
    world = World("IBM", Plan(None, 75), (utc(16, 14), utc(24, 0)))

    def refuse(parameters: dict[str, str]) -> Refusal | None:
        now = world.clock.now
        is_long = parameters["outputsize"] == "full"
        is_down = utc(20, 16) <= now < utc(20, 21, 5) or (is_long and now < utc(20, 21, 50))
        return requests.ReadTimeout("read timed out") if is_down else None

    world.server.refuse = refuse
    world.run(utc(20, 15, 45), utc(21, 3))

    assert world.missing("IBM", utc(20, 14), utc(21, 0)) == []
    assert world.broken_lookbacks("IBM") == []
    # The long answer failed at 21:05, and pauses for half an hour, and an hour.
    last = world.requests(utc(20, 21, 50), utc(21, 3))
    assert [each["outputsize"] for each in last].count("full") == 1
    assert world.requests(utc(20, 23), utc(21, 3)) == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("a_minute", [1, 2])
def test_ten_instruments_on_the_default_plan_get_what_25_requests_can_show(
    a_minute: int, refusal: Refusal
) -> None:
    world = World(TEN, Plan(25, a_minute), (utc(16, 14), utc(24, 0)))
    world.server.refuse = refuse_long_answers(refusal)
    for day in (20, 23):
        before = len(world.stream.records)
        world.run(utc(day, 14, 25), utc(day, 21, 35))
        sent = len(world.stream.records) - before
        asked = world.requests(utc(day, 14), utc(day, 22))
        refused = sum(each["outputsize"] == "full" for each in asked)

        assert len(asked) <= 25
        # After a failure the long answer is put off by 30 minutes, then by 1 hour, 2 and 4, of 6.5.
        assert refused <= 4
        # An instrument's turn comes after 156 bars, of which an answer shows 100, one of them forming.
        assert (len(asked) - refused) * 99 <= sent <= 25 * 100


# With one request a minute the short answer and the long one each take a run of their own.
@pytest.mark.parametrize("a_minute", [1, 75])
def test_a_gap_whose_long_answer_failed_is_filled_by_another_process(a_minute: int) -> None:
    world = World("IBM", Plan(None, a_minute), (utc(20, 14, 30), utc(20, 21)))
    world.run(utc(20, 14, 30), utc(20, 15, 30))
    world.server.refuse = lambda _asked: ConnectionError()
    world.run(utc(20, 15, 30), utc(20, 17, 30))
    # The provider is back, but for its long answers.
    world.server.refuse = lambda asked: ConnectionError() if asked["outputsize"] == "full" else None
    world.run(utc(20, 17, 30), utc(20, 17, 35))
    world.new_container()
    world.server.refuse = lambda _asked: None
    world.run(utc(20, 17, 35), utc(20, 17, 40))

    assert world.missing("IBM", utc(20, 14, 30), utc(20, 17, 38)) == []
    assert world.broken_lookbacks("IBM") == []


def test_a_gap_of_weeks_is_filled_by_another_process_too() -> None:
    world = World("IBM", Plan(None, 1), (utc(2, 14, 30), utc(20, 21)))
    world.run(utc(2, 14, 30), utc(2, 14, 40))
    # The producer was paused. Its first run makes the one request of its minute, for the short answer.
    world.run(utc(20, 14, 40), utc(20, 14, 41))
    world.new_container()
    world.run(utc(20, 14, 41), utc(20, 14, 45))

    assert world.missing("IBM", utc(2, 14, 30), utc(20, 14, 43)) == []
