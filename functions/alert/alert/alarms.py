"""CloudWatch alarms, as the text of an SNS message holds them.

Messages of metric, metric-math, anomaly-detection, composite and log alarms differ. So every field but the
name and the state may be missing here, and a value of an unexpected type counts as missing: an alarm that is
read in part is worth more than one that is refused.
"""

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alert.messages import parse_timestamp
from stockstream.alarm_words import AlarmState

# Composite alarms name others by ARN; their names alone read better.
_ARN = re.compile(r"\barn:[a-z-]+:cloudwatch:[a-z0-9-]*:\d*:alarm:", re.ASCII)
# An alarm on a plain metric has SUM where all others have Sum.
_STATISTICS = {
    "AVERAGE": "Average",
    "MAXIMUM": "Maximum",
    "MINIMUM": "Minimum",
    "SAMPLE_COUNT": "SampleCount",
    "SUM": "Sum",
}
_COMPARISONS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
    "GreaterThanUpperThreshold": "above",
    "LessThanLowerThreshold": "below",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside",
}
# Those of anomaly detection, which compares with a band instead of a threshold.
BAND_COMPARISONS = ("above", "below", "outside")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a metric alarm watches.

    Attributes:
        metric: `AWS/Lambda Errors`, or the label or formula of metric math.
        statistic: `Sum`, `p99`; empty for metric math.
        dimensions: `FunctionName=...`, one each.
        comparison: `>`, `<=`, or for a band `above`, `below`, `outside`; empty if unknown.
        threshold: None for an anomaly-detection band.
        period: in seconds.
        periods: how many periods are looked at.
        datapoints: how many of them must breach.
        metric_names: the names of all its metrics, without namespaces.
    """

    metric: str
    statistic: str
    dimensions: tuple[str, ...]
    comparison: str
    threshold: float | None
    period: int | None
    periods: int | None
    datapoints: int | None
    metric_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One change of an alarm's state; texts are empty where the message does not say.

    Attributes:
        changed_at: when the state changed.
        configured_at: when somebody last made or changed the alarm.
        trigger: None for composite and log alarms, which have none.
        rule: a composite alarm's rule.
        children: the names of the alarms that set off a composite alarm.
    """

    name: str
    arn: str
    description: str
    account: str
    state: AlarmState
    previous_state: str
    reason: str
    changed_at: datetime | None
    trigger: Trigger | None
    rule: str
    children: tuple[str, ...]
    configured_at: datetime | None = None


def parse_alarm(text: str) -> Alarm | None:
    """The alarm that a message's text holds; None if it holds none."""
    try:
        # int() refuses thousands of digits, and one odd number is no reason to refuse an alarm.
        message = json.loads(text, parse_int=_parse_whole)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not _text(message, "AlarmName"):
        return None
    state = message.get("NewStateValue")
    if state not in list(AlarmState):
        return None
    trigger = _object(message, "Trigger")
    return Alarm(
        name=_text(message, "AlarmName"),
        arn=_text(message, "AlarmArn"),
        description=_text(message, "AlarmDescription"),
        account=_text(message, "AWSAccountId"),
        state=AlarmState(state),
        previous_state=_text(message, "OldStateValue"),
        reason=_ARN.sub("", _text(message, "NewStateReason")),
        changed_at=parse_timestamp(message.get("StateChangeTime")),
        trigger=_parse_trigger(trigger) if trigger else None,
        rule=_ARN.sub("", _text(message, "AlarmRule")),
        children=tuple(
            _ARN.sub("", _text(child, "Arn"))
            for child in _objects(message, "TriggeringChildren")
            if _text(child, "Arn")
        ),
        configured_at=parse_timestamp(message.get("AlarmConfigurationUpdatedTimestamp")),
    )


def _parse_trigger(trigger: dict[str, Any]) -> Trigger:
    band = _text(trigger, "ThresholdMetricId")
    queries = [query for query in _objects(trigger, "Metrics") if query.get("Id") != band]
    # The one whose data is returned is what the alarm compares; the others are its ingredients.
    query: dict[str, Any] = next((query for query in queries if query.get("ReturnData") is True), {})
    stat = _object(query, "MetricStat")
    metric = (
        _object(stat, "Metric") or trigger
    )  # an alarm on a plain metric says it all in the trigger itself
    statistic = _text(stat, "Stat") or _text(trigger, "ExtendedStatistic") or _text(trigger, "Statistic")
    return Trigger(
        metric=_text(query, "Label")
        or _text(query, "Expression")
        or f"{_text(metric, 'Namespace')} {_text(metric, 'MetricName')}".strip(),
        statistic=_STATISTICS.get(statistic, statistic),
        dimensions=tuple(
            f"{_text(item, 'name')}={_text(item, 'value')}"
            for item in _objects(metric, "Dimensions")
            if _text(item, "name")
        ),
        comparison=_COMPARISONS.get(_text(trigger, "ComparisonOperator"), ""),
        threshold=None if band else _number(trigger, "Threshold"),
        period=_whole(stat, "Period") or _whole(trigger, "Period"),
        periods=_whole(trigger, "EvaluationPeriods"),
        datapoints=_whole(trigger, "DatapointsToAlarm"),
        metric_names=tuple(
            filter(None, (_text(each, "MetricName") for each in (trigger, *map(_metric_of, queries))))
        ),
    )


def _metric_of(query: dict[str, Any]) -> dict[str, Any]:
    return _object(_object(query, "MetricStat"), "Metric")


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    # JSON may escape half a character ("\ud800"), which cannot be encoded.
    return value.encode(errors="ignore").decode().strip() if isinstance(value, str) else ""


def _object(source: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def _objects(source: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(source: Mapping[str, Any], key: str) -> float | None:
    value = source.get(key)
    # bool is an int to Python, and json reads NaN and Infinity, which are no thresholds.
    if (type(value) is float or type(value) is int) and math.isfinite(value):
        return float(value)
    return None


def _parse_whole(digits: str) -> float:
    return int(digits) if len(digits) <= sys.float_info.max_10_exp else math.inf


def _whole(source: Mapping[str, Any], key: str) -> int | None:
    value = source.get(key)
    return value if type(value) is int and value > 0 else None
