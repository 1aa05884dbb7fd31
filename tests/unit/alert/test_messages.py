from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from alert.errors import EventError
from alert.messages import Message, check_records, parse_timestamp, read_messages

type LoadEvent = Callable[[str], dict[str, Any]]


def test_reads_every_record_of_an_event_in_its_order(load_event: LoadEvent) -> None:
    messages = read_messages(load_event("sns-two-records"))

    assert [message.id[:8] for message in messages] == ["d2c3f4a5", "a9b8c7d6"]


def test_reads_what_a_message_says() -> None:
    event = {
        "Records": [
            {
                "Sns": {
                    "MessageId": "1",
                    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:alerts",
                    "Subject": "Hello",
                    "Message": "world",
                    "Timestamp": "2026-11-20T20:59:04.731Z",
                }
            }
        ]
    }

    assert read_messages(event) == (
        Message("1", "alerts", "Hello", "world", datetime(2026, 11, 20, 20, 59, 4, 731000, tzinfo=UTC)),
    )


def test_takes_a_message_without_subject() -> None:
    # SNS sends null, not "", where the sender gave no subject.
    event = {"Records": [{"Sns": {"MessageId": "1", "Subject": None, "Message": "world"}}]}

    assert read_messages(event)[0].subject == ""


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": "many"}])
def test_refuses_an_event_that_is_not_from_sns(event: dict[str, Any]) -> None:
    with pytest.raises(EventError, match="subscribe this function to an SNS topic"):
        read_messages(event)


@pytest.mark.parametrize("stranger", ["one", {"kinesis": {}}, {"Sns": None}, {"Sns": {"Message": "no id"}}])
def test_a_record_that_is_not_from_sns_costs_the_others_nothing_and_is_named(stranger: object) -> None:
    message = {"Sns": {"MessageId": "1", "Message": "world"}}
    event = {"Records": [stranger, message, stranger]}

    assert [each.id for each in read_messages(event)] == ["1"]
    with pytest.raises(EventError, match=r"^no Sns\.MessageId in record 1, 3 of 3: subscribe this function"):
        check_records(event)
    check_records({"Records": [message]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-09-08T15:47:04.677+0000", datetime(2023, 9, 8, 15, 47, 4, 677000, tzinfo=UTC)),
        ("2023-09-08T15:47:04.677Z", datetime(2023, 9, 8, 15, 47, 4, 677000, tzinfo=UTC)),
        ("2023-09-08T15:47:04", datetime(2023, 9, 8, 15, 47, 4, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+2359", None),
        ("9999-12-31T23:59:59Z", None),
        (1694188024, None),
        (None, None),
    ],
)
def test_reads_the_moments_of_cloudwatch_and_of_sns(text: object, expected: datetime | None) -> None:
    assert parse_timestamp(text) == expected
