"""The pipeline's picture: what it says of each stage."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stockstream_operate.page.pipeline_picture import (
    list_alarms,
    list_notices,
    say_quota,
    shape_stages,
)
from stockstream_operate.stack_alarms import AlarmChange, StackAlarm
from stockstream_operate.stack_report import StackReport

NOW = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
NUMBERS = {"requests": 61.0, "published": 183.0, "revised": 2.0, "enriched": 182.0, "rejected": 1.0}


def ring(name: str) -> StackAlarm:
    return StackAlarm(name, is_alarming=True, since=NOW, words="It is broken.")


def draw(report: StackReport, *, runs: bool | None = True) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in shape_stages(report, 1234, runs=runs)}


def test_each_stage_says_what_passed() -> None:
    delays = {"delay_p50": 31.4, "delay_p99": 58.6}
    numbers = NUMBERS | delays | {"failures": 3.0, "behind": 250.0, "waiting": 4.0}
    stages = draw(StackReport((), (), numbers, parameters={"Provider": "alpaca"}))

    assert {name: each["says"] for name, each in stages.items()} == {
        "Source": ["alpaca", "61 requests", "3 failed"],
        "Stream": [
            "183 bars sent",
            "2 revised",
            "31 s after a bar's end, p99 59 s",
            "read 0.2 s later",
        ],
        "Transform": ["182 bars enriched", "1 refused"],
        "Lake": ["1,234 bars delivered", "4 s on the way"],
    }
    assert {each["state"] for each in stages.values()} == {"works"}


@pytest.mark.parametrize(
    ("alarm", "stage"),
    [
        ("ProviderFailuresAlarm", "Source"),
        ("BarStreamStaleAlarm", "Stream"),
        ("TransformErrorsAlarm", "Transform"),
        ("DeliveryFailingAlarm", "Lake"),
    ],
)
def test_an_alarm_stands_at_its_stage(alarm: str, stage: str) -> None:
    stages = draw(StackReport((ring(alarm),), (), NUMBERS))

    assert stages[stage]["state"] == "in alarm"
    assert stages[stage]["why"] == alarm
    assert {each["state"] for name, each in stages.items() if name != stage} == {"works"}


def test_what_is_not_known_is_not_said_to_work() -> None:
    def states(report: StackReport, *, runs: bool | None = True) -> set[str]:
        return {each["state"] for each in draw(report, runs=runs).values()}

    assert states(StackReport()) == {"not known"}
    assert states(StackReport((), (), {})) == {"waits"}
    assert states(StackReport((), (), NUMBERS), runs=False) == {"stopped"}
    assert draw(StackReport())["Lake"]["says"] == ["1,234 bars delivered"]


def test_the_quota_is_what_is_left_of_the_plan() -> None:
    def say(a_day: str | None, left: float | None) -> str:
        parameters = {} if a_day is None else {"RequestsPerDay": a_day}
        return say_quota(StackReport(numbers={} if left is None else {"quota": left}, parameters=parameters))

    assert say("25", 12.0) == "12 of 25"
    assert say("25", 0.0) == "0 of 25"
    assert say("0", None) == "no limit"
    # Before the first request of a stack.
    assert say("25", None) == say(None, None) == ""


def test_alarms_and_notices_that_are_not_known_are_not_none() -> None:
    assert list_alarms(StackReport()) is None
    assert list_notices(StackReport(), NOW) is None

    quiet = StackAlarm("HolesFoundAlarm", is_alarming=False, since=NOW, words="")
    listed = list_alarms(StackReport((quiet, ring("DeadLettersAlarm"))))
    assert listed == {
        "watched": 2,
        "in_alarm": [{"name": "DeadLettersAlarm", "since": NOW.timestamp(), "words": "It is broken."}],
    }


def test_only_the_last_notices_are_listed() -> None:
    changes = [AlarmChange(f"alarm {place}", NOW, is_alarming=True, words="") for place in range(9)]

    notices = list_notices(StackReport(changes=changes), NOW)
    assert notices is not None
    assert [each["name"] for each in notices] == ["alarm 0", "alarm 1", "alarm 2", "alarm 3"]
    assert notices[0]["at"] == "17:00 UTC"
