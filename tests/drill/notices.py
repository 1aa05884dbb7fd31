"""What people are told of a day: its metrics through the template's alarms and the real alert function.

SNS delivers in any order and now and then twice, the ledger's answers get lost, and a channel is down for ten
minutes just when something happens. In the end each channel has been told once of each outage, and once of
its end. CloudWatch is the tests' model of it (alarm_evaluation, metric_math), and the channels are played.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple, Self, cast
from unittest.mock import patch

import boto3
from alarm_evaluation import Change, Metrics, changes, composite_changes, read_alarms
from alarm_histories import AlarmHistories
from lost_answers import LostAnswers
from metric_math import math_changes, read_math_alarms
from resolved_template import ResolvedTemplate

from alert import handler
from alert.alarm_changes import AlarmHistory
from alert.dependencies import Dependencies
from alert.errors import ChannelError, DeliveryError, LogsError
from alert.links import LinkTargets
from alert.log_groups import FoundLines, LineFilter
from alert.notice_ledger import NoticeTable
from alert.notices import Notice

_TEMPLATE = ResolvedTemplate()
_PROPERTIES = _TEMPLATE.of_kind("AWS::CloudWatch::Alarm")
_NAMESPACES = ("stockstream", "AWS/Lambda", "AWS/Kinesis", "AWS/Firehose")
# What is not measured in the drill: for how long functions run, and whether they run at all.
_LEFT_OUT = {"ProducerStoppedAlarm", "ProducerSlowAlarm"}
_ALARMS = [
    alarm
    for namespace in _NAMESPACES
    for alarm in read_alarms(_PROPERTIES, namespace)
    if alarm.name not in _LEFT_OUT
]
_MATH_ALARMS = list(read_math_alarms(_PROPERTIES).values())
DOWN = "PipelineDownAlarm"
_RULE: str = _TEMPLATE.of_kind("AWS::CloudWatch::CompositeAlarm")[DOWN]["AlarmRule"]
_TOLD = {name for name, each in _PROPERTIES.items() if "AlarmActions" in each} | {DOWN}
_TABLE = "the-notices"
_MINUTE = timedelta(minutes=1)
_DOWN_FOR = 10 * _MINUTE
# As Lambda: a minute before the second attempt, two before the third. Then the queue keeps it.
_RETRIES = (_MINUTE, 2 * _MINUTE)
# Of a hundred.
_TWICE, _LATE, _ANSWER_LOST = 30, 20, 10


class Told(NamedTuple):
    """What people were told.

    Attributes:
        changes: of the alarms that tell somebody: the outages and their ends.
        counts: of what SNS, the channels and the ledger did.
        faults: sentences; nothing where all is right.
    """

    changes: list[Change]
    counts: Counter[str]
    faults: list[str]


class _Channel:
    """A channel, and what was told there: of each message the notices."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.down: tuple[datetime, datetime] | None = None
        self.now = datetime.min.replace(tzinfo=UTC)
        self.refused = 0
        self.told: dict[str, list[Notice]] = defaultdict(list)

    def send(self, notice: Notice) -> None:
        """Takes a notice.

        Raises:
            ChannelError: it is down.
        """
        if self.down and self.down[0] <= self.now < self.down[1]:
            self.refused += 1
            raise ChannelError("no answer")
        self.told[notice.id].append(notice)


class _Clock:
    def __init__(self) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now.timestamp()


class _NoLogs:
    def read_lines(
        self, function: str, line_filter: LineFilter, start: datetime, end: datetime
    ) -> FoundLines:
        raise LogsError(f"{function} {line_filter} {start} {end}")


def ring(metrics: Metrics, start: datetime, end: datetime) -> list[Change]:
    """What becomes of the alarms that tell somebody, evaluated each minute."""
    found = changes(_ALARMS, metrics, start, end)
    for alarm in _MATH_ALARMS:
        found += math_changes(alarm, metrics, start, end)
    found += composite_changes(DOWN, _RULE, found)
    return sorted(each for each in found if each.alarm in _TOLD)


def tell(metrics: Metrics, start: datetime, end: datetime, chance: random.Random) -> Told:
    """Rings the alarms of a day, and has the alert function tell two channels; within mock_aws.

    Args:
        metrics: the day's.
        start: of the day.
        end: of the day; the alarms are watched for an hour more, so that what rang in it ends.
        chance: draws what SNS, the ledger and the channels do.
    """
    found = ring(metrics, start, end + 60 * _MINUTE)
    channels = [_Channel("slack"), _Channel("webhook")]
    if found:
        begins = chance.choice(found).at - chance.randint(0, 5) * _MINUTE
        channels[1].down = begins, begins + _DOWN_FOR
    counts: Counter[str] = Counter({"notices' channel down": bool(found)})
    with _alert_function(found, channels, chance, counts) as invoke:
        _deliver(found, chance, counts, invoke)
    counts["notice refused by a channel"] = sum(each.refused for each in channels)
    return Told(found, counts, [fault for each in channels for fault in _judge(found, each)])


