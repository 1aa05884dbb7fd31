"""The command dead-letters against moto's SQS, and a function that only remembers who invoked it."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from stockstream_local import cli
from stockstream_operate.redrive import dead_letters_command
from stockstream_operate.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


@dataclass
class Lambda:
    """Takes invocations, or refuses them."""

    invoked: list[tuple[str, str, Any]] = field(default_factory=list)
    refuses: bool = False

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 (boto3's)
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
        self.invoked.append((FunctionName, InvocationType, json.loads(Payload)))


@dataclass
class Queue:
    sqs: "SQSClient"
    url: str
    functions: Lambda

    def send(self, function: str, payload: object) -> None:
        body = {
            "requestContext": {"functionArn": f"{ARN}{function}:$LATEST", "condition": "RetriesExhausted"},
            "requestPayload": payload,
            "responsePayload": {"errorType": "DeliveryError"},
        }
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def send_run(self) -> None:
        """What EventBridge Scheduler leaves of a run that it could not begin."""
        attributes = {"TARGET_ARN": f"{ARN}producer", "ERROR_CODE": "AWS.Scheduler.InternalServerError"}
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=json.dumps({"scheduled_time": "2026-11-20T21:00:00Z"}),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def waiting(self) -> int:
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    with mock_aws():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="letters")["QueueUrl"]
        outputs = {
            "DeadLetterQueueUrl": url,
            "ProducerFunctionName": "producer",
            "AlertFunctionName": "alert",
        }
        functions = Lambda()
        monkeypatch.setattr(dead_letters_command, "find_stack", lambda _name: Stack("mine", None, outputs))
        monkeypatch.setattr(boto3, "client", lambda service, **_: functions if service == "lambda" else sqs)
        # moto waits for real where a queue is empty.
        monkeypatch.setattr("stockstream_operate.redrive.dead_letters.WAIT_SECONDS", 0)
        monkeypatch.setenv("COLUMNS", "200")  # a line of the table is a line
        yield Queue(sqs, url, functions)


def test_alerts_are_tried_again_and_runs_that_need_nothing_go(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    alerts = [{"Records": [{"Sns": {"MessageId": str(number)}}]} for number in range(12)]
    for alert in alerts:
        queue.send("alert", alert)
    for _ in range(12):
        queue.send_run()
    queue.send("somebody-elses", {})

    assert cli.main(["dead-letters", "--apply"]) == 0

    assert sorted(queue.functions.invoked, key=str) == sorted(
        (("alert", "Event", alert) for alert in alerts), key=str
    )
    assert queue.waiting() == 1  # what nobody here understands, and can be seen at once
    lines = capsys.readouterr().out.splitlines()[1:]
    told = [" ".join(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", line).split()) for line in lines]
    assert told == [
        "alert DeliveryError 12 invoked again",
        "producer not invoked: AWS.Scheduler.InternalServerError 12 deleted: the next run does it",
        "somebody-elses DeliveryError 1 left: needs a person",
    ]


def test_the_oldest_letter_is_tried_first(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        queue.send("alert", {"number": number})
        time.sleep(0.002)  # SQS stamps milliseconds
    receive = queue.sqs.receive_message

    def receive_backwards(**asked: Any) -> dict[str, Any]:
        return {"Messages": receive(**asked).get("Messages", [])[::-1]}

    monkeypatch.setattr(queue.sqs, "receive_message", receive_backwards)

    assert cli.main(["dead-letters", "--apply"]) == 0

    assert [payload["number"] for _, _, payload in queue.functions.invoked] == [0, 1, 2]


def test_a_dry_run_leaves_every_letter_where_others_see_it(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(25):
        queue.send("alert", {"Records": []})

    assert cli.main(["dead-letters"]) == 0

    line = capsys.readouterr().out.splitlines()[1].split()
    assert (*line[:3], *line[5:]) == ("alert", "DeliveryError", "25", "invoke", "again")
    assert queue.functions.invoked == []
    assert queue.waiting() == 25


def test_a_letter_whose_function_cannot_be_invoked_is_kept(queue: Queue) -> None:
    queue.send("alert", {"Records": []})
    queue.functions.refuses = True

    assert cli.main(["dead-letters", "--apply"]) == 1

    assert queue.waiting() == 1


def test_an_empty_queue_is_good_news(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    assert queue.waiting() == 0

    assert cli.main(["dead-letters"]) == 0

    assert "The dead-letter queue is empty." in capsys.readouterr().out
