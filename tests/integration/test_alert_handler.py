"""The alert function against SNS, SQS, SSM and DynamoDB as moto plays them, and a web server of our own."""

import hashlib
import hmac
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Event, Thread
from typing import Any

import boto3
import botocore.client
import pytest
from alarm_histories import AlarmHistories, answering
from aws_lambda_powertools.utilities.typing import LambdaContext
from kept_clients import keep_clients
from moto import mock_aws

from alert.dependencies import make_dependencies
from alert.errors import DeliveryError, EventError
from alert.handler import handle
from alert.settings import read_settings
from stockstream.observability import logger

type LoadEvent = Callable[[str], dict[str, Any]]

SECRET = "T00000000-a-token-that-nobody-may-see"  # noqa: S105 - a made-up one


class Context(LambdaContext):
    _function_name = "alert"
    _memory_limit_in_mb = 256
    _invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:alert"
    _aws_request_id = "5a1e7a0c-0000-4000-8000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


@dataclass
class Site:
    """A web server that answers each path with its status, after a while, and keeps what it took."""

    address: str = ""
    status: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    taken: list[tuple[str, bytes, str | None]] = field(default_factory=list)
    asked: Event = field(default_factory=Event)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(body) for taken_path, body, _ in self.taken if taken_path == path]


@pytest.fixture
def site() -> Iterator[Site]:
    it = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path = self.path.split("/")[1]
            status = it.status.get(path, 200)
            it.asked.set()
            time.sleep(it.seconds)
            if status == 200:
                it.taken.append((path, body, self.headers.get("X-Stockstream-Signature")))
            self.send_response(status)
            self.send_header("Location", f"{it.address}/{path}/{SECRET}")
            # What each of them answers.
            said = {"slack": b"ok", "teams": b"1"}.get(path, b"")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            """What a POST becomes that follows a redirect."""
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield it
        server.shutdown()
        thread.join()


@pytest.fixture
def histories(monkeypatch: pytest.MonkeyPatch) -> AlarmHistories:
    """What CloudWatch remembers of alarms: nothing, until a test notes it."""
    histories = AlarmHistories()
    # As moto's own documentation does it for what moto does not know.
    client: Any = botocore.client.BaseClient
    monkeypatch.setattr(client, "_make_api_call", answering(histories, client._make_api_call))  # noqa: SLF001
    return histories


