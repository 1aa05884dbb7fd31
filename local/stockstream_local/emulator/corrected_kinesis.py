"""Kinesis as AWS has it, where ministack's differs: PutRecords is measured, and can be made to fail."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core.responses import json_response
from ministack.services import cloudwatch, kinesis

from stockstream_local.emulator.refusal import FAILED, REFUSAL_VARIABLE, THROTTLED

_MESSAGES = {
    THROTTLED: "Rate exceeded for shard shardId-000000000000 in stream {stream} under account 000000000000.",
    FAILED: "Internal service failure.",
}

type Answer = tuple[int, dict[str, str], bytes]


def correct() -> None:
    """Puts the corrections in place."""
    put, refusal = kinesis._put_records, Path(os.environ[REFUSAL_VARIABLE])
    kinesis._put_records = lambda data: _put_and_measure(put, data, _read(refusal))


def _put_and_measure(
    put: Callable[[dict[str, Any]], Answer], data: dict[str, Any], error_code: str | None
) -> Answer:
    name, stream = kinesis._resolve_stream(data)
    count = len(data.get("Records", []))
    if stream and error_code:
        answer: Answer = json_response(refuse_records(name, count, error_code))
    else:
        answer = put(data)
    status, _, body = answer
    if status == 200:  # noqa: PLR2004 (HTTP's OK)
        failed = json.loads(body)["FailedRecordCount"]
        throttled = failed if error_code == THROTTLED else 0
        for metric, value in {
            "PutRecords.Success": float(failed < count),
            "PutRecords.TotalRecords": count,
            "PutRecords.SuccessfulRecords": count - failed,
            "PutRecords.FailedRecords": failed - throttled,
            "IncomingRecords": count - failed,
            "PutRecords.ThrottledRecords": throttled,
            "WriteProvisionedThroughputExceeded": throttled,
        }.items():
            cloudwatch.record_metric("AWS/Kinesis", metric, value, "Count", {"StreamName": name})
    return answer


def refuse_records(stream: str, count: int, error_code: str) -> dict[str, Any]:
    """The answer of PutRecords when it takes none of the records.

    Args:
        stream: the name of the stream.
        count: how many records there were.
        error_code: of each.
    """
    entry = {"ErrorCode": error_code, "ErrorMessage": _MESSAGES[error_code].format(stream=stream)}
    return {"FailedRecordCount": count, "Records": [entry] * count, "EncryptionType": "KMS"}


def _read(refusal: Path) -> str | None:
    try:
        return refusal.read_text()
    except FileNotFoundError:
        return None
