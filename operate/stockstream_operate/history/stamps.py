"""What the times and the tickers of a file mean: moments, and instruments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from stockstream.errors import Reason, RecordError
from stockstream.exchanges import exchange_of
from stockstream.instruments import Instrument, parse_instrument
from stockstream.reading import shorten

_SECONDS, _MILLISECONDS = re.compile(r"\d{10}", re.ASCII), re.compile(r"\d{13}", re.ASCII)
# Those in which arithmetic with times cannot leave Python's calendar.
_YEARS = range(1900, 9999)
_YAHOO_PAIR = re.compile(r"([A-Z]{3})([A-Z]{3})=X", re.ASCII)
_YAHOO_COIN = re.compile(r"([A-Z0-9]{2,10})-(USD|EUR|GBP|JPY)", re.ASCII)


@lru_cache(maxsize=1024)
def parse_ticker(ticker: str) -> Instrument:
    """The instrument that a ticker names: ours, Yahoo's (EURUSD=X, BTC-USD), or Stooq's (IBM.US).

    Raises:
        InstrumentError: it names none.
    """
    upper = ticker.upper()
    if pair := _YAHOO_PAIR.fullmatch(upper):
        return parse_instrument(f"fx:{pair[1]}/{pair[2]}")
    if coin := _YAHOO_COIN.fullmatch(upper):
        return parse_instrument(f"crypto:{coin[1]}/{coin[2]}")
    return parse_instrument(ticker if ":" in ticker else upper.removesuffix(".US"))


def market_zone(instrument: Instrument) -> ZoneInfo | None:
    """The zone in which Alpha Vantage writes an instrument's times; None where its exchange is not known."""
    if instrument.asset_class != "equity":
        return ZoneInfo("UTC")
    exchange = exchange_of(instrument.base)
    return ZoneInfo(exchange.time_zone) if exchange else None


def read_stamp(text: str, day: str | None, form: str | None) -> datetime:
    """The moment that a text names; without a zone where the text names none.

    Args:
        text: as ISO 8601 has it, also `20261120 153000`, or seconds or milliseconds since 1970.
        day: where the text is milliseconds since a day's midnight, that day: `20131007`.
        form: of another text, as strptime has it.

    Raises:
        RecordError: BAD_TIME.
    """
    try:
        if day:
            return datetime.fromisoformat(day) + timedelta(milliseconds=int(text))
        if form:
            return datetime.strptime(text, form)  # noqa: DTZ007 (a form may have no zone)
        if _SECONDS.fullmatch(text) or _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / (1 if len(text) == len("1700000000") else 1000), UTC)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        wanted = f"of the form {form}" if form else "such as 2026-11-20 15:30:00"
        raise RecordError(Reason.BAD_TIME, f"{shorten(text)!r} is no time {wanted}") from None


def to_utc(stamp: datetime, zone: Callable[[], ZoneInfo | None]) -> datetime:
    """The moment of a stamp, in UTC.

    Args:
        stamp: with a zone or without.
        zone: gives that of a stamp without one; None where nobody knows it.

    Raises:
        RecordError: BAD_TIME: there is no such time in the zone, or there are two, or it is no whole minute.
    """
    if stamp.year not in _YEARS:
        raise RecordError(Reason.BAD_TIME, f"{stamp} is in no year that has bars")
    known = stamp.tzinfo or zone()
    if known is None:
        raise RecordError(Reason.BAD_TIME, f"{stamp} is in no known zone: say --timezone")
    first, second = (stamp.replace(tzinfo=known, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(known).replace(tzinfo=None) != stamp.replace(tzinfo=None):
        raise RecordError(Reason.BAD_TIME, f"{stamp} does not exist in {known}: the clocks skip it")
    if first != second:
        raise RecordError(Reason.BAD_TIME, f"{stamp} exists twice in {known}: write it with its offset")
    if first.second or first.microsecond:
        raise RecordError(Reason.BAD_TIME, f"{stamp} is no whole minute, at which bars begin")
    return first
