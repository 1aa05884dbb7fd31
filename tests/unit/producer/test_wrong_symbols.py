"""A symbol that Alpaca does not know, from the beginning, beside one that is traded."""

import json
from io import StringIO

from minutes_of_a_producer import MINUTE, World, utc

from producer.planning.planner import Plan

OPENING = utc(20, 14, 30)


def test_it_is_told_once_by_name_and_asked_for_ever_more_seldom(log: StringIO) -> None:
    world = World("IBM,XYZ", Plan(None, 5), (utc(9, 0), utc(28, 0)), alpaca=True, silent=["XYZ"])

    world.run(OPENING, OPENING + 180 * MINUTE)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [line for line in lines if line["message"] == "instrument silent"]
    assert [line["instrument"] for line in told] == ["XYZ"]
    assert "Correct Instruments" in told[0]["detail"]
    # From 14:32 on after 2, 4, 8, 16, 32 and 64 minutes, twice each: for a hundred bars, and for two weeks.
    asked = [parameters for _, parameters in world.server.asked if "XYZ" in parameters["symbols"].split(",")]
    assert len(asked) == 2 * 7
    assert sum(line["message"] == "provider failed" for line in lines) == 7
    assert world.missing("IBM", OPENING, OPENING + 170 * MINUTE) == []
