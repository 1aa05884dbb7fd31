"""Sending again on the deployed stack: error files become bars, a dead letter becomes a notice."""

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest

from stockstream.bars import Bar, Lookback
from stockstream.records import encode_record
from stockstream_local import cli, dead_letters_command, deployment, redrive_command
from stockstream_local.emulator import choose_port, run_emulator
from stockstream_local.environment import isolate
from stockstream_local.lake import Lake
from stockstream_local.notices import NoticeReceiver
from stockstream_local.stack import Stack, find_stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
KEY = "processing-failed/dt=2026-11-20/bars-1-2026-11-20-21-00-00"


@dataclass(frozen=True)
class Deployed:
    stack: Stack
    s3: "S3Client"
    lake: Lake
    receiver: NoticeReceiver

    @property
    def bucket(self) -> str:
        return self.stack.output("LakeBucketName")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    state = tmp_path_factory.mktemp("state")
    port = choose_port(None)
    environ = isolate(os.environ, f"http://127.0.0.1:{port}")
    with (
        pytest.MonkeyPatch.context() as patch,
        NoticeReceiver() as receiver,
        run_emulator(port, environ, state),
    ):
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        ssm = boto3.client("ssm")
        for name, value in {"/stockstream/api-key": "any", "/stockstream/webhook-url": receiver.url}.items():
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        parameters = {
            "ProviderUrl": "http://127.0.0.1:1",
            "Architecture": deployment.host_architecture(),
            "ScheduleState": "DISABLED",
        }
        deployment.deploy(ROOT, deployment.build(ROOT, environ, state), parameters, environ, state)
        stack = find_stack("stockstream")
        for module in (redrive_command, dead_letters_command):
            patch.setattr(module, "find_stack", lambda _name: stack)
        s3 = boto3.client("s3")
        yield Deployed(stack, s3, Lake(s3, stack.output("LakeBucketName"), state / "lake"), receiver)


@pytest.fixture(autouse=True)
def never_touches_aws(deployed: Deployed) -> None:
    """Instead of the one for all tests, which would take the emulator's address away."""
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert deployed.stack.url is None


def record(minute: int) -> dict[str, Any]:
    open_time, as_of = f"2026-11-20T20:{minute:02}:00Z", "2026-11-20T21:00:05.000Z"
    bar = Bar("IBM", "equity", "1min", open_time, 10, 12, 9, 11, 700.0, "replay", as_of)
    fields: dict[str, Any] = orjson.loads(encode_record(bar, Lookback([10.0] * 5, [10.0] * 5, [1.0] * 5)))
    return fields


def error_line(fields: dict[str, Any], code: str) -> bytes:
    raw = b64encode(orjson.dumps(fields)).decode()
    return orjson.dumps({"arrivalTimestamp": 1795208400000, "errorCode": code, "rawData": raw})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_was_set_aside_is_in_the_lake_once_and_what_needs_a_person_is_not(deployed: Deployed) -> None:
    failed = [error_line(record(minute), "Lambda.FunctionError") for minute in (0, 1)]
    no_id = {name: value for name, value in record(2).items() if name != "id"}
    hopeless = error_line(record(3) | {"high": 1.0}, "Lambda.ProcessingFailedStatus")
    lines = [*failed, error_line(no_id, "Lambda.ProcessingFailedStatus"), hopeless]
    for key in (KEY, f"search/{KEY}"):
        deployed.s3.put_object(Bucket=deployed.bucket, Key=key, Body=b"\n".join(lines))

    assert cli.main(["redrive", "--stack", "stockstream", "--apply"]) == 0

    lake = deployed.lake
    wait_for(lambda: bool(lake.read_new()) or lake.count >= 3)
    wait_for(lambda: lake.read_new() == [] and lake.count >= 3)
    assert lake.count == len(lake.latest) == 3
    assert sorted(each["open_time"] for each in lake.latest.values()) == [
        f"2026-11-20T20:0{minute}:00Z" for minute in range(3)
    ]
    assert {each["sma_5"] for each in lake.latest.values()} == {10.2}
    assert deployed.s3.get_object(Bucket=deployed.bucket, Key=KEY)["Body"].read() == hopeless + b"\n"

    assert cli.main(["redrive", "--stack", "stockstream", "--apply"]) == 0

    time.sleep(2)
    assert lake.read_new() == []


def test_an_alert_that_was_given_up_reaches_its_channel_after_all(deployed: Deployed) -> None:
    event = json.loads((ROOT / "events" / "alarm-metric.json").read_text(encoding="utf-8"))
    function = deployed.stack.output("AlertFunctionName")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    letter = {
        "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
        "requestPayload": event,
    }
    url = deployed.stack.output("DeadLetterQueueUrl")
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(letter))

    assert cli.main(["dead-letters", "--stack", "stockstream"]) == 0
    assert deployed.receiver.notices.empty()
    assert cli.main(["dead-letters", "--stack", "stockstream", "--apply"]) == 0

    assert deployed.receiver.notices.get(timeout=60)["state"] == "ALARM"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
