import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from alert.alarms import Alarm, Trigger, parse_alarm
from stockstream.alarm_words import AlarmState

type LoadEvent = Callable[[str], dict[str, Any]]
type AlarmOf = Callable[[str], Alarm]


@pytest.fixture
def alarm_of(load_event: LoadEvent) -> AlarmOf:
    def parse(name: str) -> Alarm:
        alarm = parse_alarm(load_event(name)["Records"][0]["Sns"]["Message"])
        assert alarm
        return alarm

    return parse


def test_reads_a_metric_alarm(alarm_of: AlarmOf) -> None:
    alarm = alarm_of("alarm-metric")

    assert alarm.name == "stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F"
    assert (alarm.previous_state, alarm.state) == ("OK", AlarmState.ALARM)
    assert alarm.changed_at == datetime(2026, 11, 20, 20, 59, 4, 677000, tzinfo=UTC)
    assert alarm.trigger == Trigger(
        metric="AWS/Lambda Errors",
        statistic="Sum",
        dimensions=("FunctionName=stockstream-prod-TransformFunction-x3v9K2mQ7LpZ",),
        comparison=">=",
        threshold=1.0,
        period=60,
        periods=1,
        datapoints=1,
        metric_names=("Errors",),
    )


def test_a_metric_math_alarm_is_named_by_what_it_compares_and_not_by_its_ingredients(
    alarm_of: AlarmOf,
) -> None:
    trigger = alarm_of("alarm-metric-math").trigger

    assert trigger == Trigger(
        "refused bars, in percent", "", (), ">", 5.0, 300, 3, 2, ("BarsRejected", "BarsEnriched")
    )


def test_an_anomaly_alarm_is_named_by_its_metric_and_not_by_its_band(alarm_of: AlarmOf) -> None:
    trigger = alarm_of("alarm-anomaly").trigger

    assert trigger == Trigger(
        "Stockstream BarsPublished",
        "Sum",
        ("service=producer",),
        "outside",
        None,
        300,
        2,
        2,
        ("BarsPublished",),
    )


@pytest.mark.parametrize(
    ("name", "metric"),
    [("alarm-metric-math", "refused bars, in percent"), ("alarm-anomaly", "Stockstream BarsPublished")],
)
def test_the_order_of_the_metrics_does_not_matter(load_event: LoadEvent, name: str, metric: str) -> None:
    message = json.loads(load_event(name)["Records"][0]["Sns"]["Message"])
    message["Trigger"]["Metrics"].reverse()

    alarm = parse_alarm(json.dumps(message))

    assert alarm
    assert alarm.trigger
    assert alarm.trigger.metric == metric


def test_reads_a_composite_alarm_which_has_no_trigger(alarm_of: AlarmOf) -> None:
    alarm = alarm_of("alarm-composite")

    assert alarm.trigger is None
    assert alarm.children == ("stockstream-prod-ProducerErrorsAlarm-9V8U7T6S5R4Q",)
    assert alarm.rule == (
        "ALARM(stockstream-prod-ProducerErrorsAlarm-9V8U7T6S5R4Q)"
        " OR ALARM(stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F)"
    )


def test_reads_a_log_alarm_which_has_no_trigger(alarm_of: AlarmOf) -> None:
    alarm = alarm_of("alarm-log")

    assert (alarm.trigger, alarm.rule, alarm.children) == (None, "", ())
    assert alarm.description.startswith("[critical] The provider refused the API key.")


def test_takes_an_alarm_without_description(alarm_of: AlarmOf) -> None:
    assert alarm_of("alarm-insufficient-data").description == ""


@pytest.mark.parametrize("name", ["a:colon", "naïve ☂", "Ünïcode"])
def test_keeps_the_whole_name_of_a_child(name: str) -> None:
    text = json.dumps(
        {
            "AlarmName": "parent",
            "NewStateValue": "ALARM",
            "TriggeringChildren": [{"Arn": f"arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:{name}"}],
        }
    )

    alarm = parse_alarm(text)

    assert alarm
    assert alarm.children == (name,)


@pytest.mark.parametrize(
    ("trigger", "statistic"),
    [
        ({"StatisticType": "Statistic", "Statistic": "SAMPLE_COUNT"}, "SampleCount"),
        ({"StatisticType": "ExtendedStatistic", "ExtendedStatistic": "p99"}, "p99"),
        ({"StatisticType": "ExtendedStatistic", "ExtendedStatistic": "TM(10%:90%)"}, "TM(10%:90%)"),
        ({"MetricName": "Errors"}, ""),
    ],
)
def test_says_the_statistic_as_people_write_it(trigger: dict[str, str], statistic: str) -> None:
    alarm = parse_alarm(json.dumps({"AlarmName": "a", "NewStateValue": "OK", "Trigger": trigger}))

    assert alarm
    assert alarm.trigger
    assert alarm.trigger.statistic == statistic


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing is wrong.",
        "[]",
        "{}",
        '{"AlarmName": "a"}',
        '{"AlarmName": "a", "NewStateValue": "WORRIED"}',
        '{"AlarmName": "a", "NewStateValue": ["ALARM"]}',
        '{"AlarmName": "", "NewStateValue": "ALARM"}',
        '{"AlarmName": {"name": "a"}, "NewStateValue": "ALARM"}',
        "[" * 100_000,
    ],
)
def test_a_text_that_holds_no_alarm_is_none(text: str) -> None:
    assert parse_alarm(text) is None


def test_what_has_an_unexpected_type_counts_as_missing() -> None:
    text = json.dumps(
        {
            "AlarmName": "a",
            "NewStateValue": "ALARM",
            "AlarmDescription": 7,
            "StateChangeTime": 1694188024,
            "TriggeringChildren": {"Arn": "x"},
            "Trigger": {
                "Threshold": "1.0",
                "Period": True,
                "Dimensions": [1, {"Name": "a"}],
                "Metrics": [{"MetricStat": 1}],
            },
        }
    )

    alarm = parse_alarm(text)

    assert alarm == Alarm(
        "a",
        "",
        "",
        "",
        AlarmState.ALARM,
        "",
        "",
        None,
        Trigger("", "", (), "", None, None, None, None),
        "",
        (),
    )


@pytest.mark.parametrize("digits", [310, 5000])
def test_a_number_that_is_too_large_counts_as_missing_and_the_alarm_is_read(digits: int) -> None:
    trigger = '{"MetricName": "m", "Threshold": #, "Period": #}'.replace("#", digits * "9")

    alarm = parse_alarm(f'{{"AlarmName": "a", "NewStateValue": "ALARM", "Trigger": {trigger}}}')

    assert alarm
    assert alarm.trigger
    assert (alarm.trigger.threshold, alarm.trigger.period, alarm.trigger.metric) == (None, None, "m")
