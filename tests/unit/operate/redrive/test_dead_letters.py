"""Dead letters: Lambda's and the scheduler's messages, and what each needs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alert.messages import read_messages
from stockstream_operate.redrive.dead_letters import DeadLetter, Functions, Remedy, read_letter

FUNCTIONS = Functions(producer="mine-Producer-1", alert="mine-Alert-2")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
FAILED = {
    "version": "1.0",
    "timestamp": "2026-11-20T21:00:05.568Z",
    "requestContext": {
        "requestId": "e4b46cbf-b738-4880-8880-a18cdf61200e",
        "functionArn": f"{ARN}mine-Alert-2:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"Records": [{"Sns": {"MessageId": "m"}}]},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "1 of 2 notices not sent", "errorType": "DeliveryError"},
}


def read(body: object, attributes: dict[str, str] | None = None) -> DeadLetter:
    message: Any = {
        "MessageId": "1",
        "ReceiptHandle": "r",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": "1795208400000"},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        },
    }
    return read_letter(message, FUNCTIONS)


def failed(function: str, payload: object) -> dict[str, Any]:
    context = {"functionArn": f"{ARN}{function}", "condition": "RetriesExhausted"}
    return FAILED | {"requestContext": context, "requestPayload": payload}


def test_an_alert_that_was_given_up_is_invoked_again_with_its_event() -> None:
    letter = read(FAILED)

    assert (letter.role, letter.function, letter.reason) == ("alert", "mine-Alert-2", "DeliveryError")
    assert letter.remedy is Remedy.INVOKE
    assert json.loads(letter.payload) == FAILED["requestPayload"]
    assert letter.sent_at == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def test_a_run_that_the_schedule_could_not_begin_needs_nothing_since_the_next_one_does_its_work() -> None:
    attributes = {
        "ERROR_CODE": "AWS.Scheduler.InternalServerError",
        "TARGET_ARN": f"{ARN}mine-Producer-1",
        "SCHEDULE_ARN": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/x",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }

    letter = read({"scheduled_time": "2026-11-20T21:00:00Z"}, attributes)

    assert (letter.role, letter.remedy) == ("producer", Remedy.DROP)
    assert letter.reason == "not invoked: AWS.Scheduler.InternalServerError"


def test_a_night_of_compaction_that_could_not_begin_needs_nothing_since_the_next_one_does_its_work() -> None:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:LakeCompaction-1"
    letter = read({}, {"ERROR_CODE": "AWS.StepFunctions.ThrottlingException", "TARGET_ARN": machine})

    assert (letter.role, letter.remedy) == ("compaction", Remedy.DROP)
    assert letter.reason == "not invoked: AWS.StepFunctions.ThrottlingException"


def test_an_alarm_that_sns_could_not_hand_over_comes_to_the_function_as_sns_would_have_sent_it() -> None:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    notification = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:mine-AlertTopic-3",
        "Subject": 'ALARM: "mine-Slow-1" in US East (N. Virginia)',
        "Message": '{"AlarmName": "mine-Slow-1", "NewStateValue": "ALARM"}',
        "Timestamp": "2026-11-20T21:00:05.568Z",
    }

    letter = read(notification)

    assert (letter.role, letter.function, letter.remedy) == ("alert", "mine-Alert-2", Remedy.INVOKE)
    assert letter.reason == "not delivered by SNS"
    (told,) = read_messages(json.loads(letter.payload))
    assert (told.id, told.topic, told.subject) == (
        notification["MessageId"],
        "mine-AlertTopic-3",
        notification["Subject"],
    )
    assert told.text == notification["Message"]


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "7",
        {},
        failed("somebody-elses", {"Records": []}),
        failed("mine-Producer-1", {"backfill": {"month": "2026-10"}}),  # no other run would do it
        {name: value for name, value in FAILED.items() if name != "requestPayload"},  # it was too large
        FAILED | {"requestContext": "none"},
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_is_not_understood_is_left_to_a_person(body: object) -> None:
    assert read(body).remedy is Remedy.LEAVE


def test_without_an_error_type_the_condition_is_the_reason() -> None:
    assert read(FAILED | {"responsePayload": None}).reason == "RetriesExhausted"
    assert read({}).reason == "UNKNOWN"
