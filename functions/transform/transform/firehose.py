"""Firehose's side of the transform: the records of an event, and an answer that Firehose accepts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, NotRequired, TypedDict

import pybase64

from stockstream.errors import Reason, RecordError
from stockstream.times import format_instant
from stockstream.windows import Windows
from transform.documents import enrich

# Lambda allows 6 MB each way. A round number below both readings of MB.
ANSWER_LIMIT = 6_000_000
# What the runtime's json.dumps writes for an answer beside its ids, results and data.
ANSWER_OVERHEAD = len('{"records": []}')
RECORD_OVERHEAD = len('{"recordId": "", "result": "", "data": ""}, ')

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FirehoseRecord(TypedDict):
    """One record of a transformation event; direct puts bring no metadata."""

    recordId: str
    data: str
    approximateArrivalTimestamp: NotRequired[object]
    kinesisRecordMetadata: NotRequired[dict[str, Any]]


class AnswerRecord(TypedDict):
    """One record of the answer; Firehose requires all three."""

    recordId: str
    result: str
    data: str


class Rejection(NamedTuple):
    """A record that goes back as it came, and why."""

    record_id: str
    reason: Reason
    detail: str


class AnswerTooLargeError(Exception):
    """Not even the untouched records fit into an answer: the event was larger than Lambda lets in."""


def transform_records(
    records: Iterable[FirehoseRecord], windows: Windows
) -> tuple[list[AnswerRecord], list[Rejection]]:
    """The answer to the records of an event, in their order, and the records that were refused.

    Raises:
        AnswerTooLargeError: the event is larger than Lambda's own limit.
    """
    answer: list[AnswerRecord] = []
    rejections: list[Rejection] = []
    for record in records:
        try:
            document = enrich(_decode(record["data"]), read_arrival(record), windows)
        except RecordError as error:
            answer.append(_failed(record))
            rejections.append(Rejection(record["recordId"], error.reason, str(error)))
        else:
            data = pybase64.b64encode_as_string(document)
            answer.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return answer, rejections


def _decode(data: str) -> bytes:
    try:
        return pybase64.b64decode(data, validate=True)
    except ValueError as error:
        raise RecordError(Reason.MALFORMED_JSON, f"the data is not base64: {error}") from None


def _failed(record: FirehoseRecord) -> AnswerRecord:
    return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}


def read_arrival(record: FirehoseRecord) -> str | None:
    """When the stream took the record; None when the event does not say so in a form that we know."""
    arrival = record.get("approximateArrivalTimestamp") or (record.get("kinesisRecordMetadata") or {}).get(
        "approximateArrivalTimestamp"
    )
    try:
        if isinstance(arrival, str):
            return format_instant(datetime.fromisoformat(arrival)) if arrival else None
        return _format_milliseconds(arrival) if isinstance(arrival, int | float) else None
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _format_milliseconds(milliseconds: float) -> str:
    return format_instant(_EPOCH + timedelta(milliseconds=milliseconds))
