"""Log lines that hold metrics: CloudWatch's embedded metric format (EMF).

The specification: CloudWatch_Embedded_Metric_Format_Specification in CloudWatch's user guide.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stockstream.errors import StockstreamError

MOST_VALUES = 100
MOST_METRICS = 100
MOST_DIMENSIONS = 30


class EmbeddedMetricsError(StockstreamError):
    """A line says that it holds metrics, and does not keep to the format; the text says where."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The values of one metric in one log line.

    Attributes:
        namespace: the metric's.
        name: the metric's.
        dimensions: by name.
        values: one or more.
        unit: one of CloudWatch's, such as Count.
        time: in seconds since 1970.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    values: tuple[float, ...]
    unit: str
    time: float


def read_measurements(line: str) -> list[Measurement]:
    """The measurements that a log line holds: of each directive, each metric with each of its dimension sets.

    Args:
        line: a log event's message.

    Returns:
        The measurements; none if the line is of another kind.

    Raises:
        EmbeddedMetricsError: the line does not keep to the format.
    """
    if not line.startswith("{") or '"_aws"' not in line:
        return []
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict) or "_aws" not in document:
        return []
    metadata = document["_aws"]
    if not isinstance(metadata, dict):
        raise EmbeddedMetricsError("_aws is no object")
    if "CloudWatchMetrics" not in metadata:
        return []
    milliseconds = metadata.get("Timestamp")
    if type(milliseconds) is not int:
        raise EmbeddedMetricsError("_aws.Timestamp is no whole number of milliseconds")
    return [
        measurement
        for directive in _list(metadata["CloudWatchMetrics"], "_aws.CloudWatchMetrics")
        for measurement in _read_directive(directive, document, milliseconds / 1000)
    ]


def _read_directive(directive: object, document: dict[str, Any], time: float) -> Iterator[Measurement]:
    if not isinstance(directive, dict):
        raise EmbeddedMetricsError("a directive is no object")
    namespace = directive.get("Namespace")
    if not isinstance(namespace, str) or not namespace:
        raise EmbeddedMetricsError("a directive has no Namespace")
    metrics = _list(directive.get("Metrics", []), "Metrics")
    if len(metrics) > MOST_METRICS:
        raise EmbeddedMetricsError(f"a directive has {len(metrics)} metrics; {MOST_METRICS} is the most")
    sets = [
        _read_dimensions(each, document) for each in _list(directive.get("Dimensions", [[]]), "Dimensions")
    ]
    for metric in metrics:
        if not isinstance(metric, dict) or not isinstance(metric.get("Name"), str):
            raise EmbeddedMetricsError("a metric has no Name")
        name = metric["Name"]
        # A metric whose member is left out of a line was not measured this time.
        if name in document:
            values, unit = _read_values(name, document[name]), metric.get("Unit", "None")
            for dimensions in sets:
                yield Measurement(namespace, name, dimensions, values, unit, time)


def _read_dimensions(names: object, document: dict[str, Any]) -> dict[str, str]:
    names = _list(names, "a set of Dimensions")
    if len(names) > MOST_DIMENSIONS:
        raise EmbeddedMetricsError(f"a set has {len(names)} dimensions; {MOST_DIMENSIONS} is the most")
    dimensions = {}
    for name in names:
        value = document.get(name) if isinstance(name, str) else None
        if not isinstance(value, str):
            raise EmbeddedMetricsError(f"the dimension {name} has no text in the line")
        dimensions[name] = value
    return dimensions


def _read_values(name: str, target: object) -> tuple[float, ...]:
    values = target if isinstance(target, list) else [target]
    if not 0 < len(values) <= MOST_VALUES:
        raise EmbeddedMetricsError(f"{name} has {len(values)} values; 1 to {MOST_VALUES} are allowed")
    for value in values:
        # bool is an int to Python.
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise EmbeddedMetricsError(f"{name} is {value!r}, which is no number")
    return tuple(map(float, values))


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise EmbeddedMetricsError(f"{what} is no list")
    return value
