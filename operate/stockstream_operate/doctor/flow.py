"""What flows through a stack in AWS: each stage's numbers of the last hour, and the lake's first file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import boto3

from stockstream_operate.lake.parts import TABLES
from stockstream_operate.stack_metrics import METRICS, Metric, MetricReader, Point

if TYPE_CHECKING:
    from stockstream_operate.stack import Stack

MEASURED = {
    "runs": Metric("Invocations", "ProducerFunctionName", "AWS/Lambda", "FunctionName"),
    "failed_runs": Metric("Errors", "ProducerFunctionName", "AWS/Lambda", "FunctionName"),
    "requests": METRICS["requests"],
    "failures": METRICS["failures"],
    "published": METRICS["published"],
    "records": Metric("IncomingRecords", "BarStreamName", "AWS/Kinesis", "StreamName"),
    "failed_batches": Metric("Errors", "TransformFunctionName", "AWS/Lambda", "FunctionName"),
    "enriched": METRICS["enriched"],
    "rejected": METRICS["rejected"],
    "delivered": Metric("DeliveryToS3.Records", "BarDeliveryName", "AWS/Firehose", "DeliveryStreamName"),
}
_PERIOD_SECONDS = 60
# Why the newest runs failed stands among the newest lines, and FilterLogEvents begins with the oldest.
_SAID_WITHIN = timedelta(minutes=10)
_MOST_PAGES = 20
# Powertools' lines are JSON, Lambda's own are not: words are found in both.
_TROUBLE = '?"ERROR" ?"WARNING" ?"CRITICAL" ?"Task timed out"'


class LakeFile(NamedTuple):
    """A file of the lake.

    Attributes:
        key: its name in the bucket.
        at: when it was written, UTC.
    """

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """What came through each stage of a stack in the last hour.

    Attributes:
        points: by the names of MEASURED, minute by minute, the oldest first.
        said: the newest line of the producer's log that tells of a trouble; empty where there is none.
        first_file: the lake's, by its name; None in an empty lake.
    """

    points: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    said: str = ""
    first_file: LakeFile | None = None

    def total(self, name: str) -> int:
        """The sum of the hour."""
        return round(sum(each.value for each in self.points.get(name, ())))

    def times(self, name: str) -> list[datetime]:
        """The minutes in which it was more than 0."""
        return [each.at for each in self.points.get(name, ()) if each.value > 0]

    @property
    def records(self) -> str:
        """What tells of what went into the stream: Kinesis' own number, or what the producer counted."""
        return "records" if self.total("records") else "published"

    @property
    def answered(self) -> int:
        """How many of the producer's requests were answered, at the least."""
        return max(0, self.total("requests") - self.total("failures"))


def read_flow(stack: "Stack", now: datetime) -> Flow:
    """Reads it; the log only where something is wrong.

    Args:
        stack: the stack, with its outputs.
        now: the time, UTC.

    Raises:
        BotoCoreError, ClientError, StackError: a part cannot be read.
    """
    points = MetricReader(stack, boto3.client("cloudwatch")).read_points(MEASURED, now, _PERIOD_SECONDS)
    flow = Flow(points, first_file=_find_first_file(stack.output("LakeBucketName")))
    if not flow.total("failed_runs") and not flow.total("failures"):
        return flow
    log = stack.resources("AWS::Logs::LogGroup")["ProducerLog"]
    *_, said = ("", *_read_troubles(log, now - _SAID_WITHIN))
    return Flow(points, said, flow.first_file)


def _find_first_file(bucket: str) -> LakeFile | None:
    s3 = boto3.client("s3")
    for prefix in TABLES:
        for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1).get("Contents", ()):
            return LakeFile(each["Key"], each["LastModified"])
    return None


def _read_troubles(log: str, since: datetime) -> Iterator[str]:
    """The lines of a log that tell of a trouble, the oldest first."""
    pages = (
        boto3.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=log,
            startTime=int(since.timestamp() * 1000),
            filterPattern=_TROUBLE,
            PaginationConfig={"MaxItems": _MOST_PAGES * 10_000},
        )
    )
    for page in pages:
        yield from (each["message"] for each in page["events"])
