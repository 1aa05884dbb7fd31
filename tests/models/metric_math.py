"""A model of alarms on metric math: what CloudWatch makes of the formulas in the template.

It follows AWS's words, and does not claim to be the service:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
Known are FILL(series, number), DIFF, IF with two arguments or three, AND and OR between comparisons in
parentheses, comparisons and arithmetic. Of what is missing the page says: in a sum, a difference or a
comparison of two series it is 0 (here: where the other has a value); IF makes 0 of it where the condition is
true, and drops the datapoint where the condition itself is missing, or false and nothing stands for that.
What FILL makes of a metric without any value it does not say: an alarm is tried in both ways.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from types import CodeType
from typing import Any, NamedTuple

from alarm_evaluation import COMPARISONS, EXTRA_PERIODS, MINUTE, STATISTICS, Change, Metrics, Window, windows

type Number = float | None


class Series:
    """Datapoints of periods that follow each other, the newest first; None is missing."""

    def __init__(self, points: Sequence[Number]) -> None:
        self.points = list(points)

    def _with(self, other: "Series | float", work: Callable[[float, float], float]) -> "Series":
        if isinstance(other, Series):
            pairs = list(zip(self.points, other.points, strict=True))
            return Series(
                [None if one is two is None else float(work(one or 0, two or 0)) for one, two in pairs]
            )
        return Series([None if one is None else float(work(one, other)) for one in self.points])

    def __add__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.add)

    def __sub__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.sub)

    def __rmul__(self, factor: float) -> "Series":
        return self._with(factor, operator.mul)

    def __truediv__(self, other: "Series") -> "Series":
        """What would be divided by zero is dropped."""
        divided = Series([value or None for value in other.points])
        return Series(
            [
                None if below is None else point
                for point, below in zip(
                    self._with(divided, lambda one, two: one / (two or 1)).points, divided.points, strict=True
                )
            ]
        )

    def __gt__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.gt)

    def __ge__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.ge)

    def __eq__(self, other: object) -> "Series":  # type: ignore[override]  # as metric math compares
        assert isinstance(other, Series | int | float)
        return self._with(other, operator.eq)

    __hash__ = None  # type: ignore[assignment]  # compares by datapoints

    def __and__(self, other: "Series") -> "Series":
        return self._with(other, lambda one, two: bool(one) and bool(two))

    def __or__(self, other: "Series") -> "Series":
        return self._with(other, lambda one, two: bool(one) or bool(two))


def _fill(series: Series, filler: float) -> Series:
    return Series([filler if point is None else point for point in series.points])


def _fill_gaps(series: Series, filler: float) -> Series:
    """FILL as it may be: a series without any value stays without."""
    return series if all(point is None for point in series.points) else _fill(series, filler)


def _diff(series: Series) -> Series:
    """Each value less the one before it; the oldest has none before it."""
    pairs = zip(series.points, [*series.points[1:], None], strict=True)
    return Series([None if new is None or old is None else new - old for new, old in pairs])


def _if(condition: Series, yes: Series, no: Number = None) -> Series:
    return Series(
        [
            None if asked is None else (point or 0) if asked else no
            for asked, point in zip(condition.points, yes.points, strict=True)
        ]
    )


FUNCTIONS: dict[str, Any] = {"FILL": _fill, "DIFF": _diff, "IF": _if, "__builtins__": {}}


@cache
def _compiled(formula: str) -> CodeType:
    return compile(formula.replace(" AND ", " & ").replace(" OR ", " | "), formula, "eval")


class MathAlarm(NamedTuple):
    """What a template says about one alarm on metric math.

    Attributes:
        metrics: by id: the metric's name, its dimensions and the statistic.
        formulas: by id.
        returned: the id whose values the alarm compares.
        fills_nothing: whether FILL fills a metric that has no value at all.
    """

    name: str
    metrics: Mapping[str, tuple[str, frozenset[tuple[str, str]], str]]
    formulas: Mapping[str, str]
    returned: str
    period: timedelta
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    missing: str
    fills_nothing: bool = True

    def state(self, metrics: Metrics, at: datetime, before: str) -> str:
        """The state at a whole minute, from the minutes before it.

        Without enough values an alarm that treats missing data as `ignore` stays as it was `before`.
        """
        values = self._value(self.returned, metrics, at, {}).points
        real = [value for value in values if value is not None][: self.evaluation_periods]
        if self.missing == "ignore" and len(real) < self.evaluation_periods:
            return before
        count = sum(COMPARISONS[self.comparison](value, self.threshold) for value in real)
        return "ALARM" if count >= self.datapoints_to_alarm else "OK"

    def _value(self, name: str, metrics: Metrics, at: datetime, known: dict[str, Series]) -> Series:
        if name not in known:
            if name in self.metrics:
                known[name] = self._measured(name, metrics, at)
            else:
                formula = _compiled(self.formulas[name])
                used = {
                    each: self._value(each, metrics, at, known)
                    for each in formula.co_names
                    if each not in FUNCTIONS
                }
                functions = FUNCTIONS | {"FILL": _fill if self.fills_nothing else _fill_gaps}
                known[name] = eval(formula, functions, used)  # noqa: S307 - the template's own formula
        return known[name]

    def _measured(self, name: str, metrics: Metrics, at: datetime) -> Series:
        metric, dimensions, statistic = self.metrics[name]
        minutes = metrics.of(metric, dimensions)
        length = self.period // MINUTE
        points: list[Number] = []
        for age in range(self.evaluation_periods + EXTRA_PERIODS):
            end = at - age * self.period
            values = [value for ago in range(1, length + 1) for value in minutes.get(end - ago * MINUTE, [])]
            points.append(STATISTICS[statistic](values) if values else None)
        return Series(points)


def read_math_alarms(alarms: Mapping[str, Mapping[str, Any]]) -> dict[str, MathAlarm]:
    """The alarms on metric math, by logical id.

    Args:
        alarms: the properties of a template's alarms, with nothing left to resolve, by logical id.
    """
    return {name: _read(name, each) for name, each in alarms.items() if "Metrics" in each}


def _read(name: str, alarm: Mapping[str, Any]) -> MathAlarm:
    assert alarm["TreatMissingData"] in {"notBreaching", "ignore"}
    stats = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    (period,) = {each["Period"] for each in stats.values()}  # CloudWatch takes no others
    (returned,) = (each["Id"] for each in alarm["Metrics"] if each.get("ReturnData", True))
    return MathAlarm(
        name,
        {
            key: (
                stat["Metric"]["MetricName"],
                frozenset((each["Name"], str(each["Value"])) for each in stat["Metric"]["Dimensions"]),
                stat["Stat"],
            )
            for key, stat in stats.items()
        },
        {each["Id"]: each["Expression"] for each in alarm["Metrics"] if "Expression" in each},
        returned,
        timedelta(seconds=period),
        alarm["EvaluationPeriods"],
        alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
        float(alarm["Threshold"]),
        alarm["ComparisonOperator"],
        alarm["TreatMissingData"],
    )


def math_changes(alarm: MathAlarm, metrics: Metrics, start: datetime, end: datetime) -> list[Change]:
    """What becomes of an alarm from one moment to another, evaluated each minute; it is OK at first."""
    reach = (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period
    measured = [
        windows(metrics.of(name, dimensions), reach, start, end)
        for name, dimensions, _ in alarm.metrics.values()
    ]
    state, found, at, known = "OK", [], start, dict[tuple[str, tuple[Window, ...]], str]()
    for seen in zip(*measured, strict=True):
        if (state, seen) not in known:  # most minutes are alike
            known[state, seen] = alarm.state(metrics, at, state)
        now = known[state, seen]
        if now != state:
            state = now
            found.append(Change(at, alarm.name, state))
        at += MINUTE
    return found