@pytest.fixture
def inbox(
    monkeypatch: pytest.MonkeyPatch, site: Site, histories: AlarmHistories
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What people who subscribe to the notice topic got, as SNS wraps it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "alert",
        "CHANNELS": "/prod/slack,/prod/teams,/prod/webhook",
        "NOTICE_TABLE_NAME": "notices",
        "WEBHOOK_TIMEOUT_SECONDS": "5",
        "DETAIL_LOG_GROUPS": "producer=prod-ProducerLog-1",
    }.items():
        monkeypatch.setenv(name, value)
    del histories  # the AWS that this makes has them
    keep_clients(monkeypatch)
    with mock_aws():
        for kind in ("slack", "teams", "webhook"):
            signed = " a shared secret" if kind == "webhook" else ""
            put_parameter(f"/prod/{kind}", f"{site.address}/{kind}/{SECRET}{signed}")
        boto3.client("dynamodb").create_table(
            TableName="notices",
            KeySchema=[{"AttributeName": "notice_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "notice_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="notices")["TopicArn"]
        queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        monkeypatch.setenv("NOTICE_TOPIC_ARN", topic)
        read_settings.cache_clear()
        make_dependencies.cache_clear()

        def read() -> list[dict[str, Any]]:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

        yield read
    read_settings.cache_clear()
    make_dependencies.cache_clear()


type Inbox = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def producer_log(inbox: Inbox) -> Callable[..., None]:
    """Writes a line to the producer's log group, or several, at a moment."""
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="prod-ProducerLog-1")
    logs.create_log_stream(logGroupName="prod-ProducerLog-1", logStreamName="sandbox")

    def write(moment: datetime, *lines: dict[str, Any], **line: object) -> None:
        logs.put_log_events(
            logGroupName="prod-ProducerLog-1",
            logStreamName="sandbox",
            logEvents=[
                {"timestamp": int(moment.timestamp() * 1000), "message": json.dumps(each)}
                for each in lines or (line,)
            ],
        )

    del inbox  # it brings the AWS that this writes to
    return write


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the function logs; its handler holds the stdout of before the test."""
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


def put_parameter(name: str, value: str) -> None:
    boto3.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def test_an_alarm_reaches_every_channel(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    handle(load_event("alarm-metric"), Context())

    title = "ALARM: stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F"
    assert [body["text"] for body in site.bodies("slack")] == [f"🔴 {title}"]
    assert [body["type"] for body in site.bodies("teams")] == ["message"]
    assert [body["title"] for body in site.bodies("webhook")] == [title]
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
        "alarm-price-move",
        "alarm-price-move-ok",
        "sns-not-an-alarm",
    ],
)
def test_every_kind_of_message_reaches_every_channel(
    load_event: LoadEvent, site: Site, inbox: Inbox, event: str
) -> None:
    handle(load_event(event), Context())

    assert (sorted(path for path, _, _ in site.taken), len(inbox())) == (["slack", "teams", "webhook"], 1)


def test_a_price_move_says_what_the_producers_log_says(
    load_event: LoadEvent, site: Site, inbox: Inbox, producer_log: Callable[..., None]
) -> None:
    moment = datetime(2026, 11, 20, 15, 36, 2, tzinfo=UTC)
    move = {"from_price": 283.0424, "to_price": 262.6447, "change_percent": -7.2066, "bars": 5}
    times = {"from_time": "2026-11-20T15:30:00Z", "to_time": "2026-11-20T15:35:00Z", "interval": "1min"}
    producer_log(moment, message="price moved", instrument="IBM", **move, **times)
    producer_log(moment - timedelta(hours=1), message="price moved", instrument="MSFT", **move, **times)
    producer_log(moment, message="bar rejected", instrument="IBM")

    handle(load_event("alarm-price-move"), Context())
    handle(load_event("alarm-price-move-ok"), Context())

    alarm, over = (body["summary"] for body in site.bodies("webhook"))
    sentence = "IBM fell 7.21 %, from 283.0424 to 262.6447, between 15:30 and 15:35 UTC (5 bars of 1min)."
    assert alarm.splitlines()[1:] == [sentence]
    assert [line for line in inbox()[0]["Message"].splitlines() if "283" in line] == [sentence]
    assert "IBM" not in over


def summary_of(site: Site, event: dict[str, Any], **trigger: object) -> list[str]:
    """What the newest notice says beneath the alarm's own words, of the event with another trigger."""
    sns = event["Records"][0]["Sns"]
    message = json.loads(sns["Message"]) | {"Trigger": trigger}
    handle({"Records": [{"Sns": sns | {"Message": json.dumps(message)}}]}, Context())
    return list(site.bodies("webhook")[-1]["summary"].splitlines()[1:])


def test_the_gravest_of_three_hundred_moves_is_told_whenever_it_came(
    load_event: LoadEvent, site: Site, inbox: Inbox, producer_log: Callable[..., None]
) -> None:
    # The alarm goes off at 15:37:21. A fall of 60 % is the oldest of 301 moves, and another comes after them.
    moment = datetime(2026, 11, 20, 15, 31, tzinfo=UTC)
    move = {"message": "price moved", "from_price": 100.0, "bars": 5, "interval": "1min"}
    rise = move | {"to_price": 105.8, "change_percent": 5.8}
    fall = move | {"to_price": 40.0, "change_percent": -60.0}
    rises = [rise | {"instrument": f"S{number}"} for number in range(300)]
    producer_log(moment, fall | {"instrument": "FIRST"}, *rises)
    producer_log(moment + timedelta(minutes=5), fall | {"instrument": "LAST"})

    handle(load_event("alarm-price-move"), Context())

    (body,) = site.bodies("webhook")
    sentences = body["summary"].splitlines()[1:]
    assert [each.split(",")[0] for each in sentences] == [
        "LAST fell 60.00 %",
        "FIRST fell 60.00 %",
        "S299 rose 5.80 %",
        "And 299 more.",
    ]
    assert inbox()


@pytest.mark.parametrize("position", [0, 250])
def test_a_refusal_is_told_among_two_hundred_and_fifty_failures(
    load_event: LoadEvent, site: Site, inbox: Inbox, producer_log: Callable[..., None], position: int
) -> None:
    moment = datetime(2026, 11, 20, 15, 33, tzinfo=UTC)
    failed = {"message": "provider failed", "kind": "NoDataError", "outcome": "wait"}
    refusal = {"kind": "KeyRefusedError", "outcome": "tell a person", "detail": "the key is refused"}
    lines = [failed | {"detail": f"S{number}: an empty answer"} for number in range(250)]
    producer_log(moment, *lines[:position], failed | refusal, *lines[position:])

    said = summary_of(
        site, load_event("alarm-price-move"), MetricName="ProviderRefusals", Period=60, EvaluationPeriods=120
    )

    assert said == ["KeyRefusedError: the key is refused"]
    assert inbox()


def test_a_log_that_cannot_be_read_holds_up_no_notice(
    load_event: LoadEvent, site: Site, inbox: Inbox, log: StringIO
) -> None:
    handle(load_event("alarm-price-move"), Context())

    (body,) = site.bodies("webhook")
    assert body["summary"].splitlines()[1:] == [
        'Which: look for "price moved" or "split suspected" in the producer\'s log.'
    ]
    assert "details not found" in log.getvalue()
    assert len(inbox()) == 1


def test_every_record_is_told(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    handle(load_event("sns-two-records"), Context())

    assert [body["id"][:8] for body in site.bodies("webhook")] == ["d2c3f4a5", "a9b8c7d6"]
    assert len(inbox()) == 2


def test_a_record_without_a_message_fails_the_event_after_the_others_are_told(
    load_event: LoadEvent, site: Site, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = load_event("sns-two-records")["Records"]
    event = {"Records": [one, {"EventSource": "aws:s3"}, other]}

    # As Lambda calls it, and then once more.
    for _ in range(2):
        with pytest.raises(EventError, match=r"^no Sns\.MessageId in record 2 of 3"):
            handle(event, Context())

    assert [body["id"][:8] for body in site.bodies("webhook")] == ["d2c3f4a5", "a9b8c7d6"]
    assert len(inbox()) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["NoticesSent"] for line in lines] == [[8.0], [0.0]]


def test_a_message_that_is_delivered_twice_is_told_once(
    load_event: LoadEvent, site: Site, inbox: Inbox
) -> None:
    handle(load_event("alarm-metric"), Context())
    handle(load_event("alarm-metric"), Context())

    assert (len(site.taken), len(inbox())) == (3, 1)


def test_two_invocations_at_once_tell_each_channel_once(
    load_event: LoadEvent, site: Site, inbox: Inbox
) -> None:
    # Long enough for the second to look while the first still waits for its answers.
    site.seconds = 0.5
    first = Thread(target=handle, args=[load_event("alarm-metric"), Context()])
    first.start()
    assert site.asked.wait(timeout=10)

    with pytest.raises(DeliveryError, match="notices not sent"):
        handle(load_event("alarm-metric"), Context())
    first.join()

    assert sorted(path for path, _, _ in site.taken) == ["slack", "teams", "webhook"]
    assert len(inbox()) == 1


# A redirect counts as a failure too: followed, the POST would become a GET that nobody reads.
@pytest.mark.sampled(2)
@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_channel_that_was_down_is_told_later_and_the_others_not_again(
    load_event: LoadEvent, site: Site, inbox: Inbox, status: int
) -> None:
    site.status = {"slack": status}
    with pytest.raises(DeliveryError, match=r"^1 of 4 notices not sent, on: slack:/prod/slack$"):
        handle(load_event("alarm-metric"), Context())
    assert sorted(path for path, _, _ in site.taken) == ["teams", "webhook"]

    site.status = {}
    handle(load_event("alarm-metric"), Context())

    assert sorted(path for path, _, _ in site.taken) == ["slack", "teams", "webhook"]
    assert len(inbox()) == 1


def test_a_channel_that_does_not_answer_in_time_is_one_that_fails(
    load_event: LoadEvent, site: Site, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "0.1")
    site.seconds = 0.5

    with pytest.raises(DeliveryError, match="3 of 4 notices not sent"):
        handle(load_event("alarm-metric"), Context())

    assert len(inbox()) == 1


def note(histories: AlarmHistories, *events: dict[str, Any]) -> None:
    """CloudWatch notes the changes that events tell of."""
    for event in events:
        alarm = json.loads(event["Records"][0]["Sns"]["Message"])
        at = datetime.fromisoformat(alarm["StateChangeTime"])
        histories.note(alarm["AlarmName"], at, alarm["OldStateValue"], alarm["NewStateValue"])


def test_an_alarm_that_is_over_says_how_long_it_lasted(
    load_event: LoadEvent, site: Site, inbox: Inbox, histories: AlarmHistories
) -> None:
    note(histories, load_event("alarm-metric"))
    handle(load_event("alarm-metric"), Context())
    note(histories, load_event("alarm-ok"))
    handle(load_event("alarm-ok"), Context())

    # From 20:59:04.677 to 21:11:04.681
    assert [body["lasted_seconds"] for body in site.bodies("webhook")] == [None, 720.004]
    assert "Lasted:     12 min" in inbox()[1]["Message"]


def test_an_alarm_that_a_channel_gets_after_its_end_says_so(
    load_event: LoadEvent, site: Site, inbox: Inbox, histories: AlarmHistories
) -> None:
    site.status = {"webhook": 503}
    note(histories, load_event("alarm-metric"))
    with pytest.raises(DeliveryError):
        handle(load_event("alarm-metric"), Context())
    site.status = {}
    note(histories, load_event("alarm-ok"))
    handle(load_event("alarm-ok"), Context())
    handle(load_event("alarm-metric"), Context())  # as Lambda does after two minutes

    over, late = site.bodies("webhook")
    assert (over["state"], late["state"]) == ("OK", "ALARM")
    assert late["summary"].endswith("\nThis comes late: it was over at 2026-11-20 21:11:04 UTC.")
    assert "late" not in inbox()[0]["Message"]


def test_an_alarm_that_its_end_has_overtaken_says_so_and_the_end_how_long_it_lasted(
    load_event: LoadEvent, site: Site, inbox: Inbox, histories: AlarmHistories
) -> None:
    # SNS and Lambda keep no order.
    note(histories, load_event("alarm-metric"), load_event("alarm-ok"))
    handle(load_event("alarm-ok"), Context())
    handle(load_event("alarm-metric"), Context())

    over, late = site.bodies("webhook")
    assert (over["state"], over["lasted_seconds"], late["state"]) == ("OK", 720.004, "ALARM")
    assert late["summary"].endswith("\nThis comes late: it was over at 2026-11-20 21:11:04 UTC.")
    assert len(inbox()) == 2


def change(event: dict[str, Any], before: str, now: str, minute: int) -> dict[str, Any]:
    """The same event with another change of state, at a minute past nine."""
    sns = event["Records"][0]["Sns"]
    message = json.loads(sns["Message"]) | {
        "OldStateValue": before,
        "NewStateValue": now,
        "StateChangeTime": f"2026-11-20T21:{minute:02}:00.000+0000",
    }
    return {
        "Records": [
            {"Sns": {**sns, "MessageId": f"{sns['MessageId']}-{minute}", "Message": json.dumps(message)}}
        ]
    }


def test_the_first_state_of_an_alarm_sends_no_notice(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    handle(change(load_event("alarm-metric"), "INSUFFICIENT_DATA", "OK", 1), Context())

    assert (site.taken, inbox()) == ([], [])


def test_the_end_of_an_outage_that_nobody_remembers_is_told(
    load_event: LoadEvent, site: Site, inbox: Inbox
) -> None:
    message = json.loads(load_event("alarm-metric")["Records"][0]["Sns"]["Message"])
    event = change(load_event("alarm-metric"), "INSUFFICIENT_DATA", "OK", 1)
    old = message["AlarmConfigurationUpdatedTimestamp"]
    assert old.startswith("2026-11-16")
    text = event["Records"][0]["Sns"]["Message"].replace("2026-11-16T", "2026-09-16T")
    event["Records"][0]["Sns"]["Message"] = text

    handle(event, Context())

    assert [(body["state"], body["lasted_seconds"]) for body in site.bodies("webhook")] == [("OK", None)]
    assert len(inbox()) == 1


def test_data_that_ends_and_returns_is_told_both_times(
    load_event: LoadEvent, site: Site, inbox: Inbox, histories: AlarmHistories
) -> None:
    event = load_event("alarm-metric")
    for states in (
        ("INSUFFICIENT_DATA", "OK", 1),
        ("OK", "INSUFFICIENT_DATA", 10),
        ("INSUFFICIENT_DATA", "OK", 30),
    ):
        note(histories, change(event, *states))
        handle(change(event, *states), Context())

    assert [(body["state"], body["lasted_seconds"]) for body in site.bodies("webhook")] == [
        ("INSUFFICIENT_DATA", None),
        ("OK", 1200.0),
    ]
    assert len(inbox()) == 2


def test_a_receiver_can_check_the_webhook_by_its_signature_alone(
    load_event: LoadEvent, site: Site, inbox: Inbox
) -> None:
    handle(load_event("alarm-metric"), Context())

    signatures = {path: (body, signature) for path, body, signature in site.taken}
    body, signature = signatures["webhook"]
    assert signature
    moment, _, digest = signature.removeprefix("t=").partition(",v1=")
    assert abs(int(moment) - time.time()) < 60
    assert digest == hmac.new(b"a shared secret", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert (signatures["slack"][1], signatures["teams"][1]) == (None, None)
    assert inbox()


def test_without_its_table_the_function_tells_people_all_the_same(
    load_event: LoadEvent, site: Site, inbox: Inbox, log: StringIO
) -> None:
    boto3.client("dynamodb").delete_table(TableName="notices")

    handle(load_event("alarm-metric"), Context())

    assert (len(site.taken), len(inbox())) == (3, 1)
    assert "notice not claimed" in log.getvalue()


def test_the_metrics_count_what_was_sent_and_what_was_not(
    load_event: LoadEvent, site: Site, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    site.status = {"teams": 500}

    with pytest.raises(DeliveryError):
        handle(load_event("sns-two-records"), Context())

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [(line["NoticesSent"], line["NoticesFailed"]) for line in lines] == [([6.0], [2.0])]
    assert len(inbox()) == 2


# 1 is a port where nobody listens: that error's own text holds the whole address.
@pytest.mark.parametrize(
    "address", [f"http://127.0.0.1:1/{SECRET}", f"ftp://x.io/{SECRET}", f"https://a..b/{SECRET}", ""]
)
def test_the_address_stands_in_no_log_and_in_no_error(
    load_event: LoadEvent, site: Site, inbox: Inbox, log: StringIO, address: str
) -> None:
    site.status = {"webhook": 500}
    put_parameter("/prod/webhook", address or f"{site.address}/webhook/{SECRET}")

    with pytest.raises(DeliveryError) as caught:
        handle(load_event("alarm-metric"), Context())

    assert "notice failed" in log.getvalue()
    assert SECRET not in log.getvalue() + "".join(traceback.format_exception(caught.value))
    assert len(inbox()) == 1


@pytest.mark.parametrize("value", [" ", "hooks.example.com", "http://example.com/a", "https://[", "https://"])
def test_a_parameter_that_holds_no_address_is_a_channel_that_fails(
    load_event: LoadEvent, inbox: Inbox, value: str
) -> None:
    put_parameter("/prod/webhook", value)

    with pytest.raises(DeliveryError, match="webhook:/prod/webhook"):
        handle(load_event("alarm-metric"), Context())

    assert len(inbox()) == 1


def test_a_parameter_that_is_missing_is_a_channel_that_fails(load_event: LoadEvent, inbox: Inbox) -> None:
    boto3.client("ssm").delete_parameter(Name="/prod/webhook")

    with pytest.raises(DeliveryError, match="webhook:/prod/webhook"):
        handle(load_event("alarm-metric"), Context())

    assert len(inbox()) == 1


def test_an_address_that_was_changed_counts_at_once(load_event: LoadEvent, site: Site, inbox: Inbox) -> None:
    put_parameter("/prod/webhook", "http://127.0.0.1:1/old")
    with pytest.raises(DeliveryError):
        handle(load_event("alarm-metric"), Context())

    put_parameter("/prod/webhook", f"{site.address}/webhook/new")
    handle(load_event("alarm-metric"), Context())

    assert len(site.bodies("webhook")) == 1
    assert inbox()
