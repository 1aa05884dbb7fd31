"""`stockstream smoke`: sends one test bar through stream, transform and lake, and times each stage."""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import boto3

from stockstream.bars import Bar, Lookback
from stockstream.errors import StockstreamError
from stockstream.records import encode_record
from stockstream.times import format_instant, parse_instant
from stockstream_operate.arguments import count
from stockstream_operate.counts import say_count
from stockstream_operate.lake.delivered import as_named
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.parts import TABLES
from stockstream_operate.lake.sql import TEST_INSTRUMENT
from stockstream_operate.screen import Screen
from stockstream_operate.stack import Stack, find_stack
from stockstream_operate.whole_file import naming

# Always the same bar, long before all others: in a search index it is one document, at a time that nobody
# looks at.
_OPEN_TIME = "2000-01-03T14:30:00Z"
_POLL_SECONDS = 5
# By how much the clock here may be ahead of S3's.
_CLOCKS_APART = timedelta(minutes=2)


class SmokeError(StockstreamError):
    """The test bar did not arrive; the text says how far it came, and what to do."""


class SmokeTimes(NamedTuple):
    """When the test bar reached each stage.

    Attributes:
        arrived: in the stream, by Kinesis' clock.
        transformed: in the last batch of the transform before the file; None where its log does not say.
        written: in the lake, by S3's clock.
        key: of the file.
        is_hidden: whether the views leave it out.
    """

    arrived: datetime
    transformed: datetime | None
    written: datetime
    key: str
    is_hidden: bool


def add_smoke(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream smoke`."""
    command.description = (
        f"Puts one bar of {TEST_INSTRUMENT} into the stream, waits for it in the lake, and says how long "
        "each stage took. The views leave it out, so that no reader sees it."
    )
    command.add_argument("--stack", metavar="NAME", help="a stack in AWS; without it the one that runs here")
    command.add_argument(
        "--minutes", type=count, default=10, metavar="N", help="how long to wait for it at the most (10)"
    )
    command.set_defaults(run=run_smoke)


def run_smoke(asked: argparse.Namespace, screen: Screen) -> None:
    """Sends the bar and waits for it.

    Raises:
        SmokeError: it did not come, or readers see it.
    """
    stack = find_stack(asked.stack)
    interval = stack.parameters.get("Interval", "1min")
    as_of = format_instant(datetime.now(UTC))
    with screen.step("Putting a test bar into the stream", "The stream took it"):
        sent = _put(stack, interval, as_of)
    with screen.step("Waiting for it in the lake", "It is in the lake"):
        arrival = _await(stack, as_of, sent, timedelta(minutes=asked.minutes))
    screen.say(f"stream     {_say(arrival.arrived - sent)} until Kinesis had it")
    if arrival.transformed:
        screen.say(
            f"transform  {_say(arrival.transformed - sent)} until the batch before the file was transformed"
        )
    screen.say(f"lake       {_say(arrival.written - sent)} until it was written: {arrival.key}")
    if not arrival.is_hidden:
        raise SmokeError("The views show it to readers: this stack's views are those of another release.")
    screen.say("The views leave it out.")


def _put(stack: Stack, interval: str, as_of: str) -> datetime:
    """Sends the bar; when that began."""
    bar = Bar(TEST_INSTRUMENT, "equity", interval, _OPEN_TIME, 1.0, 1.0, 1.0, 1.0, 0.0, "smoke", as_of)
    sent = datetime.now(UTC)
    boto3.client("kinesis").put_record(
        StreamName=stack.output("BarStreamName"),
        Data=encode_record(bar, Lookback()),
        PartitionKey=TEST_INSTRUMENT,
    )
    return sent


def _await(stack: Stack, as_of: str, sent: datetime, most: timedelta) -> SmokeTimes:
    seen: set[str] = set()
    bucket = stack.output("LakeBucketName")
    while datetime.now(UTC) - sent < most:
        for key, written in _find_new(bucket, sent - _CLOCKS_APART):
            if key in seen:
                continue
            seen.add(key)
            if found := _look_into(bucket, key, as_of):
                arrived, is_hidden = found
                return SmokeTimes(arrived, _find_batch(stack, sent, written), written, key, is_hidden)
        time.sleep(_POLL_SECONDS)
    # A stack on this machine is meant where none is named.
    named = "" if stack.url else f" --stack {stack.name}"
    look = "status" if stack.url else "doctor"
    waited = say_count(most // timedelta(minutes=1), "minute")
    raise SmokeError(
        f"The stream took the bar, and it is in no file of the lake after {waited}. "
        f"`stockstream {look}{named}` says where bars are stuck; if it was refused, "
        f"`stockstream redrive{named}` says why."
    )


def _find_new(bucket: str, since: datetime) -> Iterator[tuple[str, datetime]]:
    """The files that were written since a moment, and when."""
    days = {f"{moment:%Y-%m-%d}" for moment in (since, datetime.now(UTC))}
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    for prefix in TABLES:
        for day in sorted(days):
            for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix}/dt={day}/"):
                for each in page.get("Contents", ()):
                    if each["LastModified"] >= since:
                        yield each["Key"], each["LastModified"]


def _look_into(bucket: str, key: str, as_of: str) -> tuple[datetime, bool] | None:
    """When Kinesis had the test bar, if a file holds it, and whether the views leave it out."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / key.rpartition("/")[2]
        body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with naming(file):
            file.write_bytes(as_named(key, body))
        with LakeEngine(file) as lake:
            table = TABLES[key.partition("/")[0]]
            wanted = f"instrument = '{TEST_INSTRUMENT}'"
            rows = lake.query(f"SELECT as_of, arrived_at FROM {table} WHERE {wanted}").rows  # noqa: S608 (constants)
            shown = lake.query(f"SELECT count(*) FROM bars_history WHERE {wanted}").rows  # noqa: S608 (a constant)
    arrivals = [arrived for said, arrived in rows if said == as_of]
    return (parse_instant(arrivals[0]), shown == [(0,)]) if arrivals else None


def _find_batch(stack: Stack, sent: datetime, written: datetime) -> datetime | None:
    """When the transform was through with its last batch before a file was written."""
    log = stack.resources("AWS::Logs::LogGroup")["TransformLog"]
    pages = (
        boto3.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=log,
            startTime=_milliseconds(sent),
            # S3 gives the second in which it was written.
            endTime=_milliseconds(written + timedelta(seconds=1)),
            filterPattern='"records transformed"',
        )
    )
    times = [event["timestamp"] for page in pages for event in page["events"]]
    return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _say(length: timedelta) -> str:
    return f"{max(0.0, length.total_seconds()):6.1f} s"
