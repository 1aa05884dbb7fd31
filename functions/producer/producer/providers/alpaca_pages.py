"""Reading one page of Alpaca's bars, or what came in its place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import requests

from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer, RejectedBar
from producer.providers.provider_errors import (
    KeyRefusedError,
    MalformedAnswerError,
    MinuteLimitError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from producer.providers.reading import parse_json, read_object, read_ohlcv, show_fields
from stockstream.bars import INTERVALS
from stockstream.errors import Reason, RecordError
from stockstream.reading import shorten
from stockstream.sessions import day_without_session, is_traded
from stockstream.times import format_time, parse_time

_PRICES = ("o", "h", "l", "c")
_VOLUME = "v"
# A time has 20 characters.
_LONGEST_STAMP = 32
# So many bytes of an error are looked at; 300 characters of it are shown.
_LONGEST_ERROR = 64 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """One page: rows of bars by symbol, and what to ask for the next one with; None after the last."""

    rows: Mapping[str, list[Any]]
    next_token: str | None


def read_page(status: int, body: bytes) -> Page:
    """The page that an answer is.

    Raises:
        ProviderError: it is none; its type says why.
    """
    if status != requests.codes.ok:
        raise _error(status, body)
    answer = read_object(body, "Alpaca")
    rows, token = answer.get("bars", ()), answer.get("next_page_token")
    if rows is None:
        rows = {}  # as some servers write an empty map
    if (
        not isinstance(rows, dict)
        or not all(isinstance(each, list | None) for each in rows.values())
        or not isinstance(token, str | None)
    ):
        raise MalformedAnswerError(f"Alpaca: the answer is no page of bars: {shorten(', '.join(answer))}")
    return Page({symbol: each or [] for symbol, each in rows.items()}, token or None)


class Collected:
    """What pages have brought so far of a few symbols.

    Pages are sorted by symbol, then by time. So where they break off, all symbols before the last one that
    came are whole, the last one may lack its newest bars, and of those after it nothing is known.

    Args:
        interval: the bars' interval.
        market: leave out the trading before and after its sessions, a name as market_of gives it; None for
            all bars.
        newest: how many of each symbol's newest bars to keep; None for all.
    """

    def __init__(self, interval: str, market: str | None, newest: int | None) -> None:
        self._length = INTERVALS[interval]
        self._market = market
        self._newest = newest
        self._bars: dict[str, dict[str, Ohlcv]] = {}
        self._rejected: dict[str, list[RejectedBar]] = {}
        self._cut: set[str] = set()
        self._last = ""

    def add(self, page: Page) -> None:
        """Adds one page, in the order in which they came."""
        for symbol, rows in page.rows.items():
            bars, rejected = read_rows(rows)
            if self._market is not None:
                bars = {
                    start: bars[start] for start in bars if not self._is_before_or_after(self._market, start)
                }
            known = self._bars.get(symbol, {}) | bars
            if self._newest is not None and len(known) > self._newest:
                self._cut.add(symbol)
                known = {start: known[start] for start in sorted(known)[-self._newest :]}
            self._bars[symbol] = known
            self._rejected.setdefault(symbol, []).extend(rejected)
            self._last = max(self._last, symbol)

    def answer(
        self, symbol: str, asked_at: datetime, as_of: datetime, failure: ProviderError | None
    ) -> Answer:
        """What came of one symbol, after the last page or after a failure in place of one."""
        bars, rejected = self._bars.get(symbol, {}), self._rejected.get(symbol, [])
        if failure is not None and symbol < self._last:
            failure = None
        return Answer(
            bars,
            rejected,
            asked_at,
            as_of,
            reaches_back=(failure is None or symbol == self._last) and symbol not in self._cut,
            failure=failure,
        )

    def _is_before_or_after(self, market: str, open_time: str) -> bool:
        """Whether a bar is of a day with a session, and not of the session."""
        opens = parse_time(open_time)
        return not is_traded(market, opens, opens + self._length) and not day_without_session(market, opens)


def read_rows(rows: Iterable[Any]) -> tuple[dict[str, Ohlcv], list[RejectedBar]]:
    """The bars of one symbol by their open_time, and the rows that are no valid bars."""
    bars: dict[str, Ohlcv] = {}
    rejected: list[RejectedBar] = []
    for row in rows:
        stamp = row.get("t") if isinstance(row, dict) else None
        try:
            bars[_read_stamp(stamp)] = read_ohlcv(row, _PRICES, _VOLUME)
        except RecordError as error:
            rejected.append(RejectedBar(shorten(stamp), error.reason, str(error), show_fields(row)))
    return bars, rejected


def _read_stamp(stamp: object) -> str:
    """The start of a bar, in UTC; it has no fraction of a second."""
    if stamp is None:
        raise RecordError(Reason.MISSING_FIELD, "t is missing")
    # The cache keeps what it is asked, and what is no time may be as long as the answer.
    return _open_time(str(stamp)[:_LONGEST_STAMP])


# The bars of one minute have the same stamp, and a look-up takes a tenth of the time of parsing it.
@lru_cache(maxsize=4096)
def _open_time(stamp: str) -> str:
    moment = parse_time(stamp)
    # At the ends of the calendar a time in UTC has no counterpart on other clocks.
    if not 1 < moment.year < 9999:  # noqa: PLR2004 (the calendar's own ends)
        raise RecordError(Reason.BAD_TIME, f"no bar is of the year {moment.year}")
    return format_time(moment)


def _error(status: int, body: bytes) -> ProviderError:
    """The error by the HTTP status, and by the words where the status leaves it open."""
    words = shorten(_decode(body))
    text = f"Alpaca: {words}"
    match status:
        case requests.codes.too_many_requests:
            return MinuteLimitError(text)
        case requests.codes.unauthorized:
            return KeyRefusedError(text)
        case requests.codes.forbidden | requests.codes.bad_request | requests.codes.unprocessable_entity if (
            "subscription" in words.lower()
        ):
            return NotEntitledError(text)
        case requests.codes.forbidden:
            return KeyRefusedError(text)
        case requests.codes.bad_request | requests.codes.unprocessable_entity:
            return UnknownInstrumentError(text)
        case _:
            return ProviderUnavailableError(f"Alpaca answered HTTP {status}")


def _decode(body: bytes) -> str:
    """The words of an error: of JSON without its escapes, behind which a key could hide."""
    if len(body) > _LONGEST_ERROR:
        return body[:_LONGEST_ERROR].decode("utf-8", "backslashreplace")
    try:
        return json.dumps(parse_json(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")
