"""Reading log groups, with a client that answers page by page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from alert.errors import LogsError
from alert.log_groups import MOST_LINES, SECONDS, LineFilter, LogGroups

START, END = datetime(2026, 11, 20, 15, 29, tzinfo=UTC), datetime(2026, 11, 20, 15, 38, tzinfo=UTC)


def event(message: str, **keys: object) -> dict[str, Any]:
    return {"message": json.dumps({"message": message, **keys})}


class FakeLogsClient:
    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.calls_until_error = 10**9

    def filter_log_events(self, **call: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        if len(self.calls) == self.calls_until_error:
            raise ReadTimeoutError(endpoint_url="https://logs.test")
        number = int(call.get("nextToken", "0"))
        self.calls.append(call)
        is_last = number + 1 == len(self.pages)
        return {"events": self.pages[number]} | ({} if is_last else {"nextToken": str(number + 1)})


class Clock:
    """Each look at it takes a second."""

    def __init__(self, pace: float = 0.0) -> None:
        self.seconds, self.pace = 0.0, pace

    def __call__(self) -> float:
        self.seconds += self.pace
        return self.seconds


def groups(client: FakeLogsClient, clock: Clock | None = None) -> LogGroups:
    return LogGroups({"producer": "log-1"}, client, clock or Clock())  # type: ignore[arg-type]  # a fake


MOVES = LineFilter(("price moved",))


def read(client: FakeLogsClient, clock: Clock | None = None, start: datetime = START) -> list[Any]:
    found = groups(client, clock).read_lines("producer", MOVES, start, END)
    assert found.is_whole
    return [line["n"] for line in found.lines]


def milliseconds(hour: int, minute: int) -> int:
    # 20 November 2026 begins 1,795,132,800 s after 1970.
    return 1000 * (1_795_132_800 + 3600 * hour + 60 * minute)


def test_asks_for_the_lines_of_a_message_around_a_moment_the_newest_minutes_first() -> None:
    client = FakeLogsClient([event("price moved", n=1)])
    line_filter = LineFilter(("price moved", "hole found"))

    groups(client).read_lines("producer", line_filter, START, END)

    call = {
        "logGroupName": "log-1",
        "filterPattern": '{ ($.message = "price moved" || $.message = "hole found") }',
        "limit": MOST_LINES,
    }
    # From 15:29 to 15:38, in two stretches that have no moment in common.
    assert client.calls == [
        call | {"startTime": milliseconds(15, 33), "endTime": milliseconds(15, 38)},
        call | {"startTime": milliseconds(15, 29), "endTime": milliseconds(15, 33) - 1},
    ]


@pytest.mark.parametrize(
    ("minutes", "stretches"),
    [
        (5, [(5, 0)]),
        (19, [(5, 0), (19, 5)]),
        (25, [(5, 0), (25, 5)]),
        (124, [(5, 0), (25, 5), (124, 25)]),
    ],
)
def test_however_far_it_looks_back_it_asks_three_times_at_the_most(
    minutes: int, stretches: list[tuple[int, int]]
) -> None:
    client = FakeLogsClient([])

    read(client, start=END - timedelta(minutes=minutes))

    end = milliseconds(15, 38)
    assert [(call["startTime"], call["endTime"]) for call in client.calls] == [
        (end - 60_000 * first, end - 60_000 * last - (1 if last else 0)) for first, last in stretches
    ]


def test_the_pattern_names_the_outcomes_and_what_is_not_wanted() -> None:
    line_filter = LineFilter(("a",), {"outcome": ("x", "y")}, {"kind": ("k", "l"), "bars": (0,)})

    assert line_filter.pattern() == (
        '{ ($.message = "a") && ($.outcome = "x" || $.outcome = "y")'
        ' && $.kind != "k" && $.kind != "l" && $.bars != 0 }'
    )


def test_newest_lines_come_first() -> None:
    # CloudWatch answers oldest first, here with two pages for each stretch.
    client = FakeLogsClient(
        [event("price moved", n=1), event("price moved", n=2)], [event("price moved", n=3)]
    )

    assert read(client) == [3, 2, 1, 3, 2, 1]


def test_an_empty_page_is_not_the_end() -> None:
    client = FakeLogsClient([], [event("price moved", n=1)], [], [event("price moved", n=2)])

    assert read(client, start=END) == [2, 1]


def test_what_the_filter_let_through_is_looked_at_again() -> None:
    client = FakeLogsClient(
        [
            event("another", n=0),
            {"message": "START RequestId: 1"},
            {"message": '"price moved"'},
            {},
            event("price moved", n=1),
        ]
    )

    assert read(client, start=END) == [1]


def test_a_log_without_end_is_left_after_some_seconds() -> None:
    client = FakeLogsClient(*[[event("price moved", n=number)] for number in range(100)])

    found = groups(client, Clock(pace=1)).read_lines("producer", MOVES, START, END)

    assert [line["n"] for line in found.lines] == list(range(SECONDS - 1))[::-1]
    assert not found.is_whole


def test_no_more_lines_are_taken_than_there_is_room_for() -> None:
    page = [event("price moved", n=1)] * (MOST_LINES - 1)

    found = groups(FakeLogsClient(page, page, page)).read_lines("producer", MOVES, START, END)

    assert (len(found.lines), found.is_whole) == (2 * (MOST_LINES - 1), False)


def test_a_log_that_fails_after_the_newest_minutes_leaves_these() -> None:
    client = FakeLogsClient([event("price moved", n=1)])
    client.calls_until_error = 1

    found = groups(client).read_lines("producer", MOVES, START, END)

    assert ([line["n"] for line in found.lines], found.is_whole) == ([1], False)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "FilterLogEvents"),
        ReadTimeoutError(endpoint_url="https://logs.test"),
    ],
)
def test_a_log_that_cannot_be_read_is_named(error: Exception) -> None:
    client = FakeLogsClient()
    client.error = error

    with pytest.raises(LogsError, match="the log group log-1 cannot be read"):
        read(client)


def test_a_function_whose_log_nobody_named_is_named() -> None:
    with pytest.raises(LogsError, match="DETAIL_LOG_GROUPS names no log group of transform"):
        groups(FakeLogsClient()).read_lines("transform", LineFilter(("a",)), START, END + timedelta(hours=1))
