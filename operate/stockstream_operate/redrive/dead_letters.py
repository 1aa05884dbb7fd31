"""The dead-letter queue: which notices and runs were given up, why, and what is to be done about each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# Nobody else sees a message for so long: what one call takes, and time to invoke a function for each.
HIDDEN_SECONDS = 120
CALL_MESSAGES = 10
# A short wait asks all of SQS's servers; without one, an answer may be empty though messages wait.
WAIT_SECONDS = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Remedy(StrEnum):
    """What --apply does with a letter."""

    INVOKE = "invoke again"
    DROP = "delete: the next run does it"
    LEAVE = "leave: needs a person"


@dataclass(frozen=True, slots=True)
class Functions:
    """The stack's functions whose letters come here, by their physical names."""

    producer: str
    alert: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of the queue.

    Attributes:
        id: SQS's.
        receipt: with which it can be deleted.
        function: the function's name; empty where the message does not say.
        role: `alert`, `producer`, `compaction`, or empty for what is none of these.
        reason: why it was given up.
        sent_at: when it was put here.
        remedy: what to do.
        payload: the event to invoke the function with; empty for other remedies.
    """

    id: str
    receipt: str
    function: str
    role: str
    reason: str
    sent_at: datetime | None
    remedy: Remedy
    payload: bytes = b""


def read_letter(message: "MessageTypeDef", functions: Functions) -> DeadLetter:
    """What a message says: a failed invocation of Lambda, or what SNS or a schedule could not send."""
    attributes = {
        name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()
    }
    try:
        body = json.loads(message.get("Body", ""))
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    if body.get("Type") == "Notification" and "TopicArn" in body:
        return _read_notification(message, body, functions)
    # EventBridge Scheduler says in attributes what it tried to call; Lambda says it in the body.
    scheduled = attributes.get("TARGET_ARN", "")
    function = _function_name(scheduled or str(_get(body, "requestContext", "functionArn") or ""))
    other = "compaction" if ":states:" in scheduled else ""
    role = {functions.alert: "alert", functions.producer: "producer"}.get(function, other)
    # Lambda leaves the payload out where it would not fit into the message.
    payload = body.get("requestPayload")
    remedy, event = Remedy.LEAVE, b""
    if scheduled and role in {"producer", "compaction"}:
        remedy = Remedy.DROP
    elif role == "alert" and isinstance(payload, dict):
        remedy, event = Remedy.INVOKE, json.dumps(payload).encode()
    return DeadLetter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        function=function,
        role=role,
        reason=_reason(body, attributes),
        sent_at=_sent_at(message),
        remedy=remedy,
        payload=event,
    )


def _read_notification(message: "MessageTypeDef", body: dict[str, Any], functions: Functions) -> DeadLetter:
    """An alarm that SNS could not hand over: its message as it is, which the function gets in an event."""
    event = {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": body}]}
    return DeadLetter(
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        function=functions.alert,
        role="alert",
        reason="not delivered by SNS",
        sent_at=_sent_at(message),
        remedy=Remedy.INVOKE,
        payload=json.dumps(event).encode(),
    )


def _reason(body: dict[str, Any], attributes: dict[str, str]) -> str:
    if "ERROR_CODE" in attributes:
        return f"not invoked: {attributes['ERROR_CODE']}"
    kind = _get(body, "responsePayload", "errorType")
    condition = _get(body, "requestContext", "condition")
    return str(kind or condition or "UNKNOWN")


def _get(body: dict[str, Any], *path: str) -> object:
    value: object = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _function_name(arn: str) -> str:
    """The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:VERSION]`."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 and parts[2] == "lambda" else ""  # noqa: PLR2004 (the ARN's parts)


def _sent_at(message: "MessageTypeDef") -> datetime | None:
    sent = message.get("Attributes", {}).get("SentTimestamp", "")
    return _EPOCH + timedelta(milliseconds=int(sent)) if sent.isdecimal() else None


class DeadLetters:
    """The queue.

    Args:
        sqs: boto3's client.
        url: of the queue.
        functions: the stack's.
    """

    def __init__(self, sqs: "SQSClient", url: str, functions: Functions) -> None:
        self._sqs = sqs
        self._url = url
        self._functions = functions

    def read(self) -> Iterator[DeadLetter]:
        """The letters, each once.

        Nobody else sees a letter, and no alarm counts it, until it is put back or HIDDEN_SECONDS have passed.
        """
        seen: set[str] = set()
        while True:
            messages = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=CALL_MESSAGES,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            new = [message for message in messages if message["MessageId"] not in seen]
            # A queue that takes longer than that begins anew.
            if not new:
                return
            seen.update(message["MessageId"] for message in new)
            yield from (read_letter(message, self._functions) for message in new)

    def put_back(self, receipt: str) -> None:
        """Lets others see a letter at once."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def settle(self, letter: DeadLetter, functions: "LambdaClient") -> None:
        """Does what the letter's remedy says, and deletes the letter then.

        A crash in between costs a repetition: the alert function sends no notice to a channel twice.
        """
        if letter.remedy is Remedy.INVOKE:
            functions.invoke(FunctionName=letter.function, InvocationType="Event", Payload=letter.payload)
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)
