"""What the transform says about itself: JSON lines, of which the last is also its metrics (EMF)."""

from __future__ import annotations

import orjson

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from stockstream.errors import RecordError

SERVICE = "transform"
# A stream of rubbish must not cost more in logs than it does in the stream.
MOST_WARNINGS = 20


def describe(
    event: dict[str, Any], rejections: list[tuple[str, RecordError]], timestamp: int, namespace: str
) -> Iterator[str]:
    """A warning for each of the first rejections, then the line that counts them by reason.

    Args:
        event: what Firehose sent.
        rejections: the ids of the refused records, and why.
        timestamp: now, in milliseconds since 1970.
        namespace: of the metrics.
    """
    for record_id, error in rejections[:MOST_WARNINGS]:
        yield _encode(
            level="WARNING",
            message="record rejected",
            service=SERVICE,
            record_id=record_id,
            reason=error.reason,
            detail=str(error),
        )
    reasons = [error.reason.value for _, error in rejections]
    metrics = {"BarsEnriched": len(event["records"]) - len(rejections), "BarsRejected": len(rejections)}
    metrics |= {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    yield _encode(
        level="INFO",
        message="records transformed",
        service=SERVICE,
        invocation_id=event.get("invocationId"),
        warnings_left_out=max(len(rejections) - MOST_WARNINGS, 0),
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
