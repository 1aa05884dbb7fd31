"""Firehose as AWS has it, where ministack's differs: batches, and records that cannot be transformed.

ministack calls the function for each record by itself, within PutRecords, so that a slow function holds up
everything else. When the function fails, it delivers the raw record; and it drops what the function gives
back as failed. Firehose reads the stream by itself and gathers records. It calls a function that failed
again, and then keeps the records below the error prefix.
"""

import base64
import json
import logging
import os
import time
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from ministack.core.responses import get_region, new_uuid
from ministack.services import cloudwatch, firehose, lambda_svc

from stockstream_local.emulator.refusal import UNREADABLE_VARIABLE

FAILED = "processing-failed"
# With the template's buffer of 1 MB, and full look-backs of 4 KB.
MOST_RECORDS = 250
GATHERING_SECONDS = 0.2
_CODES = {True: "Lambda.FunctionError", False: "Lambda.ProcessingFailedStatus"}

_log = logging.getLogger(__name__)

type Json = dict[str, Any]
type Record = tuple[str, bytes]


class StreamRecord(NamedTuple):
    """A record in a stream.

    Attributes:
        stream_arn: the stream's.
        data: what was put.
        time: when, in seconds since 1970.
    """

    stream_arn: str
    data: bytes
    time: float


class Processor(NamedTuple):
    """The function that a delivery stream calls, and how often it tries again."""

    arn: str
    retries: int


def correct() -> None:
    """Puts the corrections in place."""
    arrivals: SimpleQueue[StreamRecord] = SimpleQueue()
    read: SimpleQueue[StreamRecord] = SimpleQueue()

    def take(stream_arn: str, pairs: list[tuple[str, bytes]]) -> None:
        for _key, data in pairs:
            arrivals.put(StreamRecord(stream_arn, data, time.time()))

    firehose.ingest_from_kinesis_source = take
    unreadable = Path(os.environ[UNREADABLE_VARIABLE])
    # Two threads: Firehose goes on reading while it waits for the function.
    Thread(target=_read_all, args=(arrivals, read, unreadable), daemon=True).start()
    Thread(target=_deliver_all, args=(read,), daemon=True).start()


