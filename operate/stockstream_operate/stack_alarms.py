"""A stack's alarms in CloudWatch: which are in alarm now, and how they changed last."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from stockstream.alarm_words import AlarmState, read_description

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import AlarmHistoryItemTypeDef

    from stockstream_operate.stack import Stack

# DescribeAlarms takes a hundred names, and DescribeAlarmHistory gives a hundred changes at once.
_MOST_NAMES = MOST_CHANGES = 100
# How many pages of the account's changes are read for those of one stack.
_MOST_PAGES = 5
_KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
# CloudWatch's words for an alarm that has not been looked at yet.
_NEW = "Unchecked: Initial alarm creation"
_CHANGE = re.compile(r"from (\w+) to (\w+)")

# Alarms as DescribeAlarms gives them, by the template's names.
type Described = Mapping[str, Mapping[str, Any]]


class StackAlarm(NamedTuple):
    """An alarm of the stack.

    Attributes:
        name: as the template calls it: `BarsOverdueAlarm`.
        is_alarming: whether something is wrong now.
        since: when its state changed.
        words: what it means that it is in alarm.
    """

    name: str
    is_alarming: bool
    since: datetime
    words: str


class AlarmChange(NamedTuple):
    """A change of an alarm of which people were notified.

    Attributes:
        name: the alarm's, as the template calls it.
        at: when.
        is_alarming: whether it began; otherwise it is over.
        words: what it means that it is in alarm.
    """

    name: str
    at: datetime
    is_alarming: bool
    words: str


class AlarmReader:
    """Reads the alarms of one stack.

    Args:
        stack: the stack.
        cloudwatch: boto3's client.
    """

    def __init__(self, stack: "Stack", cloudwatch: "CloudWatchClient") -> None:
        self._stack = stack
        self._cloudwatch = cloudwatch
        self._names: dict[str, str] = {}

    def read(self) -> tuple[StackAlarm, ...]:
        """The alarms as they are now, by name.

        Raises:
            BotoCoreError, ClientError: they cannot be read.
        """
        return read_states(self.describe())

    def describe(self) -> Described:
        """The alarms as AWS describes them.

        Raises:
            BotoCoreError, ClientError: they cannot be read.
        """
        if not self._names:
            self._names = {
                physical.rpartition(":")[2]: logical
                for kind in _KINDS
                for logical, physical in self._stack.resources(kind).items()
            }
        names = list(self._names)
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(names), _MOST_NAMES):
            answer = self._cloudwatch.describe_alarms(
                AlarmNames=names[start : start + _MOST_NAMES], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for each in (*answer["MetricAlarms"], *answer["CompositeAlarms"]):
                found[self._names[each["AlarmName"]]] = each
        return found

    def read_changes(self, described: Described) -> tuple[AlarmChange, ...]:
        """Their last changes of which people were notified, the newest first.

        Args:
            described: what `describe` gave.

        Raises:
            BotoCoreError, ClientError: they cannot be read.
        """
        changes: list[AlarmChange] = []
        before: dict[str, bool] = {}
        for each in reversed(self._read_history()):
            name = self._names[each["AlarmName"]]
            states = _CHANGE.search(each["HistorySummary"])
            # A new alarm is said to have gone from its first state to the same.
            if states is None or states[1] == states[2]:
                continue
            alarm = described.get(name, {})
            is_alarming = _is_wrong(states[2], alarm)
            # An alarm that comes to be is OK at first, which is no news; one without actions notifies nobody.
            if is_alarming != before.get(name, False) and alarm.get("AlarmActions"):
                changes.append(AlarmChange(name, each["Timestamp"], is_alarming, _read_words(alarm)))
            before[name] = is_alarming
        return tuple(reversed(changes))

    def _read_history(self) -> "list[AlarmHistoryItemTypeDef]":
        """The newest changes of state of these alarms, the newest first.

        CloudWatch gives those of all alarms of the account, whose others may change more often.
        """
        own: list[AlarmHistoryItemTypeDef] = []
        pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            ScanBy="TimestampDescending",
            PaginationConfig={"MaxItems": _MOST_PAGES * MOST_CHANGES, "PageSize": MOST_CHANGES},
        )
        for page in pages:
            own += [each for each in page["AlarmHistoryItems"] if each["AlarmName"] in self._names]
            if len(own) >= MOST_CHANGES:
                break
        return own


def read_states(described: Described) -> tuple[StackAlarm, ...]:
    """The alarms as they are, by name."""
    return tuple(_read_state(name, each) for name, each in sorted(described.items()))


def _read_state(name: str, alarm: Mapping[str, Any]) -> StackAlarm:
    is_new = alarm.get("StateReason", "").startswith(_NEW)
    is_alarming = not is_new and _is_wrong(alarm["StateValue"], alarm)
    since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
    return StackAlarm(name, is_alarming, since, _read_words(alarm))


def _is_wrong(state: str, alarm: Mapping[str, Any]) -> bool:
    """Whether something is wrong: for some alarms it is that data ends."""
    is_without_data = state == AlarmState.INSUFFICIENT_DATA
    return state == AlarmState.ALARM or (is_without_data and bool(alarm.get("InsufficientDataActions")))


def _read_words(alarm: Mapping[str, Any]) -> str:
    return read_description(alarm.get("AlarmDescription") or "").summary
