"""Metrics in log lines: lines worked by hand after the specification, and those that the functions write."""

import json
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from stockstream_local.emulator.embedded_metrics import EmbeddedMetricsError, Measurement, read_measurements
from transform.report import log_lines

# 2026-11-24T05:00:00.250Z
MILLISECONDS, SECONDS = 1_795_496_400_250, 1_795_496_400.25


def line(*directives: dict[str, Any], timestamp: object = MILLISECONDS, **members: object) -> str:
    return json.dumps({"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": directives}, **members})


def directive(
    *metrics: str, dimensions: object = (("service",),), namespace: object = "app"
) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "Dimensions": dimensions,
        "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
    }


def test_takes_a_metric_with_its_dimensions_unit_and_time() -> None:
    found = read_measurements(line(directive("Bars"), service="producer", Bars=3))

    assert found == [Measurement("app", "Bars", {"service": "producer"}, (3.0,), "Count", SECONDS)]


def test_takes_every_value_of_a_list() -> None:
    (found,) = read_measurements(line(directive("Wait"), service="producer", Wait=[1, 2.5, 1]))

    assert found.values == (1.0, 2.5, 1.0)


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    sets = [["service"], ["service", "shard"], []]

    found = read_measurements(line(directive("Bars", dimensions=sets), service="producer", shard="0", Bars=3))

    assert [each.dimensions for each in found] == [
        {"service": "producer"},
        {"service": "producer", "shard": "0"},
        {},
    ]


def test_takes_the_metrics_of_every_directive() -> None:
    found = read_measurements(
        line(directive("A", "B"), directive("B", namespace="other"), service="producer", A=1, B=2)
    )

    assert [(each.namespace, each.name, each.values) for each in found] == [
        ("app", "A", (1.0,)),
        ("app", "B", (2.0,)),
        ("other", "B", (2.0,)),
    ]


def test_a_metric_that_the_line_leaves_out_was_not_measured() -> None:
    found = read_measurements(line(directive("A", "B"), service="producer", B=2))

    assert [each.name for each in found] == ["B"]


def test_a_metric_without_a_unit_has_none() -> None:
    (found,) = read_measurements(
        line({"Namespace": "app", "Dimensions": [[]], "Metrics": [{"Name": "A"}]}, A=1)
    )

    assert found.unit == "None"


@pytest.mark.parametrize(
    "other",
    [
        "START RequestId: 1 Version: $LATEST",
        "{not JSON",
        '{"message": "about _aws"}',
        '"_aws"',
        '["_aws"]',
        '{"message": "bar rejected"}',
        '{"_aws": {"Timestamp": 1}}',
        "",
    ],
)
def test_a_line_of_another_kind_holds_none(other: str) -> None:
    assert read_measurements(other) == []


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ('{"_aws": 5}', "_aws is no object"),
        (line(directive("A"), timestamp="now", service="p", A=1), "Timestamp"),
        (line(directive("A"), timestamp=1.5, service="p", A=1), "Timestamp"),
        (line(directive("A", namespace=""), service="p", A=1), "no Namespace"),
        (line(directive("A"), A=1), "dimension service"),
        (line(directive("A"), service=5, A=1), "dimension service"),
        (line(directive("A", dimensions="service"), service="p", A=1), "Dimensions is no list"),
        (line(directive("A", dimensions=["service"]), service="p", A=1), "set of Dimensions is no list"),
        (line(directive("A"), service="p", A="3"), "A is '3'"),
        (line(directive("A"), service="p", A=True), "A is True"),
        (line(directive("A"), service="p", A=float("nan")), "A is nan"),
        (line(directive("A"), service="p", A=[]), "A has 0 values"),
        (line(directive("A"), service="p", A=[1] * 101), "A has 101 values"),
        (line(directive(*(f"M{n}" for n in range(101))), service="p"), "101 metrics"),
        (
            line(directive("A", dimensions=[[f"d{n}" for n in range(31)]]), A=1),
            "31 dimensions",
        ),
    ],
)
def test_a_line_that_does_not_keep_to_the_format_is_refused_by_name(bad: str, complaint: str) -> None:
    with pytest.raises(EmbeddedMetricsError, match=complaint):
        read_measurements(bad)


def test_reads_what_the_transform_writes() -> None:
    (text,) = log_lines({"invocationId": "i", "records": [{}, {}, {}]}, [], [], MILLISECONDS, "stockstream")

    assert read_measurements(text) == [
        Measurement("stockstream", "BarsEnriched", {"service": "transform"}, (3.0,), "Count", SECONDS),
        Measurement("stockstream", "BarsRejected", {"service": "transform"}, (0.0,), "Count", SECONDS),
    ]


def test_reads_what_powertools_writes(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(namespace="stockstream", service="producer")
    metrics.clear_metrics()  # Powertools keeps one set for all of a process, and other tests add to it
    metrics.add_metric("ProviderFailures", MetricUnit.Count, 1)
    metrics.add_metric("ProviderFailures", MetricUnit.Count, 2)
    metrics.add_metric("BarAgeSeconds", MetricUnit.Seconds, 41.5)
    metrics.flush_metrics()

    found = read_measurements(capsys.readouterr().out.strip())

    assert [(each.name, dict(each.dimensions), each.values, each.unit) for each in found] == [
        ("ProviderFailures", {"service": "producer"}, (1.0, 2.0), "Count"),
        ("BarAgeSeconds", {"service": "producer"}, (41.5,), "Seconds"),
    ]
