"""The alert function against SNS, SQS and SSM as moto plays them, and against a web server of our own."""

import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from alert.errors import DeliveryError
from alert.handler import handle, open_channels
from alert.settings import read_settings
from stockstream.observability import logger

type LoadEvent = Callable[[str], dict[str, Any]]

SECRET = "T00000000-a-token-that-nobody-may-see"  # noqa: S105 - a made-up one


class Context(LambdaContext):
    _function_name = "alert"
    _memory_limit_in_mb = 256
    _invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:alert"
    _aws_request_id = "5a1e7a0c-0000-4000-8000-000000000000"


@dataclass
class Site:
    """A web server that answers with `status` and keeps what it was sent."""

    address: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    it = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if it.status == 200:
                it.bodies.append(json.loads(body))
            self.send_response(it.status)
            self.send_header("Location", it.address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.address = f"http://127.0.0.1:{server.server_port}/{SECRET}"
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield it
        server.shutdown()
        thread.join()


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What people who subscribe to the notice topic got, as SNS wraps it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "alert",
        "CHANNELS": "webhook=/prod/webhook",
        "WEBHOOK_TIMEOUT_SECONDS": "5",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("ssm").put_parameter(Name="/prod/webhook", Value=site.address, Type="SecureString")
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="notices")["TopicArn"]
        queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        monkeypatch.setenv("NOTICE_TOPIC_ARN", topic)
        read_settings.cache_clear()
        open_channels.cache_clear()

        def read() -> list[dict[str, Any]]:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

        yield read
    read_settings.cache_clear()
    open_channels.cache_clear()


type Inbox = Callable[[], list[dict[str, Any]]]


def test_an_alarm_reaches_the_webhook_and_the_topic(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    handle(load_event("alarm-metric"), Context())

    title = "ALARM: stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F"
    assert [body["title"] for body in site.bodies] == [title]
    assert [mail["Subject"] for mail in inbox()] == [f"{title} [critical]"]


@pytest.mark.parametrize(
    "event",
    [
        "alarm-anomaly",
        "alarm-composite",
        "alarm-insufficient-data",
        "alarm-log",
        "alarm-metric-math",
        "alarm-ok",
        "sns-not-an-alarm",
    ],
)
def test_every_kind_of_message_reaches_the_channels(
    load_event: LoadEvent, site: Site, inbox: Inbox, event: str
) -> None:
    handle(load_event(event), Context())

    assert (len(site.bodies), len(inbox())) == (1, 1)


def test_every_record_is_told(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    handle(load_event("sns-two-records"), Context())

    assert [body["id"][:8] for body in site.bodies] == ["d2c3f4a5", "a9b8c7d6"]
    assert len(inbox()) == 2


# A redirect counts as a failure too: followed, the POST would become a GET that nobody reads.
@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_channel_that_fails_does_not_hold_up_the_other(
    load_event: LoadEvent, site: Site, inbox: Inbox, status: int
) -> None:
    site.status = status

    with pytest.raises(DeliveryError, match="1 of 2 notices not sent, on: webhook:/prod/webhook"):
        handle(load_event("alarm-metric"), Context())

    assert site.bodies == []
    assert len(inbox()) == 1


def test_the_metrics_count_what_was_sent_and_what_was_not(
    load_event: LoadEvent, site: Site, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    site.status = 500

    with pytest.raises(DeliveryError):
        handle(load_event("sns-two-records"), Context())

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [(line["NoticesSent"], line["NoticesFailed"]) for line in lines] == [([2.0], [2.0])]
    assert len(inbox()) == 2


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the function logs; its handler holds the stdout of before the test."""
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


# 1 is a port where nobody listens: that error's own text holds the whole address.
@pytest.mark.parametrize("address", ["http://127.0.0.1:1/" + SECRET, "ftp://x.io/" + SECRET, None])
def test_the_address_stands_in_no_log_and_in_no_error(
    load_event: LoadEvent, site: Site, inbox: Inbox, log: StringIO, address: str | None
) -> None:
    site.status = 500
    boto3.client("ssm").put_parameter(Name="/prod/webhook", Value=address or site.address, Overwrite=True)

    with pytest.raises(DeliveryError) as caught:
        handle(load_event("alarm-metric"), Context())

    assert "notice failed" in log.getvalue()
    assert SECRET not in log.getvalue() + "".join(traceback.format_exception(caught.value))
    assert len(inbox()) == 1


@pytest.mark.parametrize(
    "value", ["", "hooks.example.com", "http://example.com/a", "https://[", "ftp://x.io"]
)
def test_a_parameter_that_holds_no_address_is_a_channel_that_fails(
    load_event: LoadEvent, inbox: Inbox, value: str
) -> None:
    boto3.client("ssm").put_parameter(Name="/prod/webhook", Value=value or " ", Overwrite=True)

    with pytest.raises(DeliveryError, match="webhook:/prod/webhook"):
        handle(load_event("alarm-metric"), Context())

    assert len(inbox()) == 1


def test_a_parameter_that_is_missing_is_a_channel_that_fails(load_event: LoadEvent, inbox: Inbox) -> None:
    boto3.client("ssm").delete_parameter(Name="/prod/webhook")

    with pytest.raises(DeliveryError, match="webhook:/prod/webhook"):
        handle(load_event("alarm-metric"), Context())

    assert len(inbox()) == 1


def test_an_address_that_was_changed_counts_at_once(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/prod/webhook", Value="http://127.0.0.1:1/old", Overwrite=True)
    with pytest.raises(DeliveryError):
        handle(load_event("alarm-metric"), Context())

    ssm.put_parameter(Name="/prod/webhook", Value=site.address, Overwrite=True)
    handle(load_event("alarm-metric"), Context())

    assert len(site.bodies) == 1
    assert inbox()
