"""Metric math: the guide's own tables, and the template's alarms beside the tests' model of CloudWatch."""

from datetime import UTC, datetime, timedelta

import pytest
from alarm_evaluation import Metrics
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_math import read_math_alarms
from resolved_template import ResolvedTemplate

from stockstream.alarm_words import AlarmState
from stockstream_local.emulator.alarm_rules import Rule, evaluate_datapoints, summarize
from stockstream_local.emulator.metric_math import MetricMathError, Series, calculate

ALARMS = ResolvedTemplate(SearchEnabled="true").of_kind("AWS::CloudWatch::Alarm")
MODELS = read_math_alarms(ALARMS)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def series(row: str) -> Series:
    """A row of the guide, oldest first, as datapoints, newest first."""
    return [None if each == "-" else float(each) for each in reversed(row.split())]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("m1 < m2", "0 0 1 0"),
        ("m1 >= 30", "1 0 0 0"),
        ("(m1 > 15) AND (m2 > 15)", "1 0 0 0"),
    ],
)
def test_compares_as_the_guides_table_does(formula: str, expected: str) -> None:
    measured = {"m1": series("30 20 0 0"), "m2": series("20 - 20 -")}

    assert calculate({"e": formula}, measured, "e") == series(expected)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("IF(m1, m2, m3)", "30 0 20 - -"),
        ("IF(m1, 5, m3)", "5 5 20 - -"),
        ("IF(m1, m2, 5)", "30 0 5 5 -"),
        ("IF(m1, m2)", "30 0 - - -"),
    ],
)
def test_chooses_as_the_guides_tables_do(formula: str, expected: str) -> None:
    measured = {"m1": series("1 1 0 0 -"), "m2": series("30 - 0 0 30"), "m3": series("0 0 20 - 20")}

    assert calculate({"e": formula}, measured, "e") == series(expected)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a + b", "3 1 2 -"),  # what is missing is 0
        ("a - b", "-1 1 -2 -"),
        ("100 * a / b", "50 - 0 -"),  # what would be divided by zero is dropped
        ("FILL(a, 7)", "1 1 7 7"),
        ("FILL(none, 7)", "- - - -"),  # not documented: the unkinder reading
        ("DIFF(a)", "- 0 - -"),
        ("filled - DIFF(filled)", "1 1 1 0"),  # the period before; the oldest has none
        ("(a > 0) OR (b > 0)", "1 1 1 -"),
    ],
)
def test_knows_what_the_templates_alarms_use(formula: str, expected: str) -> None:
    measured = {"a": series("1 1 - -"), "b": series("2 - 2 -"), "none": series("- - - -")}

    found = calculate({"e": formula, "filled": "FILL(a, 0)"}, measured, "e")

    assert found == series(expected)


@pytest.mark.parametrize("formula", ["RATE(a)", "a +", "a if a else a", "b"])
def test_what_it_does_not_know_it_says(formula: str) -> None:
    with pytest.raises(MetricMathError):
        calculate({"e": formula}, {"a": [1.0]}, "e")


def counts() -> st.SearchStrategy[list[int | None]]:
    return st.lists(st.none() | st.integers(0, 3), min_size=70, max_size=70)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=examples(30))
@given(data=st.data())
def test_the_templates_alarms_ring_as_the_model_says(name: str, data: st.DataObject) -> None:
    model, alarm = MODELS[name]._replace(fills_nothing=False), ALARMS[name]
    minutes = Metrics()
    points: dict[str, list[tuple[float, float]]] = {}
    for key, (metric, dimensions, _) in model.metrics.items():
        points[key] = []
        for ago, value in enumerate(data.draw(counts(), label=key), 1):
            if value is not None:
                minutes.add(metric, dimensions, NOON - ago * MINUTE, value)
                points[key].append(((NOON - ago * MINUTE).timestamp() + 30, value))
    rule = Rule.of({**alarm, "Threshold": float(alarm["Threshold"])})
    assert rule

    now = NOON.timestamp() + 3
    measured = {key: summarize(rule, model.metrics[key][2], points[key], now) for key in model.metrics}
    told = evaluate_datapoints(rule, calculate(model.formulas, measured, model.returned), now, AlarmState.OK)

    assert told.state == model.state(minutes, NOON, "OK")
