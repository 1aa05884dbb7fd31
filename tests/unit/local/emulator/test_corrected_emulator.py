"""The emulator's corrections, as far as they are words: what CloudWatch, Kinesis and Firehose say."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from resolved_template import ResolvedTemplate

from alert.alarms import parse_alarm
from stockstream.alarm_words import AlarmState
from stockstream_local.emulator.alarm_rules import Rule
from stockstream_local.emulator.corrected_cloudwatch import write_message
from stockstream_local.emulator.corrected_firehose import (
    Processor,
    find_processor,
    sort_answer,
    write_failure,
)
from stockstream_local.emulator.corrected_kinesis import refuse_records

type LoadEvent = Callable[[str], dict[str, Any]]

ARN = "arn:aws:lambda:us-east-1:000000000000:function:transform"


def test_an_alarms_message_has_what_cloudwatchs_has(load_event: LoadEvent) -> None:
    real = json.loads(load_event("alarm-metric")["Records"][0]["Sns"]["Message"])
    trigger = real["Trigger"]
    alarm: dict[str, Any] = {
        "AlarmName": real["AlarmName"],
        "AlarmDescription": real["AlarmDescription"],
        "AlarmArn": real["AlarmArn"],
        "AlarmActions": real["AlarmActions"],
        "OKActions": real["OKActions"],
        "Namespace": trigger["Namespace"],
        "MetricName": trigger["MetricName"],
        "Statistic": "Sum",
        "Dimensions": [{"Name": "FunctionName", "Value": trigger["Dimensions"][0]["value"]}],
        "Unit": None,
        **{
            name: trigger[name] for name in ("Period", "EvaluationPeriods", "ComparisonOperator", "Threshold")
        },
        "TreatMissingData": "notBreaching",
    }
    moment = datetime(2026, 11, 20, 20, 59, 4, 677_000, tzinfo=UTC)

    told = write_message(alarm, "OK", "ALARM", real["NewStateReason"], moment)

    # The emulator's account, and what it does not keep.
    left_out = {"AWSAccountId", "AlarmConfigurationUpdatedTimestamp"}
    assert {name: told[name] for name in told if name not in left_out} == {
        name: value for name, value in real.items() if name not in left_out
    }


def test_the_message_of_an_alarm_on_metric_math_has_what_cloudwatchs_has(load_event: LoadEvent) -> None:
    real = json.loads(load_event("alarm-metric-math")["Records"][0]["Sns"]["Message"])["Trigger"]
    dimensions = [{"Name": "service", "Value": "transform"}]
    share, *counted = real["Metrics"]
    alarm = {
        "AlarmName": "share",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:0:alarm:share",
        **{name: value for name, value in real.items() if name != "Metrics"},
        "Metrics": [
            {name: value for name, value in share.items() if name != "ReturnData"},
            *(
                {
                    **each,
                    "MetricStat": {
                        **each["MetricStat"],
                        "Metric": {**each["MetricStat"]["Metric"], "Dimensions": dimensions},
                    },
                }
                for each in counted
            ),
        ],
    }

    told = write_message(alarm, "OK", "ALARM", "why", datetime.now(UTC))

    assert told["Trigger"] == real


def test_a_composite_alarms_message_has_its_rule_and_no_trigger() -> None:
    arn = "arn:aws:cloudwatch:us-east-1:0:alarm:"
    child = {"arn": f"{arn}a", "state": {"value": "ALARM", "timestamp": "2026-11-20T21:02:40.000+0000"}}
    alarm = {
        "AlarmName": "down",
        "AlarmArn": f"{arn}down",
        "AlarmRule": "ALARM(a) OR ALARM(b)",
        "StateReasonData": json.dumps({"triggeringAlarms": [child]}),
    }

    parsed = parse_alarm(json.dumps(write_message(alarm, "OK", "ALARM", "why", datetime.now(UTC))))

    assert parsed is not None
    assert (parsed.state, parsed.rule, parsed.trigger) == (AlarmState.ALARM, alarm["AlarmRule"], None)
    assert parsed.children == ("a",)


def test_a_stream_that_refuses_answers_for_each_record() -> None:
    answer = refuse_records("bars", 2, "ProvisionedThroughputExceededException")

    assert answer["FailedRecordCount"] == 2
    assert [each["ErrorCode"] for each in answer["Records"]] == ["ProvisionedThroughputExceededException"] * 2
    assert "stream bars" in answer["Records"][0]["ErrorMessage"]


def test_finds_the_function_of_a_destination_and_its_retries() -> None:
    parameters = [
        {"ParameterName": "LambdaArn", "ParameterValue": ARN},
        {"ParameterName": "NumberOfRetries", "ParameterValue": "2"},
    ]
    processing = {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}

    assert find_processor({"config": {"ProcessingConfiguration": processing}}) == Processor(ARN, 2)
    assert find_processor({"config": {}}) is None
    off = {**processing, "Enabled": False}
    assert find_processor({"config": {"ProcessingConfiguration": off}}) is None


def test_delivers_what_is_ok_keeps_what_failed_and_drops_what_is_dropped() -> None:
    records = [("1", b"one"), ("2", b"two"), ("3", b"three")]
    answer = {
        "records": [
            {"recordId": "3", "result": "Dropped", "data": ""},
            {"recordId": "1", "result": "Ok", "data": base64.b64encode(b"ONE").decode()},
            {"recordId": "2", "result": "ProcessingFailed", "data": base64.b64encode(b"two").decode()},
        ]
    }

    assert sort_answer(records, answer) == ([("1", b"ONE")], [("2", b"two")])


def test_keeps_all_records_of_a_call_that_failed() -> None:
    assert sort_answer([("1", b"one")], None) == ([], [("1", b"one")])


def test_a_kept_record_is_a_line_that_holds_it_untouched() -> None:
    line = write_failure(b"\x00raw", 4, ARN, is_error=True, now=1_795_496_400_000)

    assert line.endswith(b"}\n")
    told = json.loads(line)
    assert base64.b64decode(told["rawData"]) == b"\x00raw"
    assert (told["attemptsMade"], told["errorCode"], told["lambdaArn"]) == (4, "Lambda.FunctionError", ARN)


def test_a_templates_alarm_on_metric_math_is_kept_as_describe_alarms_tells_it() -> None:
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415

    from stockstream_local.emulator.corrected_cloudformation import _record  # noqa: PLC0415 (as below)

    properties = ResolvedTemplate().of_kind("AWS::CloudWatch::Alarm")["DeliveryIdleAlarm"]
    kept = _record(provisioners._cw_metric_alarm_record, "idle", properties)  # noqa: SLF001 (what is corrected)

    assert Rule.of(kept) == Rule("", 420, 1, 1, "GreaterThanThreshold", 0.0, "ignore")
    assert [each["Id"] for each in kept["Metrics"] if each.get("ReturnData", True)] == ["unread"]
    assert kept["MetricName"] is None
    assert kept["AlarmName"] == "idle"


WINDOWS = {"Fn::Split": [",", {"Fn::Sub": "${SmaWindows},-,-"}]}


@pytest.mark.parametrize(
    ("compared", "is_true"),
    [
        ([{"Ref": "AWS::AccountId"}, "000000000000"], True),
        ([{"Ref": "SmaWindows"}, "5,20"], True),
        ([{"Fn::Select": [1, WINDOWS]}, "20"], True),
        ([{"Fn::Select": [2, WINDOWS]}, "-"], True),
        ([{"Fn::Select": [1, WINDOWS]}, "-"], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["engine", "changesets", "handlers", "stacks"])
def test_a_templates_conditions_know_the_account_and_functions(
    monkeypatch: pytest.MonkeyPatch, name: str, compared: list[Any], *, is_true: bool
) -> None:
    # Imported here: with ministack's CloudFormation it takes longer than all tests of this file.
    from stockstream_local.emulator import corrected_cloudformation  # noqa: PLC0415

    modules = [
        import_module(f"ministack.services.cloudformation.{each}")
        for each in ("engine", "changesets", "handlers", "stacks")
    ]
    for each in modules:
        monkeypatch.setattr(each, "_evaluate_conditions", each._evaluate_conditions)  # noqa: SLF001 (put back)
    parameters = {"SmaWindows": {"Value": "5,20", "Type": "String"}}

    corrected_cloudformation.correct()

    module = import_module(f"ministack.services.cloudformation.{name}")
    told = module._evaluate_conditions({"Conditions": {"IsSo": {"Fn::Equals": compared}}}, parameters)  # noqa: SLF001
    assert told == {"IsSo": is_true}
