"""A model of what CloudWatch remembers of alarms, and tells by DescribeAlarmHistory.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple


class _Noted(NamedTuple):
    name: str
    at: datetime
    before: str
    after: str


class AlarmHistories:
    """What was noted of each alarm up to now; stands in for a client of CloudWatch.

    Attributes:
        now: what came about later is not known yet; None for all.
    """

    def __init__(self) -> None:
        self.now: datetime | None = None
        self._noted: list[_Noted] = []

    def note(self, name: str, at: datetime, before: str, after: str) -> None:
        """Keeps that an alarm changed its state."""
        self._noted.append(_Noted(name, at, before, after))

    def describe_alarm_history(self, **call: Any) -> dict[str, Any]:
        """One page."""
        assert set(call["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm"}
        assert call["HistoryItemType"] == "StateUpdate"
        found = sorted(
            (
                each
                for each in self._noted
                if each.name == call["AlarmName"]
                and (self.now is None or each.at <= self.now)
                and ("StartDate" not in call or each.at >= call["StartDate"])
                and ("EndDate" not in call or each.at <= call["EndDate"])
            ),
            key=lambda each: each.at,
            reverse=call["ScanBy"] == "TimestampDescending",
        )
        first = int(call.get("NextToken", 0))
        last = first + call.get("MaxRecords", 100)
        more = {"NextToken": str(last)} if last < len(found) else {}
        return {"AlarmHistoryItems": [_item(each) for each in found[first:last]], **more}

    def get_paginator(self, operation: str) -> "AlarmHistories":
        """Itself."""
        assert operation == "describe_alarm_history"
        return self

    def paginate(self, PaginationConfig: dict[str, int], **call: Any) -> Iterator[dict[str, Any]]:  # noqa: N803 (botocore's name)
        """Page after page, as botocore asks for them."""
        page = self.describe_alarm_history(MaxRecords=PaginationConfig["PageSize"], **call)
        yield page
        while "NextToken" in page:
            page = self.describe_alarm_history(NextToken=page["NextToken"], **call)
            yield page


def _item(each: _Noted) -> dict[str, Any]:
    return {
        "AlarmName": each.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": each.at,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from {each.before} to {each.after}",
        "HistoryData": json.dumps(
            {
                "version": "1.0",
                "oldState": {"stateValue": each.before, "stateReason": "a reason"},
                "newState": {"stateValue": each.after, "stateReason": "another"},
            }
        ),
    }


def answering(histories: AlarmHistories, answer_all_others: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for botocore's `_make_api_call`: moto knows no history of alarms."""

    def call(client: object, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "DescribeAlarmHistory":
            return histories.describe_alarm_history(**parameters)
        return answer_all_others(client, operation, parameters)

    return call