@contextmanager
def _alert_function(
    found: Sequence[Change], channels: Sequence[_Channel], chance: random.Random, counts: Counter[str]
) -> Iterator[Any]:
    remembered = AlarmHistories()
    for change in found:
        before = "OK" if change.state == "ALARM" else "ALARM"
        remembered.note(change.alarm, change.at, before, change.state)
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName=_TABLE,
        KeySchema=[{"AttributeName": "notice_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "notice_key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lost = LostAnswers(dynamodb)
    clock = _Clock()
    dependencies = Dependencies(
        tuple(channels),
        NoticeTable(_TABLE, dynamodb, clock.time),
        LinkTargets(),
        _NoLogs(),
        {},
        AlarmHistory(cast("Any", remembered)),
    )

    def invoke(number: int, at: datetime) -> bool:
        """Whether the function tells all channels, or has told them before."""
        clock.now = remembered.now = at
        for channel in channels:
            channel.now = at
        if chance.randrange(100) < _ANSWER_LOST:
            counts["ledger's answer lost"] += 1
            lost.lose("PutItem")
        try:
            handler.handle(_event(number, found[number]), cast("Any", _CONTEXT))
        except DeliveryError:
            return False
        return True

    with (
        patch.object(handler, "make_dependencies", lambda: dependencies),
        patch.object(handler, "time", clock),
        # One channel after the other, so that a seed repeats what it draws.
        patch("alert.delivery.ThreadPoolExecutor", _OneByOne),
    ):
        yield invoke


class _OneByOne:
    """An executor without threads."""

    def __init__(self, max_workers: int) -> None:
        assert max_workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def submit(self, do: Any, *arguments: Any) -> SimpleNamespace:
        """Does it at once."""
        outcome = do(*arguments)
        return SimpleNamespace(result=lambda: outcome)


_CONTEXT = SimpleNamespace(
    function_name="alert",
    memory_limit_in_mb=256,
    invoked_function_arn="arn",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 30_000,
)


def _deliver(found: Sequence[Change], chance: random.Random, counts: Counter[str], invoke: Any) -> None:
    """SNS and Lambda: each message once or twice, soon or late, and again where the function fails."""
    waiting: list[tuple[datetime, int, int, int]] = []  # when, in which order, which, which attempt
    order = count()
    for number, change in enumerate(found):
        for copy in range(1 + (chance.randrange(100) < _TWICE)):
            counts["notice delivered twice"] += copy
            is_late = chance.randrange(100) < _LATE
            counts["notice delivered late"] += is_late
            delay = chance.randint(0, 600) if is_late else chance.randint(0, 5)
            heappush(waiting, (change.at + timedelta(seconds=delay), next(order), number, 0))
    dead: list[int] = []
    at = datetime.min.replace(tzinfo=UTC)
    while waiting:
        at, _, number, attempt = heappop(waiting)
        if invoke(number, at):
            continue
        if attempt < len(_RETRIES):
            heappush(waiting, (at + _RETRIES[attempt], next(order), number, attempt + 1))
        else:
            counts["notice given up, and sent again by hand"] += 1
            dead.append(number)
    # `stockstream dead-letters --apply`, once the channel is back.
    for number in dead:
        at += _DOWN_FOR
        assert invoke(number, at) or invoke(number, at + _DOWN_FOR)


def _event(number: int, change: Change) -> dict[str, Any]:
    alarm = {
        "AlarmName": change.alarm,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:1:alarm:{change.alarm}",
        "AlarmConfigurationUpdatedTimestamp": (change.at - timedelta(days=9)).isoformat(),
        "OldStateValue": "OK" if change.state == "ALARM" else "ALARM",
        "NewStateValue": change.state,
        "StateChangeTime": change.at.isoformat(timespec="milliseconds"),
    }
    return {"Records": [{"Sns": {"MessageId": str(number), "Message": json.dumps(alarm)}}]}


def _judge(found: Sequence[Change], channel: _Channel) -> Iterator[str]:
    rang: dict[str, datetime] = {}
    for number, change in enumerate(found):
        what = f"{change.alarm} {change.state} of {change.at:%d %H:%M} on {channel.name}"
        notices = channel.told.get(str(number), [])
        if not notices:
            yield f"notice missed: {what}"
        if len(notices) > 1:
            yield f"notice told {len(notices)} times: {what}"
        if change.state == "ALARM":
            rang[change.alarm] = change.at
            continue
        lasted = change.at - rang[change.alarm]
        for notice in notices:
            if notice.lasted != lasted:
                yield f"notice wrong: {what} says that it lasted {notice.lasted}, and it was {lasted}"
