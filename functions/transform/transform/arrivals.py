"""When the stream took a record: Firehose says it in milliseconds, in older samples as ISO text, or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from stockstream.times import format_instant

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_arrival(record: dict[str, Any]) -> str | None:
    """The arrival of one of the event's records, UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`.

    None when the event does not say so in a form that we know: an unknown arrival is no reason to lose a bar.
    """
    if arrival := record.get("approximateArrivalTimestamp"):
        return _format(arrival)
    metadata = record.get("kinesisRecordMetadata")
    return _format(metadata.get("approximateArrivalTimestamp")) if isinstance(metadata, dict) else None


def _format(arrival: object) -> str | None:
    try:
        if isinstance(arrival, int | float):
            return _format_milliseconds(arrival)
        if not isinstance(arrival, str):
            return None
        # Digits first: fromisoformat would take some of them for a date without dashes.
        if arrival.isdecimal():
            return _format_milliseconds(int(arrival))
        moment = datetime.fromisoformat(arrival)
        return format_instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


# Records that were put together have arrived together.
@lru_cache(maxsize=1024)
def _format_milliseconds(milliseconds: float) -> str:
    return format_instant(_EPOCH + timedelta(milliseconds=milliseconds))
