"""`stockstream smoke`: one test bar through stream, transform and lake, which no reader sees."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws
from pybase64 import b64decode, b64encode_as_string
from stream_record import RECORD

from stockstream_local import cli
from stockstream_operate import smoke_command
from stockstream_operate.lake.delivered import Lake
from stockstream_operate.lake.sql import TEST_INSTRUMENT, view_files
from stockstream_operate.smoke_command import SmokeError
from stockstream_operate.stack import Stack
from transform.handler import handle

BUCKET = "the-lake"


class DeployedStack(Stack):
    def resources(self, kind: str) -> dict[str, str]:
        assert kind == "AWS::Logs::LogGroup"
        return {"TransformLog": "transform-log"}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = DeployedStack(
        "mine", None, {"BarStreamName": "bars", "LakeBucketName": BUCKET}, {"Interval": "5min"}
    )
    monkeypatch.setattr(smoke_command, "find_stack", lambda _name: found)
    monkeypatch.setenv("SMA_WINDOWS", "5,20,50,200")
    monkeypatch.setenv("EMA_WINDOWS", "12,26")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("kinesis").create_stream(StreamName="bars", ShardCount=1)
        logs = boto3.client("logs")
        logs.create_log_group(logGroupName="transform-log")
        logs.create_log_stream(logGroupName="transform-log", logStreamName="one")
        yield


def records() -> list[dict[str, Any]]:
    """What the stream holds, as Firehose hands it to the transform."""
    kinesis = boto3.client("kinesis")
    shard = kinesis.list_shards(StreamName="bars")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="bars", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return [
        {
            "recordId": each["SequenceNumber"],
            "data": b64encode_as_string(each["Data"]),
            "approximateArrivalTimestamp": int(each["ApproximateArrivalTimestamp"].timestamp() * 1000),
        }
        for each in kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    ]


def deliver(spoil: Callable[[dict[str, Any]], object] = lambda _document: None) -> None:
    """What Firehose does: the deployed transform on all that the stream holds, and a file of it."""
    answer: Any = handle({"invocationId": "1", "records": records()}, None)
    documents = [orjson.loads(b64decode(each["data"])) for each in answer["records"]]
    for document in documents:
        spoil(document)
    lines = b"".join(orjson.dumps(document) + b"\n" for document in documents)
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=f"bars/dt={datetime.now(UTC):%Y-%m-%d}/new.json.gz", Body=gzip.compress(lines)
    )


def test_a_bar_that_arrives_is_told_with_the_time_of_each_stage_and_no_reader_sees_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=f"bars/dt={datetime.now(UTC):%Y-%m-%d}/other.json.gz", Body=gzip.compress(b"")
    )

    def firehose(_seconds: float) -> None:
        boto3.client("logs").put_log_events(
            logGroupName="transform-log",
            logStreamName="one",
            logEvents=[
                {
                    "timestamp": int(datetime.now(UTC).timestamp() * 1000),
                    "message": '{"message":"records transformed"}',
                }
            ],
        )
        deliver()

    monkeypatch.setattr(smoke_command, "time", SimpleNamespace(sleep=firehose))

    assert cli.main(["smoke", "--stack", "mine"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if " s until " in line] == [
        "stream",
        "transform",
        "lake",
    ]
    assert "new.json.gz" in said
    assert "The views leave it out." in said
    (sent,) = [json.loads(b64decode(each["data"])) for each in records()]
    # The stack's own interval, and a day on which nobody looks at anything.
    assert sent["id"] == f"{TEST_INSTRUMENT}|5min|2000-01-03T14:30:00Z"


def test_the_bar_of_an_earlier_smoke_is_not_taken_for_this_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def firehose(_seconds: float) -> None:
        deliver(lambda document: document.update(as_of="2026-11-20T21:00:05.694Z"))

    monkeypatch.setattr(smoke_command, "time", SimpleNamespace(sleep=firehose))
    monkeypatch.setattr(smoke_command, "_POLL_SECONDS", 0)
    clock = iter([datetime.now(UTC)] * 6)
    late = datetime(2100, 1, 1, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ARG003 (datetime's own)
            return next(clock, late)

    monkeypatch.setattr(smoke_command, "datetime", Clock)

    assert cli.main(["smoke", "--stack", "mine", "--minutes", "1"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "it is in no file of the lake after 1 minute" in said
    assert "`stockstream doctor --stack mine`" in said
    assert "`stockstream redrive --stack mine`" in said


def test_of_the_run_here_no_stack_in_aws_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_command, "_find_new", lambda *_: iter([]))
    here = Stack("stockstream", "http://127.0.0.1:4566", {"LakeBucketName": "lake"})

    with pytest.raises(SmokeError) as raised:
        smoke_command._await(here, "now", datetime.now(UTC), timedelta())  # noqa: SLF001

    assert "`stockstream status`" in str(raised.value)
    assert "--stack" not in str(raised.value)


def test_views_that_show_it_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke_command, "time", SimpleNamespace(sleep=lambda _seconds: deliver()))
    found = smoke_command._look_into  # noqa: SLF001

    def as_before(bucket: str, key: str, as_of: str) -> Any:
        seen = found(bucket, key, as_of)
        return seen and (seen[0], False)

    monkeypatch.setattr(smoke_command, "_look_into", as_before)

    assert cli.main(["smoke", "--stack", "mine"]) == 1
    assert "The views show it to readers" in " ".join(capsys.readouterr().err.split())


def test_a_run_here_takes_it_for_no_bar_of_its_market(tmp_path: Path) -> None:
    test = {"instrument": TEST_INSTRUMENT, "id": RECORD["id"].replace("IBM", TEST_INSTRUMENT)}
    for record in (RECORD, RECORD | test):
        boto3.client("kinesis").put_record(StreamName="bars", Data=json.dumps(record), PartitionKey="x")
    deliver()

    lake = Lake(boto3.client("s3"), BUCKET, tmp_path)
    assert [each["instrument"] for each in lake.read_new()] == ["IBM"]


def test_the_view_leaves_out_what_the_command_sends() -> None:
    assert f"WHERE instrument <> '{TEST_INSTRUMENT}'" in view_files()["bars_delivered"].sql
