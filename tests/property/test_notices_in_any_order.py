"""Any order and repetition of an alarm's messages ends in the same notices about it.

SNS delivers at least once and keeps no order, and so does Lambda with asynchronous calls. Here an alarm lives
through a random history; its messages come late, twice, one before the other; a channel is down now and then.
What people must have read at the end follows from the history alone, read once from its beginning to its end.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast
from unittest.mock import patch

from alarm_histories import AlarmHistories
from hypothesis import given
from hypothesis import strategies as st

from alert import handler
from alert.alarm_changes import AlarmHistory
from alert.dependencies import Dependencies
from alert.errors import ChannelError, DeliveryError, LogsError
from alert.links import LinkTargets
from alert.log_groups import FoundLines, LineFilter
from alert.notice_ledger import Claim
from alert.notices import Notice

MADE = datetime(2026, 11, 20, 12, tzinfo=UTC)
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
LATE = "This comes late: it was over at "


class Change(NamedTuple):
    """What a message tells."""

    number: int
    at: datetime
    before: str
    after: str


class Coming(NamedTuple):
    """A delivery of a message: when, and whether the channel takes notices then."""

    at: datetime
    change: Change
    is_up: bool


class Told(NamedTuple):
    """What a notice says.

    Attributes:
        lasted: with an end.
        over_at: of what is over already.
    """

    state: str
    lasted: timedelta | None
    over_at: str | None


class Book:
    """A ledger in memory; deliveries come one after the other here."""

    def __init__(self) -> None:
        self.sent: set[str] = set()

    def claim(self, key: str, until: float) -> Claim:
        assert until
        return Claim.SENT if key in self.sent else Claim.GRANTED

    def confirm(self, key: str) -> None:
        self.sent.add(key)

    def release(self, key: str) -> None:
        assert key not in self.sent


class Reader:
    """A channel, and whoever reads what comes there."""

    name = "reader"

    def __init__(self) -> None:
        self.is_up = True
        self.read: dict[int, list[Notice]] = {}

    def send(self, notice: Notice) -> None:
        if not self.is_up:
            raise ChannelError("no answer")
        self.read.setdefault(int(notice.id), []).append(notice)


class NoLogs:
    def read_lines(
        self, function: str, line_filter: LineFilter, start: datetime, end: datetime
    ) -> FoundLines:
        raise LogsError(f"{function} {line_filter} {start} {end}")


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """The changes of an alarm, which begins without data, and between them from ten seconds to two days."""
    at, state, changes = MADE, "INSUFFICIENT_DATA", []
    for number in range(draw(st.integers(1, 12))):
        at += timedelta(milliseconds=draw(st.integers(10_000, 172_800_000) | st.just(60_000)))
        after = draw(st.sampled_from([each for each in STATES if each != state]))
        changes.append(Change(number, at, state, after))
        state = after
    return changes


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Change], list[Coming]]:
    """A history, and how its messages come: each up to three times, at last to a channel that is up."""
    history, coming = draw(histories()), []
    for change in history:
        seconds = draw(st.lists(st.integers(0, 300_000) | st.integers(0, 5), min_size=1, max_size=3))
        for number, delay in enumerate(sorted(seconds), 1):
            is_up = number == len(seconds) or draw(st.booleans())
            coming.append(Coming(change.at + timedelta(seconds=delay), change, is_up))
    shuffled = draw(st.permutations(coming))
    return history, sorted(shuffled, key=lambda each: each.at)


def event(change: Change) -> dict[str, Any]:
    alarm = {
        "AlarmName": "a",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:1:alarm:a",
        "AlarmConfigurationUpdatedTimestamp": MADE.isoformat(),
        "OldStateValue": change.before,
        "NewStateValue": change.after,
        "StateChangeTime": change.at.isoformat(timespec="milliseconds"),
    }
    return {"Records": [{"Sns": {"MessageId": str(change.number), "Message": json.dumps(alarm)}}]}


class Context:
    function_name = "alert"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn"
    aws_request_id = "1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def told(history: Sequence[Change], coming: Sequence[Coming]) -> dict[int, list[Told]]:
    """What people read of each message, through the handler."""
    remembered = AlarmHistories()
    for change in history:
        remembered.note("a", change.at, change.before, change.after)
    reader = Reader()
    dependencies = Dependencies(
        (reader,), Book(), LinkTargets(), NoLogs(), {}, AlarmHistory(cast("Any", remembered))
    )
    with patch.object(handler, "make_dependencies", lambda: dependencies):
        for each in coming:
            remembered.now, reader.is_up = each.at, each.is_up
            try:
                handler.handle(event(each.change), cast("Any", Context()))
            except DeliveryError:
                assert not each.is_up
    return {
        number: [
            Told(
                str(notice.state),
                notice.lasted,
                notice.summary.partition(LATE)[2] or None,
            )
            for notice in notices
        ]
        for number, notices in reader.read.items()
    }


def expected(history: Sequence[Change], first_taken: Mapping[int, datetime]) -> dict[int, list[Told]]:
    """The same from the history, read forward, and from when the channel could take each message."""
    notices: dict[int, list[Told]] = {}
    rang: datetime | None = None
    lost: datetime | None = None
    open_messages: list[Change] = []
    for change in history:
        if change.after != "OK":
            rang = rang or (change.at if change.after == "ALARM" else None)
            lost = lost or (change.at if change.after == "INSUFFICIENT_DATA" else None)
            open_messages.append(change)
            notices[change.number] = [Told(change.after, None, None)]
            continue
        began = rang or lost
        if began:
            notices[change.number] = [Told("OK", change.at - began, None)]
        # else it was born, and nobody needs to know
        for each in open_messages:
            if first_taken[each.number] >= change.at:
                over_at = f"{change.at:%Y-%m-%d %H:%M:%S} UTC."
                notices[each.number] = [Told(each.after, None, over_at)]
        rang, lost, open_messages = None, None, []
    return notices


@given(deliveries())
def test_any_order_and_repetition_ends_in_the_same_notices(drawn: tuple[list[Change], list[Coming]]) -> None:
    history, coming = drawn
    first_taken: dict[int, datetime] = {}
    for each in coming:
        if each.is_up:
            first_taken.setdefault(each.change.number, each.at)

    assert told(history, coming) == expected(history, first_taken)
