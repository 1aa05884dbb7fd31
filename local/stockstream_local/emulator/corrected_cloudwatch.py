"""CloudWatch as AWS has it, where ministack's differs: metrics in log lines, and when alarms go off.

ministack takes no metrics from log lines. It evaluates alarms on PutMetricData alone, over everything of the
metric's name, whatever its dimensions, and knows neither M of N nor missing data nor metric math.
"""

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, sns, sqs

from stockstream.alarm_words import AlarmState
from stockstream_local.emulator.alarm_rules import (
    MINUTE,
    Evaluation,
    Rule,
    evaluate_datapoints,
    summarize,
)
from stockstream_local.emulator.embedded_metrics import EmbeddedMetricsError, read_measurements
from stockstream_local.emulator.metric_math import calculate

# What ended with the minute has been written down by then.
DELAY_SECONDS = 3
_ACTIONS = {
    AlarmState.ALARM: "AlarmActions",
    AlarmState.OK: "OKActions",
    AlarmState.INSUFFICIENT_DATA: "InsufficientDataActions",
}
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}  # all others in capitals
_REGION_NAMES = {"us-east-1": "US East (N. Virginia)"}

_log = logging.getLogger(__name__)


def correct() -> None:
    """Puts the corrections in place, and begins to evaluate the alarms every minute."""
    append = cloudwatch_logs._append_log_events

    def append_and_measure(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        append(stream, events)
        for event in events:
            _measure(event["message"])

    cloudwatch_logs._append_log_events = append_and_measure
    cloudwatch._evaluate_alarm = lambda _alarm: None
    cloudwatch._dispatch_alarm_actions = _publish
    Thread(target=_evaluate_every_minute, daemon=True).start()


def _measure(line: str) -> None:
    try:
        measurements = read_measurements(line)
    except EmbeddedMetricsError as error:
        # As CloudWatch: the line is kept, and a person may wonder where its metrics are.
        _log.warning("metrics of a log line not taken: %s: %s", error, line)
        return
    for each in measurements:
        cloudwatch._store_datum(
            each.namespace,
            each.name,
            dict(each.dimensions),
            each.time,
            each.unit,
            None,
            each.values,
            None,
            None,
        )


def _evaluate_every_minute() -> None:
    while True:
        time.sleep(MINUTE - (time.time() - DELAY_SECONDS) % MINUTE)
        try:
            _measure_queues()
            for alarm in cloudwatch._alarms.values():
                _evaluate(alarm, time.time() - DELAY_SECONDS)
        except Exception:  # noqa: BLE001 (nothing catches it above this thread, and one bad metric must not end it)
            _log.exception("alarms not evaluated")


def _measure_queues() -> None:
    for queue in sqs._queues.values():
        sqs._refresh_counts(queue)
        visible = queue["attributes"]["ApproximateNumberOfMessages"]
        name = queue["attributes"]["QueueArn"].rpartition(":")[2]
        cloudwatch.record_metric(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", float(visible), "Count", {"QueueName": name}
        )


def _evaluate(alarm: dict[str, Any], now: float) -> None:
    rule = Rule.of(alarm)
    if rule is None:
        return
    before = AlarmState(alarm["StateValue"])
    evaluation = evaluate_datapoints(rule, _datapoints(alarm, rule, now), now, before)
    if evaluation.state is not before:
        _change(alarm, before, evaluation)


def _datapoints(alarm: Mapping[str, Any], rule: Rule, now: float) -> list[float | None]:
    metrics = alarm.get("Metrics")
    if not metrics:
        return summarize(rule, rule.statistic, _points(alarm), now)
    measured = {
        each["Id"]: summarize(rule, each["MetricStat"]["Stat"], _points(each["MetricStat"]["Metric"]), now)
        for each in metrics
        if "MetricStat" in each
    }
    formulas = {each["Id"]: each["Expression"] for each in metrics if "Expression" in each}
    (returned,) = (each["Id"] for each in metrics if each.get("ReturnData", True))
    return calculate(formulas, measured, returned)


def _points(metric: Mapping[str, Any]) -> list[tuple[float, float]]:
    dimensions = cloudwatch._dims_from_list(metric.get("Dimensions") or [])
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    return [(each["Timestamp"], each["Value"]) for each in list(cloudwatch._metrics.get(key, []))]


def _change(alarm: dict[str, Any], before: AlarmState, evaluation: Evaluation) -> None:
    is_first_state = before is AlarmState.INSUFFICIENT_DATA and "StateTransitionedTimestamp" not in alarm
    alarm["StateValue"], alarm["StateReason"] = str(evaluation.state), evaluation.reason
    alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], str(before), str(evaluation.state), evaluation.reason)
    # The alert function sends no notice for a new alarm's first OK: some twenty calls at once are saved here.
    if not (is_first_state and evaluation.state is AlarmState.OK):
        _publish(alarm, before, evaluation.state, evaluation.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _publish(alarm: Mapping[str, Any], before: str, after: str, reason: str) -> None:
    """Publishes an alarm's new state to its topics."""
    topics = alarm.get(_ACTIONS[AlarmState(after)]) or []
    if not alarm.get("ActionsEnabled", True):
        return
    message = json.dumps(write_message(alarm, before, after, reason, datetime.now(UTC)))
    subject = f'{after}: "{alarm["AlarmName"]}" in {_REGION_NAMES.get(get_region(), get_region())}'[:100]
    for topic in topics:
        sns.publish_internal(topic, message, subject)


def write_message(
    alarm: Mapping[str, Any], before: str, after: str, reason: str, now: datetime
) -> dict[str, Any]:
    """What CloudWatch publishes when an alarm's state changes.

    Args:
        alarm: as DescribeAlarms gives it.
        before: the state so far.
        after: the new state.
        reason: why.
        now: an aware datetime.
    """
    message = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": get_account_id(),
        "NewStateValue": str(after),
        "NewStateReason": reason,
        "StateChangeTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000",
        "Region": _REGION_NAMES.get(get_region(), get_region()),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": str(before),
        **{name: alarm.get(name) or [] for name in _ACTIONS.values()},
    }
    if "AlarmRule" in alarm:
        children = json.loads(alarm.get("StateReasonData") or "{}").get("triggeringAlarms", [])
        return message | {
            "AlarmRule": alarm["AlarmRule"],
            "TriggeringChildren": [
                {
                    "Arn": child["arn"],
                    "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]},
                }
                for child in children
            ],
        }
    if metrics := alarm.get("Metrics"):
        compared: dict[str, Any] = {"Metrics": [_write_query(each) for each in metrics]}
    else:
        statistic = alarm.get("Statistic", "")
        compared = {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "Statistic",
            "Statistic": _STATISTICS.get(statistic, statistic.upper()),
            "Unit": alarm.get("Unit"),
            "Dimensions": _write_dimensions(alarm),
        }
    trigger = {
        **compared,
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods"),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData"),
        "EvaluateLowSampleCountPercentile": "",
    }
    return message | {"Trigger": trigger}


def _write_query(query: Mapping[str, Any]) -> dict[str, Any]:
    written = {"ReturnData": True, **query}
    if "MetricStat" in query:
        metric = query["MetricStat"]["Metric"]
        written["MetricStat"] = {
            **query["MetricStat"],
            "Metric": {**metric, "Dimensions": _write_dimensions(metric)},
        }
    return written


def _write_dimensions(metric: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"value": each["Value"], "name": each["Name"]} for each in metric.get("Dimensions") or []]
