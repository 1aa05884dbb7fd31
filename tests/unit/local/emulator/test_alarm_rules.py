"""When alarms ring: the tables of CloudWatch's user guide, and windows worked by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stockstream.alarm_words import AlarmState
from stockstream_local.emulator.alarm_rules import Rule, decide_state, evaluate

ALARM, OK, NO_DATA = AlarmState.ALARM, AlarmState.OK, AlarmState.INSUFFICIENT_DATA
ERRORS = Rule("Sum", 60, 3, 3, "GreaterThanOrEqualToThreshold", 1, "notBreaching")
FIVE = datetime(2026, 11, 24, 5, 0, tzinfo=UTC).timestamp()


def minute(number: int, second: float = 0) -> float:
    return FIVE + 60 * number + second


# Oldest first, as the guide writes them: X breaches, 0 does not, - is missing. "keep" keeps the state so far.
@pytest.mark.parametrize(
    ("row", "datapoints", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", 3, "OK", "OK", "OK", "OK"),
        ("- - - - 0", 3, "OK", "OK", "OK", "OK"),
        ("- - - - -", 3, "INSUFFICIENT_DATA", "keep", "ALARM", "OK"),
        ("0 X X - X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("- - X - -", 3, "ALARM", "keep", "ALARM", "OK"),
        ("0 - X - X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 0 X 0 X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 - X - -", 2, "OK", "OK", "ALARM", "OK"),
        ("- - - - 0", 2, "OK", "OK", "ALARM", "OK"),
        ("- - - X -", 2, "ALARM", "keep", "ALARM", "OK"),
    ],
)
@pytest.mark.parametrize("before", AlarmState)
def test_decides_as_the_tables_of_the_user_guide_do(
    row: str,
    datapoints: int,
    missing: str,
    ignore: str,
    breaching: str,
    not_breaching: str,
    before: AlarmState,
) -> None:
    newest_first = [{"X": True, "0": False, "-": None}[each] for each in reversed(row.split())]
    expected = {
        "missing": missing,
        "ignore": ignore,
        "breaching": breaching,
        "notBreaching": not_breaching,
    }

    told = {
        treatment: decide_state(
            newest_first, replace(ERRORS, datapoints=datapoints, missing=treatment), before
        )
        for treatment in expected
    }

    assert told == {name: before if state == "keep" else state for name, state in expected.items()}


@pytest.mark.parametrize("row", ["- - - - X", "- - - X -"])
def test_one_breach_among_missing_data_is_not_yet_an_alarm(row: str) -> None:
    # The guide: "the alarm does not go immediately into ALARM state" with 3 datapoints to alarm.
    newest_first = [{"X": True, "-": None}[each] for each in reversed(row.split())]

    assert decide_state(newest_first, replace(ERRORS, missing="missing"), OK) is OK


#  minute      0   1   2   3   4   5 | now
#  errors      1   0   2   0   1   0 | 1
def test_counts_m_of_n_whole_minutes() -> None:
    rule = replace(ERRORS, periods=5, datapoints=3)
    errors = [
        (minute(0), 1.0),
        (minute(1), 0.0),
        (minute(2, 10), 2.0),
        (minute(3), 0.0),
        (minute(4, 59.9), 1.0),
    ]

    assert evaluate(rule, errors, minute(5, 3), OK).state is ALARM
    # THEN the oldest drops out with the next minute, and one that is still going on does not count
    errors += [(minute(5), 0.0), (minute(6, 1), 1.0)]
    assert evaluate(rule, errors, minute(6, 3), ALARM).state is OK


# Real data that is older than N periods counts where newer data is missing.
#  minute      0   1   2   3   4   5   6 | now
#  errors      1   -   2   0   1   -   - |
def test_looks_two_periods_further_back_where_data_is_missing() -> None:
    rule = replace(ERRORS, periods=5, datapoints=3)
    errors = [(minute(0), 1.0), (minute(2), 2.0), (minute(3), 0.0), (minute(4), 1.0)]

    assert evaluate(rule, errors, minute(7, 3), OK).state is ALARM
    assert evaluate(rule, errors, minute(8, 3), ALARM).state is OK


def test_what_one_period_holds_is_summed() -> None:
    rule = replace(ERRORS, periods=1, datapoints=1, threshold=4, period=300)
    points = [(minute(number), 1.0) for number in range(4)]

    assert evaluate(rule, points, minute(4, 3), OK).state is ALARM
    assert evaluate(rule, points[:3], minute(4, 3), OK).state is OK


def test_windows_of_five_minutes_slide_by_the_minute() -> None:
    rule = replace(ERRORS, periods=1, datapoints=1, threshold=1, period=300)
    zeros = [(minute(number), 0.0) for number in range(-5, 12)]

    states = [evaluate(rule, [*zeros, (minute(0, 30), 1.0)], minute(now, 3), OK).state for now in range(8)]

    assert states == [OK, ALARM, ALARM, ALARM, ALARM, ALARM, OK, OK]


@pytest.mark.parametrize(
    ("statistic", "value"), [("Sum", 6), ("Average", 2), ("Minimum", 1), ("Maximum", 3), ("SampleCount", 3)]
)
def test_knows_the_statistics(statistic: str, value: float) -> None:
    points = [(minute(0, second), float(second)) for second in (1, 2, 3)]
    rule = replace(ERRORS, statistic=statistic, periods=1, datapoints=1, threshold=value)

    assert evaluate(rule, points, minute(1), OK).state is ALARM
    assert evaluate(replace(rule, threshold=value + 1), points, minute(1), ALARM).state is OK


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanOrEqualToThreshold", [OK, ALARM, ALARM]),
        ("GreaterThanThreshold", [OK, OK, ALARM]),
        ("LessThanThreshold", [ALARM, OK, OK]),
        ("LessThanOrEqualToThreshold", [ALARM, ALARM, OK]),
    ],
)
def test_knows_the_comparisons(comparison: str, states: list[AlarmState]) -> None:
    rule = replace(ERRORS, periods=1, datapoints=1, comparison=comparison, threshold=2)

    told = [evaluate(rule, [(minute(0), value)], minute(1), OK).state for value in (1.0, 2.0, 3.0)]

    assert told == states


def test_the_reason_is_cloudwatchs_sentence() -> None:
    # As in events/alarm-metric.json, which is CloudWatch's.
    at = datetime(2026, 11, 20, 20, 58, tzinfo=UTC).timestamp()
    rule = Rule("Sum", 60, 1, 1, "GreaterThanOrEqualToThreshold", 1, "notBreaching")

    assert evaluate(rule, [(at + 5, 3.0)], at + 63, OK).reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (20/11/26 20:58:00)] was greater than or "
        "equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_the_reason_says_what_was_made_of_missing_data() -> None:
    assert evaluate(ERRORS, [], FIVE, OK).reason == (
        "Threshold Crossed: no datapoints were received for 3 periods and "
        "3 missing datapoints were treated as [NonBreaching]."
    )
    assert evaluate(replace(ERRORS, missing="missing"), [], FIVE, OK).reason == (
        "Insufficient Data: 3 datapoints were unknown."
    )


def test_reads_a_rule_as_describe_alarms_tells_it() -> None:
    alarm = {
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1.0,
        "TreatMissingData": "breaching",
    }

    assert Rule.of(alarm) == Rule("Sum", 60, 5, 3, "GreaterThanOrEqualToThreshold", 1.0, "breaching")
    # THEN all periods have to breach where nobody says how many, and missing data is missing
    del alarm["DatapointsToAlarm"], alarm["TreatMissingData"]
    assert Rule.of(alarm) == Rule("Sum", 60, 5, 5, "GreaterThanOrEqualToThreshold", 1.0, "missing")


def test_has_no_rule_for_alarms_of_other_kinds() -> None:
    assert Rule.of({"ComparisonOperator": "LessThanLowerThreshold", "ThresholdMetricId": "band"}) is None
    assert Rule.of({"ComparisonOperator": "GreaterThanThreshold", "ExtendedStatistic": "p99"}) is None


def test_an_alarm_on_metric_math_has_the_period_of_its_metrics() -> None:
    stat = {"Metric": {}, "Stat": "Sum", "Period": 300}
    alarm = {
        "Metrics": [{"Id": "e", "Expression": "a"}, {"Id": "a", "MetricStat": stat, "ReturnData": False}],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
    }

    assert Rule.of(alarm) == Rule("", 300, 1, 1, "GreaterThanThreshold", 0, "missing")
