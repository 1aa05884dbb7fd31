"""Bars as providers show them: their numbers, and the times at which they begin."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from stockstream.errors import Reason, RecordError
from stockstream.reading import parse_number, shorten
from stockstream.validation import check_prices, check_volume

# The columns of a bar in Alpha Vantage's format, which the replay market has too.
ALPHA_VANTAGE_PRICES = ("1. open", "2. high", "3. low", "4. close")
ALPHA_VANTAGE_VOLUME = "5. volume"
# No provider has intraday bars before that.
EARLIEST_BAR = "2000-01-01T00:00:00Z"

_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_MINUTES, _SECONDS = slice(14, 16), slice(17, 19)  # of an open_time


def read_numbers(
    fields: object, prices: tuple[str, str, str, str], volume: str
) -> tuple[float, float, float, float, float | None]:
    """Open, high, low, close and volume of one bar, by the provider's names for them.

    A missing or blank volume becomes None: the prices are valid without it.

    Raises:
        RecordError: the bar breaks the rules; its reason says how.
    """
    if not isinstance(fields, dict):
        raise RecordError(Reason.BAD_TYPE, "the bar is not an object")
    for name in prices:
        if name not in fields:
            raise RecordError(Reason.MISSING_FIELD, f"{name} is missing")
    open_, high, low, close = (parse_number(fields[name], name) for name in prices)
    is_blank = fields.get(volume) is None or str(fields[volume]).strip() == ""
    traded = None if is_blank else parse_number(fields[volume], volume)
    check_prices(open_, high, low, close)
    check_volume(traded)
    return open_, high, low, close, traded


def read_local_time(stamp: str, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, of a time without a zone: `2026-11-20 15:59:00`.

    Raises:
        RecordError: BAD_TIME, if it has another form, or there is no such time in the zone.
    """
    if _LOCAL_TIME.fullmatch(stamp):
        try:
            local = datetime.fromisoformat(stamp)
            moment = local.replace(tzinfo=zone).astimezone(UTC)
            # In the hour that the clocks skip in spring there is no such time.
            if moment.astimezone(zone).replace(tzinfo=None) == local:
                return moment
        except (ValueError, OverflowError):
            pass  # the form is right and there is no such time: 2026-02-30, or year 10000 in UTC
    raise RecordError(
        Reason.BAD_TIME, f"{shorten(stamp)} is no time of the form YYYY-MM-DD HH:MM:SS in {zone.key}"
    )


def check_begin(open_time: str, length: timedelta, grid: frozenset[int]) -> None:
    """Refuses an open_time at which no bar can begin.

    Args:
        open_time: in UTC, `YYYY-MM-DDTHH:MM:SSZ`.
        length: how long a bar lasts.
        grid: as sessions.bar_grid says.

    Raises:
        RecordError: BAD_TIME.
    """
    if open_time < EARLIEST_BAR:
        raise RecordError(Reason.BAD_TIME, f"no provider has bars of the time before {EARLIEST_BAR[:10]}")
    minutes = length // timedelta(minutes=1)
    if open_time[_SECONDS] != "00" or int(open_time[_MINUTES]) % minutes not in grid:
        raise RecordError(
            Reason.BAD_TIME, f"no bar of {minutes} min begins at {open_time}: that is between two of them"
        )
