from dataclasses import replace

import pytest

from alert.alarms import Alarm, Trigger
from alert.facts import Fact, alarm_facts, format_duration
from stockstream.alarm_words import AlarmState


def alarm(trigger: Trigger | None, reason: str = "", children: tuple[str, ...] = ()) -> Alarm:
    return Alarm("a", "", "", "", AlarmState.ALARM, "", reason, None, trigger, "", children)


def threshold(comparison: str, limit: float | None, periods: int | None, datapoints: int | None) -> str:
    trigger = Trigger("m", "", (), comparison, limit, 300, periods, datapoints)
    return dict(alarm_facts(alarm(trigger), None)).get("Threshold", "")


def value(number: str) -> str:
    return dict(alarm_facts(alarm(None, f"datapoints [{number} (20/11/26 20:58:00)]"), None))["Value"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("3.0", "3"),
        ("0.0", "0"),
        ("-0.125", "-0.125"),
        ("8.333333333333332", "8.33333"),
        ("1.0E-4", "0.0001"),
        ("99999.5", "99,999.5"),
        ("1234567.0", "1,234,567"),
        ("1.0E7", "10,000,000"),
    ],
)
def test_numbers_are_shown_as_people_write_them(number: str, shown: str) -> None:
    assert value(number) == shown


@pytest.mark.parametrize(
    ("periods", "datapoints", "shown"),
    [
        (1, 1, "> 5 in 1 period of 5 min"),
        (3, 2, "> 5 in 2 of 3 periods of 5 min"),
        # A missing DatapointsToAlarm means all of them.
        (3, None, "> 5 in 3 of 3 periods of 5 min"),
        (None, None, "> 5"),
    ],
)
def test_a_threshold_says_how_often_it_must_be_passed(
    periods: int | None, datapoints: int | None, shown: str
) -> None:
    assert threshold(">", 5.0, periods, datapoints) == shown


def test_a_band_whose_edges_are_not_known_is_named_alone() -> None:
    assert threshold("below", None, None, None) == "below the expected band"


@pytest.mark.parametrize("comparison", [">", ">=", "<", "<="])
def test_a_threshold_that_is_missing_is_no_band(comparison: str) -> None:
    assert threshold(comparison, None, 3, 2) == ""


@pytest.mark.parametrize("number", ["1" + "0" * 400 + ".0", "1E999"])
def test_a_value_that_no_number_can_hold_is_left_out(number: str) -> None:
    assert "Value" not in dict(alarm_facts(alarm(None, f"datapoints [{number} (20/11/26 20:58:00)]"), None))


def test_a_threshold_without_comparison_is_a_number() -> None:
    assert threshold("", 5.0, None, None) == "5"


def test_a_trigger_that_says_nothing_gives_no_fact() -> None:
    assert list(alarm_facts(alarm(Trigger("", "", (), "", None, None, None, None)), None)) == []


def test_no_more_than_three_children_are_named() -> None:
    facts = list(alarm_facts(alarm(None, children=("a", "b", "c", "d", "e")), None))

    assert facts == [Fact("Set off by", "a, b, c and 2 more")]


def test_of_an_alarm_that_is_over_the_child_is_the_one_that_ended_last() -> None:
    over = replace(alarm(None, children=("a",)), state=AlarmState.OK)

    assert list(alarm_facts(over, None)) == [Fact("Ended with", "a")]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (10, "10 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_time_span_is_said_in_its_two_largest_units(seconds: int, shown: str) -> None:
    assert format_duration(seconds) == shown
