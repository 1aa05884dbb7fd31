"""Firehose, played: what it does with the real transform and the lake, on good days and bad ones."""

import gzip
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from alarm_evaluation import Metrics
from set_aside_world import LAKE, error_line

from transform.answers import AnswerTooLargeError, cut_to_fit
from transform.handler import handle

# Of a thousand of Firehose's batches.
TRANSFORM_FAILS, REDELIVERED, OVER_THE_LIMIT = 60, 60, 10
TRIES = 4
# The dimensions of the template's metrics, by the names that ResolvedTemplate gives its resources.
_TRANSFORM = frozenset({("service", "transform")})
_TRANSFORM_FUNCTION = frozenset({("FunctionName", "TransformFunction")})
_DELIVERY = frozenset({("DeliveryStreamName", "BarDelivery")})


class Firehose:
    """Reads the stream, buffers, calls the real transform, and writes files: in any order, once or more.

    Args:
        stream: its records, to which others add.
        lake: an empty folder.
        chance: draws what goes wrong.
        measured: takes what Firehose and the transform say of themselves.

    Attributes:
        calm: whether nothing goes wrong.
        blind_until: until when it may not read the stream.
        broken_until: until when the transform fails.
        records: all that it read.
        counts: how often each fault took place.
    """

    def __init__(self, stream: Sequence[bytes], lake: Path, chance: random.Random, measured: Metrics) -> None:
        self._stream, self._lake, self._chance, self._measured = stream, lake, chance, measured
        self._buffer: list[dict[str, Any]] = []
        self._files = 0
        self.calm = False
        self.blind_until = self.broken_until = datetime.min.replace(tzinfo=UTC)
        self.records: list[bytes] = []
        self.counts: Counter[str] = Counter()

    def read(self, now: datetime) -> None:
        """Takes what came into the stream."""
        if now < self.blind_until:
            return
        before = len(self.records)
        for data in self._stream[before:]:
            self.records.append(data)
            self._buffer.append(
                {
                    "recordId": str(len(self.records)),
                    "data": b64encode(data).decode(),
                    "approximateArrivalTimestamp": round(now.timestamp() * 1000),
                }
            )
        if len(self.records) > before:
            self._measure("DataReadFromKinesisStream.Records", _DELIVERY, now, len(self.records) - before)

    def deliver(self, now: datetime) -> None:
        """Delivers the buffer, in up to five batches at once that overtake each other."""
        batches = []
        while self._buffer:
            size = self._chance.randint(1, 500)
            batches.append(self._buffer[:size])
            del self._buffer[:size]
        self._chance.shuffle(batches)
        for batch in batches:
            self._deliver_batch(batch, now)
            if not self.calm and self._chance.randrange(1000) < REDELIVERED:
                self.counts["redelivered"] += 1
                self._deliver_batch(batch, now)

    def _deliver_batch(self, batch: list[dict[str, Any]], now: datetime) -> None:
        self._chance.shuffle(batch)
        entries = self._transform(batch, now)
        if entries is None:
            lines = [error_line(b64decode(each["data"]), "Lambda.FunctionTimedOut") for each in batch]
            self.counts["set aside as a whole"] += 1
            self._set_aside(lines, now)
            return
        data = {each["recordId"]: b64decode(each["data"]) for each in batch}
        body = b"".join(b64decode(each["data"]) for each in entries if each["result"] == "Ok")
        lines = [error_line(data[each["recordId"]]) for each in entries if each["result"] != "Ok"]
        self._measure("BarsEnriched", _TRANSFORM, now, len(entries) - len(lines))
        self._measure("BarsRejected", _TRANSFORM, now, len(lines))
        self._files += 1
        if body:
            path = self._lake / "bars" / f"dt={now.date()}" / f"bars-{self._files:06}.json.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(body, 1))
            self._measure("DeliveryToS3.Success", _DELIVERY, now, 1)
        if lines:
            self._set_aside(lines, now)

    def _transform(self, batch: list[dict[str, Any]], now: datetime) -> list[dict[str, str]] | None:
        """The transform's answer; None if it fails as often as Firehose calls."""
        for attempt in range(TRIES):
            if self._draw("transform timed out", TRANSFORM_FAILS * (8 if attempt else 1), now):
                entries = None
            elif self._draw("answer over the limit", OVER_THE_LIMIT, now):
                entries = _transform_within(batch, sum(len(each["data"]) for each in batch) // 2)
            else:
                entries = handle({"invocationId": "i", "records": batch}, None)["records"]
            self._measure("Errors", _TRANSFORM_FUNCTION, now, entries is None)
            self._measure("ExecuteProcessing.Success", _DELIVERY, now, entries is not None)
            if entries is not None:
                return entries
        return None

    def _draw(self, fault: str, rate: int, now: datetime) -> bool:
        if self.calm:
            return False
        took_place = self._chance.randrange(1000) < rate
        if fault == "transform timed out":
            took_place = took_place or now < self.broken_until
        self.counts[fault] += took_place
        return took_place

    def _measure(
        self, metric: str, dimensions: frozenset[tuple[str, str]], at: datetime, value: float
    ) -> None:
        self._measured.add(metric, dimensions, at.replace(second=0, microsecond=0), float(value))

    def _set_aside(self, lines: Sequence[bytes], now: datetime) -> None:
        self._files += 1
        key = f"processing-failed/dt={now.date()}/bars-{self._files:06}"
        boto3.client("s3").put_object(Bucket=LAKE, Key=key, Body=b"\n".join(lines))


def _transform_within(batch: list[dict[str, Any]], limit: int) -> list[dict[str, str]] | None:
    """The transform's answer where Lambda lets out so many bytes; None where it fails."""
    with patch(
        "transform.firehose.cut_to_fit", lambda entries, records: cut_to_fit(entries, records, limit, limit)
    ):
        try:
            entries: list[dict[str, str]] = handle({"invocationId": "i", "records": batch}, None)["records"]
        except AnswerTooLargeError:
            return None
    return entries
