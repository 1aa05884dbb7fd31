"""The correlation id of a record or a document: which answer of the provider it came from."""

from __future__ import annotations

import orjson
import pybase64

from stockstream.errors import StockstreamError
from stockstream.instruments import parse_instrument
from stockstream.intervals import INTERVALS
from stockstream.records import correlation_id
from stockstream.times import parse_instant

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any


def read_correlation_id(data: str) -> str | None:
    """The correlation id of a record or a document in base64; None where it has none.

    A refused record may hold anything, and only an instrument, an interval and an instant may be logged.
    """
    try:
        bar: Any = orjson.loads(pybase64.b64decode(data, validate=True))
    except ValueError:
        return None
    if type(bar) is not dict:
        return None
    instrument, interval, as_of = bar.get("instrument"), bar.get("interval"), bar.get("as_of")
    if type(instrument) is not str or type(as_of) is not str or type(interval) is not str:
        return None
    try:
        parse_instrument(instrument)
        parse_instant(as_of)
    except StockstreamError:
        return None
    return correlation_id(instrument, interval, as_of) if interval in INTERVALS else None
