"""A model of how CloudWatch evaluates metric alarms, for tests that ask what a template's alarms would do.

It follows AWS's words, and does not claim to be the service:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
An alarm is evaluated each minute over a window that slides. It looks a little further back than its
evaluation periods, and where data is missing it takes older data before it fills anything in.
"""

import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

MINUTE = timedelta(minutes=1)
# "The exact number of data points it attempts to retrieve depends on the length of the alarm period"; in
# AWS's example 3 evaluation periods look at 5.
EXTRA_PERIODS = 2

STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class MetricAlarm(NamedTuple):
    """What a template says about one alarm on one metric."""

    name: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    statistic: str
    period: timedelta
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    treat_missing_data: str

    def breaches(self, values: Sequence[float]) -> bool:
        """Whether a period with these values, of which there is one at least, is a breaching datapoint."""
        return COMPARISONS[self.comparison](STATISTICS[self.statistic](values), self.threshold)


class Change(NamedTuple):
    """An alarm goes into a state."""

    at: datetime
    alarm: str
    state: str


def read_alarms(alarms: Mapping[str, Mapping[str, Any]], namespace: str) -> list[MetricAlarm]:
    """The alarms on metrics of a stack's own namespace; those on metric math are left out.

    Args:
        alarms: the properties of a template's alarms, with nothing left to resolve, by logical id.
        namespace: of the metrics.
    """
    return [
        MetricAlarm(
            name,
            properties["MetricName"],
            frozenset((each["Name"], str(each["Value"])) for each in properties.get("Dimensions", [])),
            properties["Statistic"],
            timedelta(seconds=properties["Period"]),
            properties["EvaluationPeriods"],
            properties.get("DatapointsToAlarm", properties["EvaluationPeriods"]),
            float(properties["Threshold"]),
            properties["ComparisonOperator"],
            properties.get("TreatMissingData", "missing"),
        )
        for name, properties in alarms.items()
        if properties.get("Namespace") == namespace
    ]


class Metrics:
    """The values of metrics, minute by minute, as lines in the embedded metric format bring them."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], dict[datetime, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )

    def add_line(self, text: str, at: datetime) -> None:
        """Adds what a line holds; it counts for the minute of `at`, and not of its own timestamp."""
        line = json.loads(text)
        minute = at.replace(second=0, microsecond=0)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, line[name]) for name in names)
                for metric in directive["Metrics"]:
                    value = line[metric["Name"]]
                    values = value if isinstance(value, list) else [value]
                    self._values[metric["Name"], dimensions][minute] += values

    def add(self, metric: str, dimensions: frozenset[tuple[str, str]], at: datetime, *values: float) -> None:
        """Adds values of one metric in the minute that begins at a moment."""
        self._values[metric, dimensions][at] += values

    def names(self) -> set[str]:
        """The metrics that have values."""
        return {metric for metric, _ in self._values}

    def hours(self) -> dict[str, int]:
        """In how many hours each metric has values: what CloudWatch bills it for."""
        return {
            metric: len({minute.replace(minute=0) for minute in minutes})
            for (metric, _), minutes in self._values.items()
        }

    def minutes(self, alarm: MetricAlarm) -> dict[datetime, list[float]]:
        """The values of an alarm's metric by the minute; a minute without any is missing."""
        return self.of(alarm.metric, alarm.dimensions)

    def of(self, metric: str, dimensions: frozenset[tuple[str, str]]) -> dict[datetime, list[float]]:
        """The values of a metric by the minute; a minute without any is missing."""
        return self._values.get((metric, dimensions), {})


def evaluate(alarm: MetricAlarm, minutes: Mapping[datetime, Sequence[float]], at: datetime) -> str:
    """The state of an alarm at a whole minute, from the minutes before it.

    Raises:
        NotImplementedError: the alarm treats missing data in a way that depends on its state before.
    """
    if alarm.treat_missing_data not in {"breaching", "notBreaching"}:
        raise NotImplementedError(f"{alarm.name}: TreatMissingData {alarm.treat_missing_data}")
    oldest = at - (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period
    periods: dict[int, list[float]] = {}  # 0 is the newest
    for minute, values in minutes.items():
        if oldest <= minute < at:
            periods.setdefault((at - minute - MINUTE) // alarm.period, []).extend(values)
    breaching = [alarm.breaches(periods[number]) for number in sorted(periods)]
    # With as many real datapoints as are evaluated, the newest of them count and the older ones do not.
    # With fewer, all of them count, and what is missing is filled in.
    points = breaching[: alarm.evaluation_periods]
    missing = alarm.evaluation_periods - len(points)
    count = sum(points) + (missing if alarm.treat_missing_data == "breaching" else 0)
    return "ALARM" if count >= alarm.datapoints_to_alarm else "OK"


type Window = tuple[tuple[float, ...] | None, ...]


def windows(
    minutes: Mapping[datetime, Sequence[float]], reach: timedelta, start: datetime, end: datetime
) -> Iterator[Window]:
    """At each minute from one moment to another the values of each minute before it, or None.

    Args:
        minutes: a metric's values.
        reach: how far a window looks back.
    """
    length, count = reach // MINUTE, (end - start) // MINUTE + 1
    known = [
        tuple(minutes[minute]) if minute in minutes else None
        for minute in (start - reach + number * MINUTE for number in range(length + count))
    ]
    for number in range(count):
        yield tuple(known[number : number + length])


def changes(alarms: Sequence[MetricAlarm], metrics: Metrics, start: datetime, end: datetime) -> list[Change]:
    """What becomes of alarms from one moment to another, evaluated each minute; all are OK at first."""
    found = []
    for alarm in alarms:
        reach = (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period
        state, at, known = "OK", start, dict[Window, str]()  # most windows are alike
        for window in windows(metrics.minutes(alarm), reach, start, end):
            if window not in known:
                values = {
                    at - reach + place * MINUTE: each for place, each in enumerate(window) if each is not None
                }
                known[window] = evaluate(alarm, values, at)
            if known[window] != state:
                state = known[window]
                found.append(Change(at, alarm.name, state))
            at += MINUTE
    return sorted(found)


def is_true(rule: str, ringing: Collection[str]) -> bool:
    """Whether a composite alarm's rule of ALARM, AND, OR and NOT is true, by the names of those that ring."""
    words = {"OR": "or", "AND": "and", "NOT": "not"}
    told = re.sub(r'ALARM\("(\w+)"\)', lambda found: str(found[1] in ringing), rule)
    told = re.sub(r"\b(?:OR|AND|NOT)\b", lambda found: words[found[0]], told)
    assert set(re.findall(r"\w+", told)) <= {"or", "and", "not", "True", "False"}
    return bool(eval(" ".join(told.split())))  # noqa: S307 - of these five words, as was just made sure


def composite_changes(name: str, rule: str, found: Sequence[Change]) -> list[Change]:
    """What becomes of a composite alarm, which is OK at first, through the changes of its children."""
    ringing: set[str] = set()
    state, composite = "OK", []
    for at, together in groupby(sorted(found), key=lambda change: change.at):
        for change in together:
            (ringing.add if change.state == "ALARM" else ringing.discard)(change.alarm)
        now = "ALARM" if is_true(rule, ringing) else "OK"
        if now != state:
            state = now
            composite.append(Change(at, name, state))
    return composite
