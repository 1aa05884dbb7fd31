"""Details: the lines that the functions write, and the sentences that people read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from alert.alarms import Alarm, parse_alarm
from alert.detail_sources import SOURCES
from alert.details import find_details
from alert.errors import LogsError
from alert.log_groups import FoundLines, LineFilter
from stockstream.alarm_words import AlarmState

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
    """Lines in the order in which they were written, of which those that the filter matches are found."""

    def __init__(self, *lines: dict[str, Any], error: str = "", is_whole: bool = True) -> None:
        self.lines = list(lines)
        self.error = error
        self.is_whole = is_whole
        self.asked: list[tuple[str, tuple[str, ...], datetime, datetime]] = []

    def read_lines(
        self, function: str, line_filter: LineFilter, start: datetime, end: datetime
    ) -> FoundLines:
        if self.error:
            raise LogsError(self.error)
        self.asked.append((function, line_filter.messages, start, end))
        return FoundLines([line for line in self.lines[::-1] if line_filter.matches(line)], self.is_whole)


def failure(kind: str, outcome: str, detail: str) -> dict[str, Any]:
    return {"message": "provider failed", "kind": kind, "outcome": outcome, "detail": detail}


KEY_REFUSED = failure("KeyRefusedError", "tell a person", "the key is refused")


def timeouts(count: int) -> list[dict[str, Any]]:
    return [
        failure("ProviderUnavailableError", "retry soon", f"S{number}: no answer") for number in range(count)
    ]


def alarm_on(*metrics: str, state: AlarmState = AlarmState.ALARM, period: int = 300) -> Alarm:
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


def test_what_looks_like_a_split_is_told_with_its_commands_and_beside_a_move_of_the_same_share() -> None:
    detail = "it opened at 28 on 2026-11-20, after a close at 280. If that is a split, confirm it"
    split = {"message": "split suspected", "instrument": "IBM", "change_percent": -90.0, "detail": detail}

    details = find_details(alarm_on("PriceMovePercent"), FakeLogs(IBM, split), {})

    assert details[0] == f"IBM: {detail}."
    assert details[1].startswith("IBM fell 7.21 %")


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
            ("price moved", "split suspected"),
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


@pytest.mark.parametrize("state", [AlarmState.OK, AlarmState.INSUFFICIENT_DATA])
def test_what_is_over_needs_no_details(state: AlarmState) -> None:
    logs = FakeLogs(IBM)

    assert find_details(alarm_on("PriceMovePercent", state=state), logs, {}) == ()
    assert logs.asked == []


def test_a_batch_that_was_set_aside_is_not_explained_by_records_that_were_refused() -> None:
    logs = FakeLogs({"message": "record rejected", "reason": "BAD_PRICE", "detail": "close is 0"})

    assert find_details(alarm_on("Errors", "Throttles", "BarsEnriched", "BarsRejected"), logs, {}) == ()
    assert find_details(alarm_on("BarsEnriched", "BarsRejected"), logs, {}) == ("close is 0",)


def test_other_metrics_have_no_details() -> None:
    logs = FakeLogs(IBM)

    assert find_details(alarm_on("Errors", "IteratorAge"), logs, {}) == ()
    assert logs.asked == []


@pytest.mark.parametrize("logs", [FakeLogs(), FakeLogs(error="no permission")])
def test_without_details_the_notice_says_where_to_look(logs: FakeLogs) -> None:
    assert find_details(alarm_on("PriceMovePercent"), logs, {}) == (
        'Which: look for "price moved" or "split suspected" in the producer\'s log.',
    )


def test_overdue_bars_say_whether_the_provider_answers() -> None:
    overdue = alarm_on("BarsOverdueSeconds")

    assert find_details(overdue, FakeLogs(KEY_REFUSED), {}) == ("KeyRefusedError: the key is refused",)
    assert find_details(overdue, FakeLogs(), {}) == (
        "No request failed: the provider answers, and shows nothing newer.",
    )
    # Of a log that was read in part nobody knows that.
    assert find_details(overdue, FakeLogs(is_whole=False), {}) == (
        'Which: look for "provider failed" in the producer\'s log.',
    )


def test_a_refusal_is_told_and_not_the_failures_that_did_not_count() -> None:
    empty = [failure("NoDataError", "wait", f"S{number}: an empty answer") for number in range(4)]
    unknown = failure("UnknownInstrumentError", "tell a person", "XYZ: unknown")

    assert find_details(alarm_on("ProviderRefusals"), FakeLogs(unknown, *empty), {}) == (
        "UnknownInstrumentError: XYZ: unknown",
    )


def test_a_silence_is_told_by_the_failures_that_counted_and_by_no_refusal() -> None:
    spent = failure("AllowanceSpentError", "retry soon", "this run's 3 requests are spent")
    logs = FakeLogs(KEY_REFUSED, *timeouts(1), spent)

    assert find_details(alarm_on("RunsUnanswered"), logs, {}) == ("ProviderUnavailableError: S0: no answer",)


@pytest.mark.parametrize("metric", ["ProviderRefusals", "BarsOverdueSeconds"])
def test_a_refusal_is_told_first_among_however_many_failures(metric: str) -> None:
    for logs in (FakeLogs(KEY_REFUSED, *timeouts(250)), FakeLogs(*timeouts(250), KEY_REFUSED)):
        assert find_details(alarm_on(metric), logs, {})[0] == "KeyRefusedError: the key is refused"


def test_one_failure_of_each_kind_is_told_before_a_second_of_the_same() -> None:
    logs = FakeLogs(failure("MalformedAnswerError", "retry soon", "no JSON"), *timeouts(4))

    # Newest first: S3 is the newest of the timeouts, and S2 the second of them.
    assert find_details(alarm_on("RunsUnanswered"), logs, {}) == (
        "ProviderUnavailableError: S3: no answer",
        "MalformedAnswerError: no JSON",
        "ProviderUnavailableError: S2: no answer",
        "And 2 more.",
    )


def test_a_record_of_each_reason_is_told_and_more_were_refused_than_are_logged() -> None:
    def rejected(reason: str, number: int) -> dict[str, Any]:
        return {"message": "record rejected", "reason": reason, "detail": f"{reason}: {number}"}

    logs = FakeLogs(rejected("BAD_PRICE", 0), *(rejected("MISSING_FIELD", number) for number in range(300)))

    # 301 lines, of which three are told.
    assert find_details(alarm_on("BarsRejected"), logs, {}) == (
        "MISSING_FIELD: 299",
        "BAD_PRICE: 0",
        "MISSING_FIELD: 298",
        "And at least 298 more.",
    )


def test_of_deferred_bars_the_newest_number_of_each_instrument_counts_and_the_greatest_is_first() -> None:
    def refused(instrument: str, bars: int) -> dict[str, Any]:
        return {"message": "stream refused bars", "instrument": instrument, "bars": bars}

    # IBM's 90 were taken since, but for one.
    logs = FakeLogs(refused("IBM", 90), refused("MSFT", 7), refused("IBM", 1))

    assert find_details(alarm_on("BarsDeferred"), logs, {}) == (
        "MSFT: the stream did not take 7 bars.",
        "IBM: the stream did not take 1 bar.",
    )


def test_an_answer_without_bars_defers_none() -> None:
    left = {"message": "bars left for the next run", "instrument": "IBM", "bars": 0, "detail": "unreadable"}

    assert find_details(alarm_on("BarsDeferred"), FakeLogs(left), {}) == (
        'Which: look for "stream refused bars" or "bars left for the next run" in the producer\'s log.',
    )


def test_the_longest_hole_is_told_first() -> None:
    def hole(instrument: str, before: str) -> dict[str, Any]:
        after = "2026-11-20T15:00:00Z"
        return {"message": "hole found", "instrument": instrument, "after": after, "before": before}

    logs = FakeLogs(hole("IBM", "2026-11-20T19:00:00Z"), hole("MSFT", "2026-11-20T15:05:00Z"))

    assert [each[:4] for each in find_details(alarm_on("HolesFound"), logs, {})] == ["IBM:", "MSFT"]


def test_what_a_log_may_hold_beyond_what_was_read_is_said() -> None:
    moves = [IBM | {"instrument": f"S{number}"} for number in range(5)]

    assert find_details(alarm_on("PriceMovePercent"), FakeLogs(*moves, is_whole=False), {})[-1] == (
        "And at least 2 more."
    )
    assert find_details(alarm_on("PriceMovePercent"), FakeLogs(*moves[:1], is_whole=False), {})[1:] == (
        "There may be more.",
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
            {
                "message": "bars left for the next run",
                "instrument": "IBM",
                "bars": 100,
                "detail": "its base is missing",
            },
            "IBM: 100 bars wait: its base is missing",
        ),
        (
            "HolesFound",
            {
                "message": "hole found",
                "instrument": "IBM",
                "after": "2026-11-19T20:59:00Z",
                "before": "2026-11-20T16:10:00Z",
            },
            "IBM: no bars between 2026-11-19T20:59:00Z and 2026-11-20T16:10:00Z.",
        ),
        (
            "BarsRejected",
            {"message": "record rejected", "detail": "BAD_PRICE: low is 0.0"},
            "BAD_PRICE: low is 0.0",
        ),
    ],
)
def test_tells_what_was_counted(metric: str, line: dict[str, Any], sentence: str) -> None:
    assert find_details(alarm_on(metric), FakeLogs(line, line), {}) == (sentence,)


@pytest.mark.parametrize("metric", SOURCES)
def test_a_line_of_another_form_is_told_all_the_same(metric: str) -> None:
    line_filter = SOURCES[metric].line_filter
    line = {
        "message": line_filter.messages[0],
        **{key: values[0] for key, values in line_filter.having.items()},
    }
    strange = {"change_percent": "x", "bars": [], "kind": {}, "reason": [], "after": 0, "instrument": None}

    for each in (line, strange | line):
        (sentence,) = find_details(alarm_on(metric), FakeLogs(each), {})
        assert not sentence.startswith("Which")


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
    logs = FakeLogs(*timeouts(1))

    assert find_details(composite("prod-1"), logs, {"prod-1": "RunsUnanswered"}) == (
        "ProviderUnavailableError: S0: no answer",
    )
    # 35 minutes and three before.
    assert logs.asked[0][2] == datetime(2026, 11, 20, 14, 59, 21, 802000, UTC)


def test_a_composite_alarm_whose_children_watch_something_else_has_no_details() -> None:
    logs = FakeLogs(IBM)

    assert (
        find_details(composite("prod-1", "prod-2"), logs, {"prod-2": "Errors", "prod-3": "HolesFound"}) == ()
    )
    assert logs.asked == []
