"""Impossible bars: each is reported once, with all of its fields, however long it stays on show."""

import json
from io import StringIO
from typing import Any

import pytest
from minutes_of_a_producer import MINUTE, World, utc

from producer import reported_bars
from producer.planning.planner import Plan
from producer.providers.answers import RejectedBar
from producer.reported_bars import ReportedBars
from stockstream.errors import Reason

OPENING = utc(20, 14, 30)
BAD = {"1. open": "10", "2. high": "9", "3. low": "10", "4. close": "10", "5. volume": "7"}


def lines(log: StringIO, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["message"] == message]


def spoil(world: World, monkeypatch: pytest.MonkeyPatch, *, only: str = "") -> None:
    """Makes the high of Alpha Vantage's bars lower than their low; of one stamp alone, or of all."""
    answer = world.server.answer

    def spoiled(parameters: dict[str, str]) -> dict[str, Any]:
        shown = answer(parameters)
        series = shown["Time Series (1min)"]
        return shown | {
            "Time Series (1min)": {
                stamp: BAD if only in stamp else numbers for stamp, numbers in series.items()
            }
        }

    monkeypatch.setattr(world.server, "answer", spoiled)


def test_a_bad_bar_that_stays_on_show_has_one_line_that_keeps_it(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World("IBM", Plan(None, 5), (utc(16, 0), utc(25, 0)))
    spoil(world, monkeypatch, only="2026-11-20 09:40:00")

    world.run(OPENING, OPENING + 60 * MINUTE)

    (line,) = lines(log, "bar rejected")
    assert (line["instrument"], line["stamp"], line["reason"]) == (
        "IBM",
        "2026-11-20 09:40:00",
        "HIGH_BELOW_LOW",
    )
    assert json.loads(line["shown"]) == BAD
    assert world.missing("IBM", OPENING, OPENING + 50 * MINUTE) == [utc(20, 14, 40)]


def test_an_answer_of_bad_bars_has_a_hundred_lines_and_then_one_for_each_new_bar(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World("IBM", Plan(None, 5), (utc(16, 0), utc(25, 0)))
    spoil(world, monkeypatch)

    # From 14:32 to 15:09 there are 38 answers of a hundred bars; in each but the first one bar is new.
    world.run(OPENING, OPENING + 40 * MINUTE)

    assert len(lines(log, "bar rejected")) == 100 + 37


@pytest.mark.slow
def test_a_long_answer_of_bad_bars_is_not_asked_for_each_minute(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World("IBM", Plan(None, 5), (utc(16, 0), utc(25, 0)))
    world.run(utc(19, 20, 0), utc(19, 20, 30))
    spoil(world, monkeypatch)

    # Half an hour after the gap was found, and an hour later.
    world.run(OPENING + 120 * MINUTE, OPENING + 240 * MINUTE)

    sizes = [asked["outputsize"] for asked in world.requests(OPENING, OPENING + 240 * MINUTE)]
    assert 3 <= sizes.count("full") <= 4
    assert "impossible" in lines(log, "longer answer did not come")[0]["detail"]


def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported_bars, "_MOST_REMEMBERED", 2)
    reported = ReportedBars()
    one, two, three = (RejectedBar(stamp, Reason.BAD_TIME, "", "{}") for stamp in "123")

    assert [reported.is_new("IBM", each) for each in (one, two, three, three, two, one)] == [
        True, True, True, False, False, True,
    ]  # fmt: skip


def test_the_same_stamp_with_other_numbers_or_of_another_instrument_is_new() -> None:
    reported = ReportedBars()

    assert reported.is_new("IBM", RejectedBar("1", Reason.BAD_PRICE, "", "{}"))
    assert reported.is_new("MSFT", RejectedBar("1", Reason.BAD_PRICE, "", "{}"))
    assert reported.is_new("IBM", RejectedBar("1", Reason.BAD_PRICE, "", '{"o": 0}'))
