"""What a browser asks to see: an instrument, how far back, and as it was known when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stockstream.errors import InstrumentError, StockstreamError
from stockstream.instruments import parse_instrument
from stockstream.intervals import INTERVALS
from stockstream_operate.moments import MomentError, parse_moment


class ViewRequestError(StockstreamError):
    """What is asked for makes no sense; the text says why."""


class Span(StrEnum):
    """How far back from the newest bar: an hour, its trading day, seven days, or all there is."""

    HOUR = "hour"
    SESSION = "session"
    WEEK = "week"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """What is to be seen.

    Attributes:
        instrument: a name that `parse_instrument` takes.
        interval: a key of INTERVALS.
        span: how far back.
        known_at: the moment whose knowledge is shown, UTC; None for the newest.
        adjusted: with prices and volumes in the shares of today, and not as they were traded; only of the
            newest knowledge.
    """

    instrument: str
    interval: str
    span: Span
    known_at: datetime | None = None
    adjusted: bool = False


def parse_view_request(asked: Mapping[str, str]) -> ViewRequest:
    """Reads a query string: `instrument`, `interval`, `span`, and `known_at` or `adjusted=1`.

    Raises:
        ViewRequestError: something is missing, or is none of what there is.
    """
    try:
        instrument = parse_instrument(asked.get("instrument", "")).name
    except InstrumentError as error:
        raise ViewRequestError(str(error)) from None
    interval, span = asked.get("interval", ""), asked.get("span", "")
    if interval not in INTERVALS:
        raise ViewRequestError(f"{interval[:20]!r} is no interval: it is one of {', '.join(INTERVALS)}")
    if span not in set(Span):
        raise ViewRequestError(f"{span[:20]!r} is no span: it is one of {', '.join(Span)}")
    try:
        known_at = parse_moment(asked["known_at"], "known_at") if asked.get("known_at") else None
    except MomentError as error:
        raise ViewRequestError(str(error)) from None
    adjusted = asked.get("adjusted", "")
    if adjusted not in {"", "1"}:
        raise ViewRequestError(f"{adjusted[:20]!r} is no choice of prices: write adjusted=1, or leave it out")
    if adjusted and known_at:
        raise ViewRequestError("Splits that came later were not known then: leave adjusted or known_at out")
    return ViewRequest(instrument, interval, Span(span), known_at, adjusted=bool(adjusted))
