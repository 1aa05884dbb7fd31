"""Details: the lines that the functions write, and the sentences that people read."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from alert.alarms import Alarm, State, parse_alarm
from alert.details import SOURCES, find_details
from alert.errors import LogsError

type LoadEvent = Callable[[str], dict[str, Any]]

IBM = {
    "message": "price moved",
    "instrument": "IBM",
    "interval": "1min",
    "bars": 5,
    "change_percent": -7.2066,
    "from_price": 283.0424,
    "to_price": 262.6447,
    "from_time": "2026-11-20T15:30:00Z",
    "to_time": "2026-11-20T15:35:00Z",
}


class FakeLogs:
    def __init__(self, *lines: dict[str, Any], error: str = "") -> None:
        self.lines = list(lines)
        self.error = error
        self.asked: list[tuple[str, Sequence[str], datetime, datetime]] = []

    def read_lines(
        self, function: str, messages: Sequence[str], start: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        if self.error:
            raise LogsError(self.error)
        self.asked.append((function, messages, start, end))
        return self.lines


def alarm_on(*metrics: str, state: State = State.ALARM, period: int = 300) -> Alarm:
    text = {
        "AlarmName": "whatever it is called",
        "NewStateValue": state,
        "StateChangeTime": "2026-11-20T15:37:21.802+0000",
        "Trigger": {
            "Period": period,
            "EvaluationPeriods": 1,
            "Metrics": [{"MetricStat": {"Metric": {"MetricName": metric}}} for metric in metrics],
        },
    }
    alarm = parse_alarm(json.dumps(text))
    assert alarm is not None
    return alarm


def test_a_price_move_says_which_instrument_how_far_and_over_what(load_event: LoadEvent) -> None:
    alarm = parse_alarm(load_event("alarm-price-move")["Records"][0]["Sns"]["Message"])
    assert alarm is not None

    assert find_details(alarm, FakeLogs(IBM), {}) == (
        "IBM fell 7.21 %, from 283.0424 to 262.6447, between 15:30 and 15:35 UTC (5 bars of 1min).",
    )


def test_each_instrument_is_told_once_the_furthest_first() -> None:
    up = IBM | {"instrument": "MSFT", "change_percent": 9.0, "from_price": 400.0, "to_price": 436.0}
    details = find_details(
        alarm_on("PriceMovePercent"), FakeLogs(IBM | {"change_percent": -5.5}, IBM, up, up, IBM), {}
    )

    assert [each.split(",")[0] for each in details] == ["MSFT rose 9.00 %", "IBM fell 7.21 %"]


def test_what_is_too_much_for_a_notice_is_counted() -> None:
    many = [IBM | {"instrument": f"S{number}"} for number in range(5)]

    details = find_details(alarm_on("PriceMovePercent"), FakeLogs(*many), {})

    assert [each.split()[0] for each in details] == ["S4", "S3", "S2", "And"]
    assert details[-1] == "And 2 more."


def test_looks_around_the_moment_in_the_log_of_the_function_that_measures() -> None:
    logs = FakeLogs()
    find_details(alarm_on("PriceMovePercent"), logs, {})
    find_details(alarm_on("BarsEnriched", "BarsRejected", period=60), logs, {})

    # The metric's period and three minutes before, one minute after.
    assert logs.asked == [
        (
            "producer",
            ("price moved",),
            datetime(2026, 11, 20, 15, 29, 21, 802000, UTC),
            datetime(2026, 11, 20, 15, 38, 21, 802000, UTC),
        ),
        (
            "transform",
            ("record rejected",),
            datetime(2026, 11, 20, 15, 33, 21, 802000, UTC),
            datetime(2026, 11, 20, 15, 38, 21, 802000, UTC),
        ),
    ]


@pytest.mark.parametrize("period", [86_400, 10**30])
def test_looks_back_for_two_hours_at_the_most(period: int) -> None:
    logs = FakeLogs()
    find_details(alarm_on("ProviderRefusals", period=period), logs, {})

    assert logs.asked[0][2] == datetime(2026, 11, 20, 13, 34, 21, 802000, UTC)


@pytest.mark.parametrize("state", [State.OK, State.INSUFFICIENT_DATA])
def test_what_is_over_needs_no_details(state: State) -> None:
    logs = FakeLogs(IBM)

    assert find_details(alarm_on("PriceMovePercent", state=state), logs, {}) == ()
    assert logs.asked == []


def test_other_metrics_have_no_details() -> None:
    logs = FakeLogs(IBM)

    assert find_details(alarm_on("Errors", "IteratorAge"), logs, {}) == ()
    assert logs.asked == []


@pytest.mark.parametrize("logs", [FakeLogs(), FakeLogs(error="no permission")])
def test_without_details_the_notice_says_where_to_look(logs: FakeLogs) -> None:
    assert find_details(alarm_on("PriceMovePercent"), logs, {}) == (
        'Which: look for "price moved" in the producer\'s log.',
    )


def test_overdue_bars_say_whether_the_provider_answers() -> None:
    overdue = alarm_on("BarsOverdueSeconds")
    failed = {"message": "provider failed", "kind": "KeyRefusedError", "detail": "IBM: the key is refused"}

    assert find_details(overdue, FakeLogs(failed), {}) == ("KeyRefusedError: IBM: the key is refused",)
    assert find_details(overdue, FakeLogs(), {}) == (
        "No request failed: the provider answers, and shows nothing newer.",
    )


@pytest.mark.parametrize(
    ("metric", "line", "sentence"),
    [
        (
            "BarsDeferred",
            {"message": "stream refused bars", "instrument": "IBM", "bars": 3},
            "IBM: the stream did not take 3 bars.",
        ),
        (
            "BarsDeferred",
            {"message": "bars left for the next run", "instrument": "IBM", "detail": "its base is missing"},
            "IBM: its base is missing",
        ),
        (
            "HolesFound",
            {"instrument": "IBM", "after": "2026-11-19T20:59:00Z", "before": "2026-11-20T16:10:00Z"},
            "IBM: no bars between 2026-11-19T20:59:00Z and 2026-11-20T16:10:00Z.",
        ),
        ("BarsRejected", {"detail": "BAD_PRICE: low is 0.0"}, "BAD_PRICE: low is 0.0"),
    ],
)
def test_tells_what_was_counted(metric: str, line: dict[str, Any], sentence: str) -> None:
    assert find_details(alarm_on(metric), FakeLogs(line, line), {}) == (sentence,)


@pytest.mark.parametrize("metric", SOURCES)
def test_a_line_of_another_form_is_told_all_the_same(metric: str) -> None:
    assert len(find_details(alarm_on(metric), FakeLogs({"message": "?", "change_percent": "x"}), {})) == 1


def composite(*children: str) -> Alarm:
    text = {
        "AlarmName": "down",
        "NewStateValue": "ALARM",
        "StateChangeTime": "2026-11-20T15:37:21.802+0000",
        "TriggeringChildren": [
            {"Arn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{child}"} for child in children
        ],
    }
    alarm = parse_alarm(json.dumps(text))
    assert alarm is not None
    return alarm


def test_a_composite_alarm_says_what_the_alarm_would_have_said_that_set_it_off() -> None:
    failure = {"message": "provider failed", "kind": "KeyRefusedError", "detail": "no"}
    logs = FakeLogs(failure)

    assert find_details(composite("prod-1"), logs, {"prod-1": "RunsUnanswered"}) == ("KeyRefusedError: no",)
    # 35 minutes and three before.
    assert logs.asked[0][2] == datetime(2026, 11, 20, 14, 59, 21, 802000, UTC)


def test_a_composite_alarm_whose_children_watch_something_else_has_no_details() -> None:
    logs = FakeLogs(IBM)

    assert (
        find_details(composite("prod-1", "prod-2"), logs, {"prod-2": "Errors", "prod-3": "HolesFound"}) == ()
    )
    assert logs.asked == []
