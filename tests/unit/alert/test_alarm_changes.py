"""The history of an alarm, as boto3 asks CloudWatch for it and as it may answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from alarm_histories import AlarmHistories
from botocore.stub import Stubber

from alert.alarm_changes import AlarmHistory, StateChange
from alert.errors import ChangesError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLIENT = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")  # noqa: S106 (none)


def flutter(times: int) -> AlarmHistory:
    histories = AlarmHistories()
    for number in range(times):
        states = ("OK", "ALARM") if number % 2 == 0 else ("ALARM", "OK")
        histories.note("a", NOON + number * MINUTE, *states)
    return AlarmHistory(histories)  # type: ignore[arg-type]  # a fake


def test_reads_backward_up_to_a_moment_and_forward_from_it() -> None:
    history = flutter(4)

    assert list(history.until("a", NOON + MINUTE)) == [
        StateChange(NOON + MINUTE, "ALARM", "OK"),
        StateChange(NOON, "OK", "ALARM"),
    ]
    assert [change.at for change in history.since("a", NOON + MINUTE)] == [
        NOON + 2 * MINUTE,
        NOON + 3 * MINUTE,
    ]
    assert list(history.until("another", NOON)) == []


def test_reads_page_after_page() -> None:
    changes = flutter(250).until("a", NOON + timedelta(days=1))

    assert [next(changes).at for _ in range(250)][-1] == NOON


def test_asks_cloudwatch_for_the_changes_of_alarms_of_both_kinds() -> None:
    asked = {
        "AlarmName": "a",
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "HistoryItemType": "StateUpdate",
        "ScanBy": "TimestampDescending",
        "EndDate": NOON + timedelta(seconds=1),
        "MaxRecords": 100,
    }
    with Stubber(CLIENT) as stub:
        stub.add_response("describe_alarm_history", {"AlarmHistoryItems": []}, asked)

        assert list(AlarmHistory(CLIENT).until("a", NOON)) == []


def test_a_refusal_is_an_error_that_says_so() -> None:
    with Stubber(CLIENT) as stub:
        stub.add_client_error("describe_alarm_history", "AccessDenied")

        with pytest.raises(ChangesError, match=r"history cannot be read: .*AccessDenied"):
            list(AlarmHistory(CLIENT).since("a", NOON))


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"Timestamp": NOON},
        {"Timestamp": NOON, "HistoryData": "not JSON"},
        {"Timestamp": NOON, "HistoryData": "[]"},
        {"Timestamp": NOON, "HistoryData": '{"oldState": null, "newState": {"stateValue": "OK"}}'},
    ],
)
def test_an_item_that_is_no_change_of_state_makes_the_history_unknown(item: dict[str, Any]) -> None:
    with Stubber(CLIENT) as stub:
        stub.add_response("describe_alarm_history", {"AlarmHistoryItems": [item]})

        with pytest.raises(ChangesError, match="no change of state"):
            list(AlarmHistory(CLIENT).since("a", NOON))
