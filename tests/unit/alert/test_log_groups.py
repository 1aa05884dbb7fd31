"""Reading log groups, with a client that answers page by page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from alert.errors import LogsError
from alert.log_groups import MOST_LINES, SECONDS, LogGroups

START, END = datetime(2026, 11, 20, 15, 29, tzinfo=UTC), datetime(2026, 11, 20, 15, 38, tzinfo=UTC)


def event(message: str, **keys: object) -> dict[str, Any]:
    return {"message": json.dumps({"message": message, **keys})}


class FakeLogsClient:
    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def filter_log_events(self, **call: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
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


def read(client: FakeLogsClient, clock: Clock | None = None) -> list[Any]:
    lines = groups(client, clock).read_lines("producer", ("price moved",), START, END)
    return [line["n"] for line in lines]


def test_asks_for_the_lines_of_a_message_around_a_moment() -> None:
    client = FakeLogsClient([event("price moved", n=1)])

    groups(client).read_lines("producer", ("price moved", "hole found"), START, END)

    assert client.calls == [
        {
            "logGroupName": "log-1",
            "filterPattern": '{ ($.message = "price moved") || ($.message = "hole found") }',
            "startTime": 1_795_188_540_000,
            "endTime": 1_795_188_540_000 + 9 * 60_000,
            "limit": MOST_LINES,
        }
    ]
    assert datetime.fromtimestamp(1_795_188_540, UTC) == START


def test_an_empty_page_is_not_the_end() -> None:
    client = FakeLogsClient([], [event("price moved", n=1)], [], [event("price moved", n=2)])

    assert read(client) == [1, 2]


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

    assert read(client) == [1]


def test_a_log_without_end_is_left_after_some_seconds() -> None:
    client = FakeLogsClient(*[[event("price moved", n=number)] for number in range(100)])

    assert read(client, Clock(pace=1)) == list(range(SECONDS - 1))


def test_no_more_lines_are_taken_than_a_notice_can_tell_of() -> None:
    page = [event("price moved", n=1)] * (MOST_LINES - 1)

    assert len(read(FakeLogsClient(page, page, page))) == MOST_LINES


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
        groups(FakeLogsClient()).read_lines("transform", ("a",), START, END + timedelta(hours=1))
