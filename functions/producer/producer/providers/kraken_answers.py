"""Reading an answer of Kraken, or its error.

https://docs.kraken.com/api-reference/market-data/get-ohlc-data
https://docs.kraken.com/exchange/guides/general/errors
"""

from datetime import UTC, datetime
from typing import Any

import requests

from producer.ohlcv import Ohlcv
from producer.providers.answers import RejectedBar
from producer.providers.provider_errors import (
    MalformedAnswerError,
    MinuteLimitError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from producer.providers.reading import read_object, read_ohlcv, show_fields
from stockstream.errors import Reason, RecordError
from stockstream.instruments import Instrument
from stockstream.reading import shorten
from stockstream.times import format_time

_COLUMNS = ("time", "open", "high", "low", "close", "vwap", "volume", "count")
_PRICES = ("open", "high", "low", "close")
# Kraken's own symbols. In its answers, old coins have an X before their symbols, and currencies a Z:
# XXBTZUSD.
_OWN_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_PREFIXES = ("", "X", "Z")
# Errors come with HTTP 200, and are recognised by how they begin.
_ERRORS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("EGeneral:Too many requests", MinuteLimitError),
    ("EGeneral:Temporary lockout", MinuteLimitError),
    ("EAPI:Rate limit exceeded", MinuteLimitError),
    ("EService:Throttled", MinuteLimitError),
    ("EService: Throttled", MinuteLimitError),
    ("EService:", ProviderUnavailableError),
    ("EGeneral:Internal error", ProviderUnavailableError),
    ("EQuery:Unknown asset", UnknownInstrumentError),
    ("EGeneral:Invalid arguments", UnknownInstrumentError),
    ("EGeneral:Permission denied", NotEntitledError),
)


def own_names(instrument: Instrument) -> tuple[str, str]:
    """Kraken's symbols of the coin and of the currency that it is priced in: `XBT`, `USD`."""
    base, quote = instrument.base, instrument.quote or ""
    return _OWN_NAMES.get(base, base), _OWN_NAMES.get(quote, quote)


def read_answer(
    status: int, body: bytes, instrument: Instrument
) -> tuple[dict[str, Ohlcv], list[RejectedBar]]:
    """The bars of one answer that have ended, by their open_time, and those that break a rule.

    Args:
        status: the HTTP status.
        body: the answer's bytes.
        instrument: what was asked for.

    Raises:
        ProviderError: the answer holds no bars; its type says why.
    """
    name = instrument.name
    match status:
        case requests.codes.ok:
            answer = read_object(body, name)
        case requests.codes.too_many_requests:
            raise MinuteLimitError(f"{name}: Kraken answered HTTP 429")
        case requests.codes.forbidden | requests.codes.unavailable_for_legal_reasons:
            # There is no key that could be wrong, so it is the client's network or country.
            raise NotEntitledError(f"{name}: Kraken does not serve this network or country (HTTP {status})")
        case _:
            raise ProviderUnavailableError(f"{name}: Kraken answered HTTP {status}")
    _raise_error(answer.get("error"), name)
    result = answer.get("result")
    if not isinstance(result, dict):
        raise MalformedAnswerError(f"{name}: the answer holds only {shorten(', '.join(answer))}")
    return _read_rows(_rows(result, instrument), _last(result, name))


def _raise_error(errors: object, name: str) -> None:
    """Raises an answer's first error. Texts that begin with a W are warnings, which come with bars."""
    if not isinstance(errors, list):
        raise MalformedAnswerError(f"{name}: the answer does not say whether it is an error")
    for text in map(str, errors):
        if not text.startswith("W"):
            kind = next((kind for sign, kind in _ERRORS if text.startswith(sign)), MalformedAnswerError)
            raise kind(f"{name}: Kraken: {shorten(text)}")


def _rows(result: dict[str, Any], instrument: Instrument) -> list[Any]:
    base, quote = own_names(instrument)
    asked = {f"{x}{base}{y}{quote}" for x in _PREFIXES for y in _PREFIXES}
    shown = result.keys() - {"last"}
    if len(shown) != 1 or shown.isdisjoint(asked):
        raise MalformedAnswerError(f"{instrument.name}: the answer is about {shorten(', '.join(shown))}")
    rows = result[shown.pop()]
    if not isinstance(rows, list):
        raise MalformedAnswerError(f"{instrument.name}: the answer's bars are no list")
    return rows


def _last(result: dict[str, Any], name: str) -> int:
    """The start of the newest bar that has ended, by Kraken's own clock."""
    last = result.get("last")
    if type(last) is not int:
        raise MalformedAnswerError(f"{name}: the answer does not say which bar is the last one that ended")
    return last


def _read_rows(rows: list[Any], last: int) -> tuple[dict[str, Ohlcv], list[RejectedBar]]:
    bars: dict[str, Ohlcv] = {}
    rejected: list[RejectedBar] = []
    for row in rows:
        fields = dict(zip(_COLUMNS, row, strict=False)) if isinstance(row, list) else row
        stamp = fields.get("time") if isinstance(fields, dict) else None
        if type(stamp) is int and stamp > last:
            continue
        try:
            numbers = read_ohlcv(fields, _PRICES, "volume")
            open_time = _read_stamp(stamp)
        except RecordError as error:
            rejected.append(RejectedBar(shorten(stamp), error.reason, str(error), show_fields(fields)))
            continue
        # For an interval without a trade Kraken shows a bar at the last close. It is not one.
        if fields.get("count") != 0:
            bars[open_time] = numbers
    return bars, rejected


def _read_stamp(stamp: object) -> str:
    if type(stamp) is not int or stamp <= 0:
        raise RecordError(Reason.BAD_TIME, f"time is {shorten(stamp)}, and must be in seconds since 1970")
    try:
        return format_time(datetime.fromtimestamp(stamp, UTC))
    except (ValueError, OverflowError, OSError):
        raise RecordError(Reason.BAD_TIME, f"no bar is {shorten(stamp)} seconds after 1970") from None
