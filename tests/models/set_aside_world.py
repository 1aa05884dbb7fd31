"""A stream, a lake and a transform for the redrive: moto's, with Firehose's part between them played here."""

import gzip
import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest
from moto import mock_aws

from stockstream.times import format_instant, format_time
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.redrive import redrive_command
from stockstream_operate.stack import Stack
from transform.handler import handle
from transform.settings import read_windows

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

LAKE, STREAM, TRANSFORM = "the-lake", "bars", "transform"
WINDOWS = {"SMA_WINDOWS": "5,20,50,200", "EMA_WINDOWS": "12,26"}
ARRIVED = 1795208400000  # 2026-11-20T21:00:00Z
STACK = Stack(
    "mine", None, {"LakeBucketName": LAKE, "BarStreamName": STREAM, "TransformFunctionName": TRANSFORM}
)

type Document = dict[str, Any]


def error_line(data: bytes, code: str = "Lambda.ProcessingFailedStatus", **more: object) -> bytes:
    """A line of an error file, as Firehose writes it."""
    return orjson.dumps(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": ARRIVED,
            "errorCode": code,
            "errorMessage": "ProcessingFailed status set for record",
            "attemptEndingTimestamp": ARRIVED + 60_000,
            "rawData": b64encode(data).decode(),
            "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:transform:$LATEST",
            **more,
        }
    )


@dataclass
class Firehose:
    """Calls the real transform with batches, and writes what it takes to the lake.

    Attributes:
        delivered: the documents, in the order of their delivery.
    """

    s3: "S3Client"
    delivered: list[Document] = field(default_factory=list)

    def deliver(self, records: Sequence[bytes]) -> list[bytes]:
        """Delivers what the transform takes as one file; of the others the lines of their error file."""
        entries = [
            {
                "recordId": str(number),
                "data": b64encode(data).decode(),
                "approximateArrivalTimestamp": ARRIVED,
            }
            for number, data in enumerate(records)
        ]
        body, lines = b"", []
        for entry in handle({"invocationId": "i", "records": entries}, None)["records"]:
            data = b64decode(entry["data"])
            if entry["result"] == "Ok":
                body += data
                self.delivered.append(json.loads(data))
            else:
                lines.append(error_line(data))
        if body:
            key = f"bars/dt=2026-11-20/bars-{len(self.delivered):06}.json.gz"
            self.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(body))
        return lines


@dataclass
class World:
    """What the redrive works on."""

    s3: "S3Client"
    kinesis: "KinesisClient"
    firehose: Firehose
    read_up_to: int = 0

    def set_aside(self, key: str, lines: Sequence[bytes], between: bytes = b"\n") -> None:
        """Writes an error file."""
        self.s3.put_object(Bucket=LAKE, Key=key, Body=between.join(lines))

    def files(self) -> list[str]:
        """All but what was delivered."""
        return [key for key in self._keys() if not key.startswith("bars/")]

    def view(self) -> dict[str, Document]:
        """What readers see: the lake's view of all that was delivered, by id, with the contract's times."""
        with TemporaryDirectory() as folder:
            for key in self._keys():
                if key.startswith("bars/"):
                    path = Path(folder) / key
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(self.s3.get_object(Bucket=LAKE, Key=key)["Body"].read())
            with LakeEngine(Path(folder)) as engine:
                columns, rows = engine.query("SELECT * FROM bars_latest")
        seen = [dict(zip(columns, row, strict=True)) for row in rows]
        view = {
            each["id"]: each
            | {
                "open_time": format_time(each["open_time"].replace(tzinfo=UTC)),
                "as_of": format_instant(each["as_of"].replace(tzinfo=UTC)),
            }
            for each in seen
        }
        assert len(view) == len(seen), "a bar is in the view twice"
        return view

    def entries(self, key: str) -> list[bytes]:
        """The records in an error file."""
        body = self.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()
        return [b64decode(json.loads(line)["rawData"]) for line in body.splitlines()]

    def take(self) -> list[bytes]:
        """What came into the stream since the last time."""
        (shard,) = self.kinesis.list_shards(StreamName=STREAM)["Shards"]
        iterator = self.kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = self.kinesis.get_records(ShardIterator=iterator)["Records"]
        assert all(json.loads(each["Data"])["instrument"] == each["PartitionKey"] for each in records)
        new = records[self.read_up_to :]
        self.read_up_to = len(records)
        return [each["Data"] for each in new]

    def _keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE)
        return sorted(each["Key"] for page in pages for each in page.get("Contents", []))


@contextmanager
def make_world(patch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty lake and an empty stream, which `stockstream redrive` finds."""
    for name, value in WINDOWS.items():
        patch.setenv(name, value)
    patch.setenv("COLUMNS", "200")  # a line of the table is a line
    patch.setattr(redrive_command, "find_stack", lambda _name: STACK)
    read_windows.cache_clear()
    with mock_aws(config={"lambda": {"use_docker": False}}):
        s3, kinesis = boto3.client("s3"), boto3.client("kinesis")
        s3.create_bucket(Bucket=LAKE)
        kinesis.create_stream(StreamName=STREAM, ShardCount=1)
        _make_transform(WINDOWS)
        yield World(s3, kinesis, Firehose(s3))
    read_windows.cache_clear()


def _make_transform(variables: Mapping[str, str]) -> None:
    """The function whose environment says how long a look-back may be; its code is never run."""
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("m.py", "")
    boto3.client("lambda").create_function(
        FunctionName=TRANSFORM,
        Runtime="python3.13",
        Role=role,
        Handler="m.h",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": dict(variables)},
    )
