"""The entry point that Firehose calls."""

from typing import Any

from transform.firehose import transform_records
from transform.settings import read_windows


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The event's records with the analytics added."""
    answer, _rejections = transform_records(event["records"], read_windows())
    return {"records": answer}
