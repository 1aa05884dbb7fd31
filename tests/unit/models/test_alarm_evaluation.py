"""The model of CloudWatch's evaluation, against the tables of AWS's documentation and cases worked by hand.

In the tables X is a breaching datapoint, 0 one that is not, and - a missing one; the newest is the last.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alarm_evaluation import (
    Change,
    MetricAlarm,
    Metrics,
    changes,
    composite_changes,
    evaluate,
    is_true,
    read_alarms,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SERVICE = frozenset({("service", "producer")})
ALARM = MetricAlarm(
    "TestAlarm", "m", SERVICE, "Maximum", MINUTE, 3, 3, 1.0, "GreaterThanOrEqualToThreshold", "notBreaching"
)


def minutes(points: str) -> dict[datetime, list[float]]:
    """The minutes before noon, the newest last."""
    values = {"X": [1.0], "0": [0.0]}
    return {
        NOON - (number + 1) * MINUTE: values[point]
        for number, point in enumerate(reversed(points.split()))
        if point != "-"
    }


@pytest.mark.parametrize(
    ("points", "breaching", "not_breaching"),
    [
        ("0 - X - X", "OK", "OK"),
        ("0 - - - -", "OK", "OK"),
        ("- - - - -", "ALARM", "OK"),
        ("0 X X - X", "ALARM", "ALARM"),
        ("- - X - -", "ALARM", "OK"),
    ],
)
def test_three_of_three_is_what_aws_documents(points: str, breaching: str, not_breaching: str) -> None:
    found = [
        evaluate(ALARM._replace(treat_missing_data=treatment), minutes(points), NOON)
        for treatment in ("breaching", "notBreaching")
    ]
    assert found == [breaching, not_breaching]


@pytest.mark.parametrize(
    ("points", "breaching", "not_breaching"),
    [
        ("0 - X - X", "ALARM", "ALARM"),
        ("0 0 X 0 X", "ALARM", "ALARM"),
        ("0 - X - -", "ALARM", "OK"),
        ("- - - - 0", "ALARM", "OK"),
        ("- - - X -", "ALARM", "OK"),
    ],
)
def test_two_of_three_is_what_aws_documents(points: str, breaching: str, not_breaching: str) -> None:
    found = [
        evaluate(ALARM._replace(datapoints_to_alarm=2, treat_missing_data=treatment), minutes(points), NOON)
        for treatment in ("breaching", "notBreaching")
    ]
    assert found == [breaching, not_breaching]


def test_a_state_that_depends_on_the_one_before_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="TestAlarm: TreatMissingData ignore"):
        evaluate(ALARM._replace(treat_missing_data="ignore"), {}, NOON)


@pytest.mark.parametrize(
    ("statistic", "threshold", "state"),
    [
        ("Sum", 6.0, "ALARM"),
        ("Sum", 6.1, "OK"),
        ("Maximum", 3.0, "ALARM"),
        ("Maximum", 3.1, "OK"),
        ("Average", 2.0, "ALARM"),
        ("Average", 2.1, "OK"),
        ("SampleCount", 3.0, "ALARM"),
    ],
)
def test_a_period_is_one_datapoint_of_all_its_values(statistic: str, threshold: float, state: str) -> None:
    alarm = ALARM._replace(
        statistic=statistic,
        threshold=threshold,
        period=5 * MINUTE,
        evaluation_periods=1,
        datapoints_to_alarm=1,
    )
    # The first minute of the five, and the last.
    values = {NOON - 5 * MINUTE: [1.0, 2.0], NOON - MINUTE: [3.0], NOON: [100.0]}

    assert evaluate(alarm, values, NOON) == state


def test_the_window_slides_and_clears_once_the_data_is_out_of_its_range() -> None:
    metrics = Metrics()
    metrics.add("m", SERVICE, NOON, 1.0)
    alarm = ALARM._replace(period=5 * MINUTE, evaluation_periods=1, datapoints_to_alarm=1)

    found = changes([alarm], metrics, NOON, NOON + timedelta(hours=1))

    # Evaluated at 12:01 for the first time. Then the datapoint is the newest there is within 3 periods.
    assert found == [
        Change(NOON + MINUTE, "TestAlarm", "ALARM"),
        Change(NOON + 16 * MINUTE, "TestAlarm", "OK"),
    ]


def test_values_come_from_lines_of_the_embedded_metric_format() -> None:
    metrics = Metrics()
    line = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {"Namespace": "s", "Dimensions": [["service"]], "Metrics": [{"Name": "m"}, {"Name": "n"}]}
            ],
        },
        "service": "producer",
        "m": [1.0, 2.0],
        "n": 3,
    }
    metrics.add_line(json.dumps(line), NOON + timedelta(seconds=42))

    assert metrics.minutes(ALARM) == {NOON: [1.0, 2.0]}
    assert metrics.minutes(ALARM._replace(metric="n")) == {NOON: [3]}
    assert metrics.minutes(ALARM._replace(dimensions=frozenset({("service", "transform")}))) == {}


def test_reads_the_alarms_of_the_stacks_own_metrics_from_a_template() -> None:
    properties = {
        "Namespace": "prod",
        "MetricName": "m",
        "Dimensions": [{"Name": "service", "Value": "producer"}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": "1",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    alarms: dict[str, dict[str, Any]] = {
        "TestAlarm": properties,
        "Other": {**properties, "Namespace": "AWS/Lambda"},
        "Math": {"Metrics": []},
    }

    assert read_alarms(alarms, "prod") == [ALARM]


@pytest.mark.parametrize(
    ("ringing", "expected"),
    [("", False), ("A", True), ("B", True), ("B C", False), ("C", False), ("A C", True)],
)
def test_a_composite_alarm_rings_where_its_rule_is_true(ringing: str, expected: bool) -> None:  # noqa: FBT001
    rule = 'ALARM("A") OR\n(ALARM("B") AND NOT ALARM("C"))'

    assert is_true(rule, ringing.split()) is expected


def test_a_composite_alarm_rings_from_its_first_child_to_its_last() -> None:
    found = [
        Change(NOON + minute * MINUTE, alarm, state)
        for minute, alarm, state in [
            (1, "A", "ALARM"),
            (2, "B", "ALARM"),
            (3, "A", "OK"),
            # One that ends as another begins leaves no gap.
            (4, "B", "OK"),
            (4, "C", "ALARM"),
            (9, "C", "OK"),
        ]
    ]

    assert composite_changes("Down", 'ALARM("A") OR ALARM("B") OR ALARM("C")', found) == [
        Change(NOON + MINUTE, "Down", "ALARM"),
        Change(NOON + 9 * MINUTE, "Down", "OK"),
    ]
