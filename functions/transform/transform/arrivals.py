"""When the stream took a record: milliseconds in Firehose's event, ISO text in older samples, or missing."""

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

    None when the event has no such time, or in an unknown form: that is no reason to lose a bar.
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


def _format_milliseconds(milliseconds: float) -> str:
    seconds, rest = divmod(int(milliseconds), 1000)
    return f"{_format_second(seconds)}.{rest:03}Z"


# The records of a batch have arrived within seconds of each other.
@lru_cache(maxsize=1024)
def _format_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
