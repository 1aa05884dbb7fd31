"""The transform's log lines; the last one of an invocation also holds its metrics (EMF)."""

from __future__ import annotations

import orjson

from transform.correlation import read_correlation_id

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from stockstream.errors import RecordError

SERVICE = "transform"
# A stream of invalid records must not cost more in logs than it does in the stream.
MOST_WARNINGS = 20
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def log_lines(
    event: dict[str, Any],
    entries: list[dict[str, str]],
    rejections: list[tuple[str, RecordError]],
    timestamp: int,
    namespace: str,
    level: str = "INFO",
) -> Iterator[str]:
    """A warning for each of the first rejections, then the line that counts them by reason.

    Args:
        event: what Firehose sent.
        entries: what goes back.
        rejections: the ids of the refused records, and why.
        timestamp: now, in milliseconds since 1970.
        namespace: of the metrics.
        level: of LEVELS. DEBUG adds a line with the answers that the documents came from; ERROR and CRITICAL
            leave out the warnings. The line that counts holds the metrics, and is always there.
    """
    warnings = rejections[:MOST_WARNINGS] if LEVELS.index(level) <= LEVELS.index("WARNING") else []
    refused = {record_id for record_id, _ in warnings}
    ids = {
        record["recordId"]: read_correlation_id(record["data"])
        for record in event["records"]
        if refused and record["recordId"] in refused
    }
    for record_id, error in warnings:
        yield _encode(
            level="WARNING",
            message="record rejected",
            service=SERVICE,
            record_id=record_id,
            correlation_id=ids.get(record_id),
            reason=error.reason,
            detail=str(error),
        )
    if level == "DEBUG":
        accepted = (entry["data"] for entry in entries if entry["result"] == "Ok")
        yield _encode(
            level="DEBUG",
            message="answers transformed",
            service=SERVICE,
            invocation_id=event.get("invocationId"),
            correlation_ids=sorted({name for name in map(read_correlation_id, accepted) if name}),
        )
    reasons = [error.reason.value for _, error in rejections]
    metrics = {"BarsEnriched": len(event["records"]) - len(rejections), "BarsRejected": len(rejections)}
    metrics |= {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    yield _encode(
        level="INFO",
        message="records transformed",
        service=SERVICE,
        invocation_id=event.get("invocationId"),
        warnings_left_out=len(rejections) - len(warnings),
        **metrics,
        _aws={
            "Timestamp": timestamp,
            "CloudWatchMetrics": [
                {
                    "Namespace": namespace,
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
                }
            ],
        },
    )


def _encode(**fields: object) -> str:
    return orjson.dumps(fields).decode()
