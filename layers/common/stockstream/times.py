"""UTC times as text, in the two forms of the contracts; both sort as texts.

A time says what a bar is about: `YYYY-MM-DDTHH:MM:SSZ`. An instant says when something was known:
`YYYY-MM-DDTHH:MM:SS.mmmZ`.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from stockstream.errors import Reason, RecordError

# datetime.fromisoformat alone would also take week dates, offsets and other fractions.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z", re.ASCII)


def format_time(moment: datetime) -> str:
    """The moment, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def format_instant(moment: datetime) -> str:
    """The moment, to the millisecond, rounded down."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


# The bars of one minute have the same times, and a look-up costs a tenth of the parsing.
@lru_cache(maxsize=4096)
def parse_time(text: str) -> datetime:
    """The moment that a time names.

    Raises:
        RecordError: BAD_TIME.
    """
    return _parse(text, _TIME, "YYYY-MM-DDTHH:MM:SSZ")


@lru_cache(maxsize=4096)
def parse_instant(text: str) -> datetime:
    """The moment that an instant names.

    Raises:
        RecordError: BAD_TIME.
    """
    return _parse(text, _INSTANT, "YYYY-MM-DDTHH:MM:SS.mmmZ")


def _parse(text: str, form: re.Pattern[str], shape: str) -> datetime:
    if form.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # the form is right and there is no such date: 2026-02-30
    raise RecordError(Reason.BAD_TIME, f"a time must be in UTC and have the form {shape}")
