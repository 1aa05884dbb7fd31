"""The lines that the functions write, and those that a notice quotes: what made a metric count."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from resolved_template import TEMPLATE, ResolvedTemplate
from said_by_code import keys_of, messages_of

from alert.alarms import Alarm, parse_alarm
from alert.detail_sources import SOURCES
from alert.details import find_details
from alert.log_groups import LineFilter, LogGroups
from producer.bookkeeping import record_run
from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.planning.allowance import AllowanceSpentError
from producer.planning.ledger import Ledger
from producer.providers.provider_errors import KeyRefusedError, NoDataError, ProviderError
from producer.report import report_answers
from producer.reported_bars import ReportedBars
from stockstream.errors import Reason, RecordError
from stockstream.instruments import parse_instrument
from stockstream.observability import logger, metrics
from transform.report import log_lines

NOW = datetime(2026, 11, 20, 15, 36, tzinfo=UTC)
ALARMS = ResolvedTemplate(SearchEnabled="true", LakeFormat="PARQUET", CompactionEnabled="true").of_kind(
    "AWS::CloudWatch::Alarm"
)
IBM = parse_instrument("IBM")
FAILURE_METRICS = [
    name for name, source in SOURCES.items() if "provider failed" in source.line_filter.messages
]


def kinds_of(error: type[ProviderError]) -> Iterator[type[ProviderError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from kinds_of(kind)


FAILURES = sorted(kinds_of(ProviderError), key=lambda kind: kind.__name__)


class LogOfEverything:
    """A log that answers with all of its lines, as one would whose filter does not work."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.lines = lines

    def filter_log_events(self, **_call: Any) -> dict[str, Any]:
        return {"events": [{"message": json.dumps(line)} for line in self.lines]}


def alarm_on(metric: str) -> Alarm:
    text = {
        "AlarmName": "whatever it is called",
        "NewStateValue": "ALARM",
        "StateChangeTime": "2026-11-20T15:37:21.802+0000",
        "Trigger": {"Period": 60, "EvaluationPeriods": 1, "MetricName": metric},
    }
    alarm = parse_alarm(json.dumps(text))
    assert alarm is not None
    return alarm


def told(metric: str, *lines: dict[str, Any]) -> tuple[str, ...]:
    client = LogOfEverything(*lines)
    logs = LogGroups({"producer": "log-1", "transform": "log-2"}, client, lambda: 0.0)  # type: ignore[arg-type]  # a fake
    return tuple(find_details(alarm_on(metric), logs, {}))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    metrics.clear_metrics()  # what other tests measured and did not write
    yield stream
    metrics.clear_metrics()


def passes(pattern: str, line: dict[str, Any]) -> bool:
    """What CloudWatch makes of a pattern, for the forms that are used here."""
    assert pattern.startswith("{ ")
    assert pattern.endswith(" }")

    def holds(term: str) -> bool:
        found = re.fullmatch(r"\$\.(\w+) (!?=) (.+)", term)
        assert found, term
        return (line.get(found[1]) == json.loads(found[3])) is (found[2] == "=")

    return all(
        any(holds(each) for each in term.strip("()").split(" || ")) for term in pattern[2:-2].split(" && ")
    )


def test_every_alarm_on_a_metric_of_our_own_quotes_the_lines_that_it_counts() -> None:
    own = {
        metric["MetricName"]
        for alarm in ALARMS.values()
        for metric in (
            alarm,
            *(each.get("MetricStat", {}).get("Metric", {}) for each in alarm.get("Metrics", [])),
        )
        if metric.get("Namespace") == "stockstream"
    }

    # BarsEnriched is what the share of refused records is taken of.
    assert own - {"BarsEnriched"} == set(SOURCES)


@pytest.mark.parametrize("metric", SOURCES)
def test_a_notice_looks_for_messages_and_keys_that_the_function_writes(metric: str) -> None:
    source = SOURCES[metric]

    assert set(source.line_filter.messages) <= messages_of(source.function)
    assert {*source.line_filter.having, *source.line_filter.lacking} <= keys_of(source.function)


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_quoted_where_it_makes_the_metric_count(
    kind: type[ProviderError], log: StringIO
) -> None:
    fetched = [Fetched([IBM], NOW, failure=kind("IBM: what the provider said"))]
    watchlist = Watchlist((IBM,), "1min", "regular")

    report_answers(fetched, "1min", 1, ReportedBars())

    (line,) = map(json.loads, log.getvalue().splitlines())
    measured: dict[str, Any] = json.loads(json.dumps(metrics.serialize_metric_set()))
    counted = {
        "RunsUnanswered": record_run(Ledger(NOW.date()), watchlist, fetched, 1, NOW).unanswered,
        "ProviderRefusals": measured["ProviderRefusals"][0],
        # Overdue bars are counted from no line; whatever failed may be why.
        "BarsOverdueSeconds": 1,
    }
    sentence = f"{kind.__name__}: IBM: what the provider said"
    assert {metric: sentence in told(metric, line) for metric in FAILURE_METRICS} == {
        metric: count > 0 for metric, count in counted.items()
    }
    for metric in FAILURE_METRICS:
        line_filter = SOURCES[metric].line_filter
        assert passes(line_filter.pattern(), line) is line_filter.matches(line)


def test_a_request_that_was_not_made_is_told_after_those_that_failed(log: StringIO) -> None:
    for error in (KeyRefusedError("no"), NoDataError("empty"), AllowanceSpentError("spent")):
        report_answers([Fetched([IBM], NOW, failure=error)], "1min", 1, ReportedBars())

    lines = map(json.loads, log.getvalue().splitlines())
    assert told("BarsOverdueSeconds", *lines) == (
        "KeyRefusedError: no",
        "NoDataError: empty",
        "AllowanceSpentError: spent",
    )


@pytest.mark.parametrize("metric", SOURCES)
def test_the_pattern_and_the_second_look_take_the_same_lines(metric: str) -> None:
    line_filter = SOURCES[metric].line_filter
    outcomes = ("retry soon", "wait", "stop for the day", "tell a person", None)
    lines = [
        {"message": message, "outcome": outcome, "kind": kind, "bars": bars}
        for source in SOURCES.values()
        for message in source.line_filter.messages
        for outcome in outcomes
        for kind in ("NoDataError", "AllowanceSpentError")
        for bars in (0, 3)
    ]

    taken = [line for line in lines if line_filter.matches(line)]
    assert taken == [line for line in lines if passes(line_filter.pattern(), line)]
    assert 0 < len(taken) < len(lines)
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    assert len(line_filter.pattern()) <= 1024


def test_a_line_is_taken_by_its_message_where_nothing_else_is_asked_for() -> None:
    assert LineFilter(("a", "b")).matches({"message": "b"})
    assert not LineFilter(("a", "b")).matches({"message": "c"})


@pytest.mark.parametrize("level", TEMPLATE["Parameters"]["LogLevel"]["AllowedValues"])
def test_every_level_that_may_be_deployed_lets_the_lines_through_that_a_notice_looks_for(level: str) -> None:
    # "record rejected" and "price moved" are warnings, all others errors.
    refused = [("1", RecordError(Reason.BAD_PRICE, "low"))]
    event = {"records": [{"recordId": "1", "data": "bm90aGluZw=="}]}
    lines = [json.loads(line) for line in log_lines(event, [], refused, 0, "stockstream", level)]
    assert "record rejected" in [line["message"] for line in lines]
    assert logging.getLevelNamesMapping()[level] <= logging.WARNING
