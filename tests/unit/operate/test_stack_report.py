"""What is read from CloudWatch about a stack, and what is said where it may not be read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stockstream.instruments import parse_instrument
from stockstream_operate import instrument_list
from stockstream_operate.instrument_list import ListError
from stockstream_operate.stack_alarms import AlarmChange
from stockstream_operate.stack_metrics import METRICS
from stockstream_operate.stack_report import StackReader, StackReport

NOW = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
TOPIC = ["arn:aws:sns:us-east-1:123456789012:prod-AlertTopic"]
DOWN = "prod-east-PipelineDownAlarm-1A"
OVERDUE = "prod-east-BarsOverdueAlarm-2B"
STOPPED = "prod-east-ProducerStoppedAlarm-3C"


class FakeStack:
    name = "prod-east"
    parameters: Mapping[str, str] = {"RequestsPerDay": "25"}

    def output(self, name: str) -> str:
        return f"the {name}"

    def resources(self, kind: str) -> dict[str, str]:
        if kind == "AWS::CloudWatch::CompositeAlarm":
            return {"PipelineDownAlarm": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{DOWN}"}
        return {"BarsOverdueAlarm": OVERDUE, "ProducerStoppedAlarm": STOPPED}


def alarm(name: str, state: str, **more: Any) -> dict[str, Any]:
    said = f"[critical] What {name} means. Runbook: https://example.test/runbook.md#x"
    return {
        "AlarmName": name,
        "AlarmDescription": said,
        "StateValue": state,
        "StateReason": "Threshold Crossed",
        "StateUpdatedTimestamp": NOW,
        **more,
    }


class FakeCloudWatch:
    """CloudWatch with three alarms of this stack and one of another."""

    def __init__(self) -> None:
        self.alarms = {
            DOWN: alarm(DOWN, "OK", AlarmActions=TOPIC),
            OVERDUE: alarm(OVERDUE, "OK"),
            STOPPED: alarm(STOPPED, "OK", AlarmActions=TOPIC, InsufficientDataActions=TOPIC),
        }
        self.history: list[tuple[str, str]] = []
        self.points: dict[str, dict[datetime, float]] = {}
        self.refused: set[str] = set()
        self.code = "AccessDenied"
        self.asked: list[Any] = []

    def describe_alarms(self, *, AlarmNames: Sequence[str], AlarmTypes: Sequence[str]) -> Any:  # noqa: N803
        self._admit("DescribeAlarms")
        assert set(AlarmTypes) == {"MetricAlarm", "CompositeAlarm"}
        found = [self.alarms[name] for name in AlarmNames]
        return {"CompositeAlarms": found[-1:], "MetricAlarms": found[:-1]}

    def get_paginator(self, operation: str) -> "FakeCloudWatch":
        assert operation == "describe_alarm_history"
        return self

    def paginate(self, **asked: Any) -> Any:
        self._admit("DescribeAlarmHistory")
        assert asked["ScanBy"] == "TimestampDescending"
        items = [
            {"AlarmName": name, "Timestamp": NOW + timedelta(minutes=at), "HistorySummary": summary}
            for at, (name, summary) in enumerate(self.history)
        ][::-1]
        most, size = asked["PaginationConfig"]["MaxItems"], asked["PaginationConfig"]["PageSize"]
        for first in range(0, min(len(items), most), size):
            yield {"AlarmHistoryItems": items[first : min(first + size, most)]}

    def get_metric_data(self, **asked: Any) -> Any:
        self._admit("GetMetricData")
        self.asked.append(asked)
        return {
            "MetricDataResults": [
                {
                    "Id": each["Id"],
                    "Timestamps": list(self.points.get(each["Id"], {})),
                    "Values": list(self.points.get(each["Id"], {}).values()),
                }
                for each in asked["MetricDataQueries"]
            ]
        }

    def _admit(self, operation: str) -> None:
        if operation in self.refused:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, operation)


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


def read(cloudwatch: FakeCloudWatch) -> StackReport:
    reader: Any = StackReader
    report: StackReport = reader(FakeStack(), cloudwatch).read(NOW)
    return report


def alarming(cloudwatch: FakeCloudWatch) -> list[str]:
    return [each.name for each in read(cloudwatch).alarms or () if each.is_alarming]


def test_an_alarm_is_called_as_in_the_template_and_says_what_it_means(cloudwatch: FakeCloudWatch) -> None:
    began = NOW - timedelta(minutes=7)
    cloudwatch.alarms[DOWN] |= {"StateValue": "ALARM", "StateTransitionedTimestamp": began}

    alarms = read(cloudwatch).alarms
    assert alarms is not None
    assert [each.name for each in alarms] == [
        "BarsOverdueAlarm",
        "PipelineDownAlarm",
        "ProducerStoppedAlarm",
    ]
    down = alarms[1]
    assert (down.is_alarming, down.since, down.words) == (True, began, f"What {DOWN} means.")
    assert alarming(cloudwatch) == ["PipelineDownAlarm"]


def test_data_that_ends_is_an_alarm_where_somebody_is_told_of_it(cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.alarms[OVERDUE]["StateValue"] = "INSUFFICIENT_DATA"
    cloudwatch.alarms[STOPPED]["StateValue"] = "INSUFFICIENT_DATA"
    assert alarming(cloudwatch) == ["ProducerStoppedAlarm"]

    # In a new stack there is none yet.
    cloudwatch.alarms[STOPPED]["StateReason"] = "Unchecked: Initial alarm creation"
    assert alarming(cloudwatch) == []


def test_notices_are_changes_of_which_people_were_told(cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.history = [
        (STOPPED, "Alarm updated from INSUFFICIENT_DATA to INSUFFICIENT_DATA"),
        (STOPPED, "Alarm updated from INSUFFICIENT_DATA to OK"),
        (DOWN, "Alarm updated from INSUFFICIENT_DATA to OK"),
        (OVERDUE, "Alarm updated from OK to ALARM"),
        (DOWN, "Alarm updated from OK to ALARM"),
        ("another-Alarm", "Alarm updated from OK to ALARM"),
        (DOWN, "Alarm updated from ALARM to OK"),
        (STOPPED, "Alarm updated from OK to INSUFFICIENT_DATA"),
    ]

    def at(minutes: int) -> datetime:
        return NOW + timedelta(minutes=minutes)

    assert read(cloudwatch).changes == (
        AlarmChange("ProducerStoppedAlarm", at(7), is_alarming=True, words=f"What {STOPPED} means."),
        AlarmChange("PipelineDownAlarm", at(6), is_alarming=False, words=f"What {DOWN} means."),
        AlarmChange("PipelineDownAlarm", at(4), is_alarming=True, words=f"What {DOWN} means."),
    )


@pytest.mark.parametrize(("others", "is_found"), [(99, True), (499, True), (500, False)])
def test_other_alarms_of_the_account_hide_a_notice_only_if_they_change_hundreds_of_times(
    cloudwatch: FakeCloudWatch, others: int, *, is_found: bool
) -> None:
    cloudwatch.history = [(DOWN, "Alarm updated from OK to ALARM")]
    cloudwatch.history += [("another-Alarm", "Alarm updated from OK to ALARM")] * others

    changes = read(cloudwatch).changes
    assert [each.name for each in changes or ()] == (["PipelineDownAlarm"] if is_found else [])


def test_counts_are_those_of_an_hour_and_what_is_left_is_the_newest(cloudwatch: FakeCloudWatch) -> None:
    sooner, later = NOW - timedelta(minutes=10), NOW - timedelta(minutes=5)
    cloudwatch.points = {"published": {later: 3.0, sooner: 4.0}, "quota": {later: 11.0, sooner: 12.0}}

    assert read(cloudwatch).numbers == {"published": 7.0, "quota": 11.0}
    (asked,) = cloudwatch.asked
    assert (asked["StartTime"], asked["EndTime"]) == (NOW - timedelta(hours=1), NOW)
    queries = {each["Id"]: each["MetricStat"] for each in asked["MetricDataQueries"]}
    assert queries.keys() == METRICS.keys()
    assert queries["quota"]["Metric"] == {
        "Namespace": "prod-east",
        "MetricName": "QuotaRemaining",
        "Dimensions": [{"Name": "service", "Value": "producer"}],
    }
    assert queries["waiting"]["Metric"]["Dimensions"] == [
        {"Name": "DeliveryStreamName", "Value": "the BarDeliveryName"}
    ]


def test_what_is_followed_is_what_the_list_in_its_file_says(
    cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_with(**parameters: str) -> StackReport:
        monkeypatch.setattr(FakeStack, "parameters", parameters)
        return read(cloudwatch)

    assert read(cloudwatch).followed == ""
    assert read_with(Instruments="IBM,fx:EUR/USD").followed == "IBM"

    listed = [parse_instrument("crypto:BTC/USD")]
    monkeypatch.setattr(instrument_list, "read_followed", lambda _stack: listed)
    assert read_with(Instruments="IBM", InstrumentsFileEnabled="true").followed == "crypto:BTC/USD"

    def refuse(_stack: FakeStack) -> None:
        raise ListError("it is no text")

    monkeypatch.setattr(instrument_list, "read_followed", refuse)
    report = read_with(Instruments="IBM", InstrumentsFileEnabled="true")
    assert (report.followed, report.troubles) == (
        "",
        ("The list of instruments cannot be read: it is no text",),
    )


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ("DescribeAlarms", {"alarms", "changes"}),
        ("DescribeAlarmHistory", {"changes"}),
        ("GetMetricData", {"numbers"}),
    ],
)
def test_what_may_not_be_read_is_said_and_the_rest_is_shown(
    cloudwatch: FakeCloudWatch, operation: str, missing: set[str]
) -> None:
    cloudwatch.refused = {operation}

    report = read(cloudwatch)
    assert {name for name in ("alarms", "changes", "numbers") if getattr(report, name) is None} == missing
    (trouble,) = report.troubles
    assert f"your credentials may not call {operation}" in trouble
    assert report.parameters == {"RequestsPerDay": "25"}


def test_credentials_that_have_expired_are_told_with_what_to_do(cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.refused, cloudwatch.code = {"GetMetricData"}, "ExpiredToken"

    (trouble,) = read(cloudwatch).troubles
    assert "It has expired. Sign in with" in trouble
