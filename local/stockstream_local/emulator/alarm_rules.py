"""How CloudWatch evaluates an alarm on a metric or on metric math, by its user guide.

See "Alarm evaluation" there. Standard alarms are evaluated every minute, over windows that end with the last
whole minute. More periods are looked at than the alarm asks for, so that late data counts; what is missing is
filled in as TreatMissingData says, but only where there are too few real datapoints.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stockstream.alarm_words import AlarmState
from stockstream_operate.counts import say_count

MINUTE = 60
# The guide's examples look at 5 periods for an alarm on 3.
EXTRA_PERIODS = 2
_SHOWN = 5

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alarm goes off.

    Attributes:
        statistic: of the values of one period: Sum, Average, Minimum, Maximum or SampleCount; empty for
            metric math, where each metric has its own.
        period: in seconds, a multiple of 60.
        periods: how many are looked at (N).
        datapoints: how many of them must breach (M).
        comparison: CloudWatch's name, such as GreaterThanThreshold.
        threshold: in the metric's unit.
        missing: TreatMissingData.
    """

    statistic: str
    period: int
    periods: int
    datapoints: int
    comparison: str
    threshold: float
    missing: str

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> "Rule | None":
        """The rule of an alarm as DescribeAlarms tells it; None for kinds that are not known here."""
        stats = [each["MetricStat"] for each in alarm.get("Metrics") or [] if "MetricStat" in each]
        used = stats or [{"Stat": alarm.get("Statistic"), "Period": alarm.get("Period")}]
        if alarm.get("ComparisonOperator") not in _COMPARISONS:
            return None
        if not all(each["Stat"] in _STATISTICS for each in used):
            return None
        return cls(
            statistic="" if stats else used[0]["Stat"],
            period=used[0]["Period"],  # CloudWatch takes no alarm whose metrics have different ones
            periods=alarm["EvaluationPeriods"],
            datapoints=alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
            comparison=alarm["ComparisonOperator"],
            threshold=alarm["Threshold"],
            missing=alarm.get("TreatMissingData") or "missing",
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation finds: the state, and CloudWatch's sentence about it."""

    state: AlarmState
    reason: str


def evaluate(rule: Rule, points: Sequence[tuple[float, float]], now: float, before: AlarmState) -> Evaluation:
    """The state of an alarm on one metric.

    Args:
        rule: when it goes off.
        points: what was measured, each a time (seconds since 1970) and a value; what is too old is left out.
        now: seconds since 1970.
        before: the state so far.
    """
    return evaluate_datapoints(rule, summarize(rule, rule.statistic, points, now), now, before)


def summarize(
    rule: Rule, statistic: str, points: Sequence[tuple[float, float]], now: float
) -> list[float | None]:
    """The datapoints of a metric that an alarm looks at, newest first; None is a missing one.

    Args:
        rule: the alarm's.
        statistic: of the values of one period.
        points: what was measured, as in `evaluate`.
        now: seconds since 1970.
    """
    end = now // MINUTE * MINUTE
    return [
        _datapoint(statistic, rule.period, points, end - age * rule.period)
        for age in range(rule.periods + EXTRA_PERIODS)
    ]


def evaluate_datapoints(
    rule: Rule, data: Sequence[float | None], now: float, before: AlarmState
) -> Evaluation:
    """The state of an alarm by the datapoints that it looks at, newest first."""
    state = decide_state([_breaches(rule, each) for each in data], rule, before)
    return Evaluation(state, _explain(rule, data, now // MINUTE * MINUTE, state))


def decide_state(breaching: Sequence[bool | None], rule: Rule, before: AlarmState) -> AlarmState:
    """The state by the datapoints of the evaluation range, newest first; None is a missing one."""
    wanted = rule.periods
    real = [each for each in breaching if each is not None]
    if len(real) >= wanted:
        return _state(sum(real[:wanted]) >= rule.datapoints)
    if rule.missing == "breaching":
        return _state(sum(real) + wanted - len(real) >= rule.datapoints)
    if rule.missing == "notBreaching":
        return _state(sum(real) >= rule.datapoints)
    if not real:
        return before if rule.missing == "ignore" else AlarmState.INSUFFICIENT_DATA
    if _is_premature(breaching, rule):
        return before if rule.missing == "ignore" else AlarmState.ALARM
    return _state(sum(real) >= rule.datapoints)


def _is_premature(breaching: Sequence[bool | None], rule: Rule) -> bool:
    """Whether all known datapoints breach, and the oldest of them is at least M datapoints old."""
    known = [age for age, each in enumerate(breaching[: rule.periods]) if each is not None]
    return bool(known) and known[-1] + 1 >= rule.datapoints and not any(each is False for each in breaching)


def _state(is_breaching: bool) -> AlarmState:  # noqa: FBT001 (the question is the name)
    return AlarmState.ALARM if is_breaching else AlarmState.OK


def _datapoint(
    statistic: str, period: int, points: Sequence[tuple[float, float]], end: float
) -> float | None:
    values = [value for time, value in points if end - period <= time < end]
    return _STATISTICS[statistic](values) if values else None


def _breaches(rule: Rule, value: float | None) -> bool | None:
    return None if value is None else _COMPARISONS[rule.comparison][0](value, rule.threshold)


def _explain(rule: Rule, data: Sequence[float | None], end: float, state: AlarmState) -> str:
    if state is AlarmState.INSUFFICIENT_DATA:
        return f"Insufficient Data: {say_count(rule.periods, 'datapoint')} {_was(rule.periods)} unknown."
    real = [(value, end - (age + 1) * rule.period) for age, value in enumerate(data) if value is not None]
    if not real:
        treated = "Breaching" if rule.missing == "breaching" else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {say_count(rule.periods, 'period')} and "
            f"{say_count(rule.periods, 'missing datapoint')} {_was(rule.periods)} treated as [{treated}]."
        )
    compare, words = _COMPARISONS[rule.comparison]
    used = real[: rule.periods]
    deciding = [
        each for each in used if compare(each[0], rule.threshold) is (state is AlarmState.ALARM)
    ] or used
    shown = ", ".join(
        f"{float(value)} ({datetime.fromtimestamp(start, UTC):%d/%m/%y %H:%M:%S})"
        for value, start in deciding[:_SHOWN]
    )
    negation, needed, change = "", rule.datapoints, "OK -> ALARM"
    if state is AlarmState.OK:
        negation, needed, change = "not ", rule.periods - rule.datapoints + 1, "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(deciding)} out of the last {rule.periods} datapoints [{shown}] "
        f"{_was(len(deciding))} {negation}{words} the threshold ({float(rule.threshold)}) "
        f"(minimum {say_count(needed, 'datapoint')} for {change} transition)."
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
