"""The entry point that Firehose calls."""

from __future__ import annotations

import sys
import time

from transform.firehose import transform_records
from transform.report import log_lines
from transform.settings import read_level, read_namespace, read_windows

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The event's records with the analytics added; what cannot be used goes back untouched.

    Raises:
        SettingsError: SMA_WINDOWS or EMA_WINDOWS is impossible.
        AnswerTooLargeError: the event was larger than Lambda's own limit.
    """
    entries, rejections = transform_records(event["records"], read_windows())
    now = time.time_ns() // 1_000_000
    for line in log_lines(event, entries, rejections, now, read_namespace(), read_level()):
        sys.stdout.write(line + "\n")
    return {"records": entries}
