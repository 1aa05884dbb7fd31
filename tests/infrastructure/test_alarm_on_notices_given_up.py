"""The alarm about the alert function: heard for what was given up, silent for what a retry repairs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from alarm_evaluation import MetricAlarm, Metrics, changes, read_alarms
from resolved_template import ResolvedTemplate

TEMPLATE = ResolvedTemplate()
OF_THE_FUNCTION = frozenset({("FunctionName", "AlertFunction")})
ALARMS = [
    alarm
    for alarm in read_alarms(TEMPLATE.of_kind("AWS::CloudWatch::Alarm"), "AWS/Lambda")
    if alarm.dimensions == OF_THE_FUNCTION
]
FUNCTION = TEMPLATE.of_kind("AWS::Serverless::Function")["AlertFunction"]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def heard(**minutes: Mapping[int, float]) -> list[tuple[int, str]]:
    """The changes of the alarms, in minutes after noon, by what each metric counts in which minute."""
    metrics = Metrics()
    for metric, counted in minutes.items():
        for minute, value in counted.items():
            metrics.add(metric, OF_THE_FUNCTION, NOON + minute * MINUTE, value)
    found = changes(ALARMS, metrics, NOON, NOON + timedelta(hours=1))
    return [(int((change.at - NOON) / MINUTE), change.state) for change in found]


def test_an_attempt_that_the_next_one_repairs_is_not_heard() -> None:
    # Slack's 429 in one minute, its answer in the next; or SNS delivering twice at once.
    assert heard(Invocations={5: 1, 6: 1}, Errors={5: 1}) == []
    assert heard(Invocations={5: 2, 6: 2}, Errors={5: 2}) == []


def test_an_alarm_that_no_attempt_could_tell_is_heard_once_and_ends() -> None:
    # Lambda waits a minute before the second attempt, and two before the third.
    found = heard(Invocations={5: 1, 6: 1, 8: 1}, Errors={5: 1, 6: 1, 8: 1}, AsyncEventsDropped={8: 1})

    assert found == [(9, "ALARM"), (24, "OK")]


def test_what_a_throttled_function_does_not_get_to_is_heard_in_a_quarter_of_an_hour() -> None:
    longest = FUNCTION["EventInvokeConfig"]["MaximumEventAgeInSeconds"] // 60

    ((rung, state), *_) = heard(Throttles=dict.fromkeys(range(30), 5), AsyncEventsDropped={longest: 1})

    assert (rung <= 15, state) == (True, "ALARM")


def test_the_attempts_are_over_before_an_event_is_too_old() -> None:
    # The pauses of Lambda, and so often the function's own time.
    attempts = 1 + FUNCTION["EventInvokeConfig"]["MaximumRetryAttempts"]

    assert (
        60 + 120 + attempts * FUNCTION["Timeout"] < FUNCTION["EventInvokeConfig"]["MaximumEventAgeInSeconds"]
    )


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_it_is_heard_by_people_whom_the_function_cannot_reach(alarm: MetricAlarm) -> None:
    properties = TEMPLATE.of_kind("AWS::CloudWatch::Alarm")[alarm.name]

    assert properties["AlarmActions"] == ["NoticeTopic"]