def find_processor(destination: Json) -> Processor | None:
    """The function of a destination; None if it has none."""
    processing = destination["config"].get("ProcessingConfiguration") or {}
    for processor in processing.get("Processors") or []:
        values = {each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters") or []}
        if processing.get("Enabled") and "LambdaArn" in values:
            return Processor(values["LambdaArn"], int(values.get("NumberOfRetries", 3)))
    return None


def sort_answer(records: list[Record], answer: Json | None) -> tuple[list[Record], list[Record]]:
    """The records that an answer has delivered, and those that are kept below the error prefix.

    Args:
        records: what it was called with.
        answer: the function's; None if it failed, or its answer has another form.
    """
    if answer is None:
        return [], records
    by_id = {each["recordId"]: each for each in answer["records"]}
    delivered = [
        (name, base64.b64decode(by_id[name]["data"])) for name, _ in records if by_id[name]["result"] == "Ok"
    ]
    kept = [(name, data) for name, data in records if by_id[name]["result"] == "ProcessingFailed"]
    return delivered, kept


def write_failure(data: bytes, attempts: int, arn: str, *, is_error: bool, now: int) -> bytes:
    """One line below the error prefix.

    Args:
        data: the record's.
        attempts: how often the function was called.
        arn: the function's.
        is_error: whether the call failed; otherwise it gave the record back.
        now: in milliseconds since 1970.
    """
    message = "The Lambda function was not invoked or returned an error." if is_error else "ProcessingFailed"
    line = {
        "attemptsMade": attempts,
        "arrivalTimestamp": now,
        "errorCode": _CODES[is_error],
        "errorMessage": message,
        "attemptEndingTimestamp": now,
        "rawData": base64.b64encode(data).decode(),
        "lambdaArn": arn,
    }
    return json.dumps(line).encode() + b"\n"


def _read_all(arrivals: SimpleQueue[StreamRecord], read: SimpleQueue[StreamRecord], unreadable: Path) -> None:
    while True:
        arrival = arrivals.get()
        while unreadable.exists():
            time.sleep(GATHERING_SECONDS)
        for stream in _readers(arrival.stream_arn):
            _measure(stream, "DataReadFromKinesisStream.Records", 1.0, "Count")
        read.put(arrival)


def _readers(stream_arn: str) -> list[Json]:
    """The delivery streams whose source is a stream."""
    return [
        stream
        for stream in firehose._streams.values()
        if (stream.get("kinesis_source") or {}).get("KinesisStreamARN") == stream_arn
    ]


def _deliver_all(arrivals: SimpleQueue[StreamRecord]) -> None:
    while True:
        batch = [arrivals.get()]
        time.sleep(GATHERING_SECONDS)
        while not arrivals.empty() and len(batch) < MOST_RECORDS:
            batch.append(arrivals.get())
        for stream_arn in dict.fromkeys(arrival.stream_arn for arrival in batch):
            try:
                _deliver(stream_arn, [each for each in batch if each.stream_arn == stream_arn])
            except Exception:  # noqa: BLE001 (nothing catches it above this thread, and one bad batch must not end it)
                _log.exception("records not delivered")


def _deliver(stream_arn: str, batch: list[StreamRecord]) -> None:
    records = [(f"{number:056d}", arrival.data) for number, arrival in enumerate(batch)]
    for stream in _readers(stream_arn):
        for destination in stream["destinations"]:
            delivered = _process(stream, destination, records)
            if delivered and destination["type"] in {"ExtendedS3", "S3"}:
                firehose._deliver_to_s3(stream, destination, b"".join(data for _, data in delivered))
                _measure(stream, "DeliveryToS3.Success", 1.0, "Count")
                age = time.time() - min(arrival.time for arrival in batch)
                _measure(stream, "DeliveryToS3.DataFreshness", age, "Seconds")


def _process(stream: Json, destination: Json, records: list[Record]) -> list[Record]:
    processor = find_processor(destination)
    if processor is None:
        return records
    attempts, answer = 0, None
    while answer is None and attempts <= processor.retries:
        answer, attempts = _call(stream, processor, records), attempts + 1
        _measure(stream, "ExecuteProcessing.Success", float(answer is not None), "Count")
    delivered, kept = sort_answer(records, answer)
    now = time.time_ns() // 1_000_000
    lines = [
        write_failure(data, attempts, processor.arn, is_error=answer is None, now=now) for _, data in kept
    ]
    if lines:
        _keep(stream, destination["config"], b"".join(lines))
    return delivered


def _call(stream: Json, processor: Processor, records: list[Record]) -> Json | None:
    name, qualifier = lambda_svc._resolve_name_and_qualifier(processor.arn)
    function, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    now = time.time_ns() // 1_000_000
    event = {
        "invocationId": new_uuid(),
        "deliveryStreamArn": stream["arn"],
        "region": get_region(),
        "records": [
            {"recordId": name, "approximateArrivalTimestamp": now, "data": base64.b64encode(data).decode()}
            for name, data in records
        ],
    }
    result = lambda_svc._execute_function(function, event)
    return None if result.get("error") or result.get("throttle") else result["body"]


def _keep(stream: Json, config: Json, lines: bytes) -> None:
    moment = firehose._arrival_time(config)
    prefix = firehose._evaluate_prefix(config["ErrorOutputPrefix"], moment, error_type=FAILED)
    name = f"{stream['name']}-{time.strftime('%Y-%m-%d-%H-%M-%S', moment)}-{new_uuid()}"
    firehose._put_s3_object(config["BucketARN"].rpartition(":")[2], f"{prefix}{name}", lines)


def _measure(stream: Json, metric: str, value: float, unit: str) -> None:
    cloudwatch.record_metric("AWS/Firehose", metric, value, unit, {"DeliveryStreamName": stream["name"]})
