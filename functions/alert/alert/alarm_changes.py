"""The history that CloudWatch keeps of an alarm: its changes of state, in their order.

SNS and asynchronous invocations keep no order and may deliver twice. So the messages that have arrived say
neither when an alarm began nor whether it is over; CloudWatch knows both.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import ChangesError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import AlarmHistoryItemTypeDef

_PAGE = 100  # the most that one answer holds
# An outage with more changes than these is reported without a duration.
MOST_CHANGES = 300
# CloudWatch may round the ends of the time that is asked for to whole seconds.
_ROUNDING = timedelta(seconds=1)


class StateChange(NamedTuple):
    """An alarm goes from one state to another; both in CloudWatch's words."""

    at: datetime
    before: str
    after: str


class AlarmChanges(Protocol):
    """The changes of state of any alarm; reading them raises ChangesError if they cannot be read."""

    def until(self, alarm: str, moment: datetime) -> Iterator[StateChange]:
        """Those of an alarm, by its name, up to a moment, the newest first."""

    def since(self, alarm: str, moment: datetime) -> Iterator[StateChange]:
        """Those after a moment, the oldest first."""


@dataclass(frozen=True, slots=True)
class AlarmHistory:
    """The history that CloudWatch keeps of each alarm for some weeks, also of one that was deleted."""

    client: "CloudWatchClient"

    def until(self, alarm: str, moment: datetime) -> Iterator[StateChange]:
        """Asks for further pages only as they are read."""
        found = self._read(alarm, {"EndDate": moment + _ROUNDING, "ScanBy": "TimestampDescending"})
        return (change for change in found if change.at <= moment)

    def since(self, alarm: str, moment: datetime) -> Iterator[StateChange]:
        """Asks for further pages only as they are read."""
        found = self._read(alarm, {"StartDate": moment - _ROUNDING, "ScanBy": "TimestampAscending"})
        return (change for change in found if change.at > moment)

    def _read(self, alarm: str, bounds: Mapping[str, Any]) -> Iterator[StateChange]:
        try:
            for page in self.client.get_paginator("describe_alarm_history").paginate(
                AlarmName=alarm,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],  # without this, of metric alarms alone
                HistoryItemType="StateUpdate",
                PaginationConfig={"PageSize": _PAGE, "MaxItems": MOST_CHANGES},
                **bounds,
            ):
                yield from map(_parse, page["AlarmHistoryItems"])
        except (BotoCoreError, ClientError) as error:
            raise ChangesError(f"the alarm's history cannot be read: {error}") from error


def _parse(item: "AlarmHistoryItemTypeDef") -> StateChange:
    try:
        data = json.loads(item["HistoryData"])
        return StateChange(
            item["Timestamp"].astimezone(UTC),
            str(data["oldState"]["stateValue"]),
            str(data["newState"]["stateValue"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ChangesError("the alarm's history has an item that is no change of state") from None
