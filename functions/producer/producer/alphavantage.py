"""Alpha Vantage: asking for intraday bars, and reading what comes back.

Every error of Alpha Vantage is an HTTP 200, and an answer is only known by its shape.
https://www.alphavantage.co/documentation/
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import requests

from producer.answers import Answer, RejectedBar, month_bounds
from producer.provider_errors import (
    BurstLimitError,
    DailyQuotaError,
    KeyRefusedError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    SampleDataError,
    UnknownInstrumentError,
)
from producer.provider_http import ProviderHttp
from producer.publication import BARS_SHOWN
from producer.reading import read_numbers, read_object, shorten
from producer.tail import Numbers
from stockstream.errors import Reason, RecordError
from stockstream.instruments import Instrument
from stockstream.times import format_time

# outputsize=full holds so much without a month.
FULL_ANSWER = timedelta(days=30)

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_PRICES = ("1. open", "2. high", "3. low", "4. close")
_VOLUME = "5. volume"

# Told by their words, the first that fits: the burst message often names the daily limit too.
_ERRORS: tuple[tuple[tuple[str, ...], type[ProviderError]], ...] = (
    (("minute-level rate limit", "calls per minute"), MinuteLimitError),
    (("sparingly", "request per second", "burst pattern"), BurstLimitError),
    (("requests per day",), DailyQuotaError),
    (("apikey", "**demo**"), KeyRefusedError),
    (("premium",), NotEntitledError),
    (("invalid api call",), UnknownInstrumentError),
)


class AlphaVantage:
    """Alpha Vantage's HTTP interface, or a server that speaks as it does.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        api_key: the key; it appears in no log and no error.
        timeout_seconds: how long to wait for a connection, for each part of an answer, and for the whole.
        hours: `regular`, or `extended` for the bars before and after the session too; of equities.
        before_request: called before each request; what it raises goes to the caller.
        now: the clock.
    """

    instruments_per_request = 1

    def __init__(
        self,
        session: requests.Session,
        url: str,
        api_key: str,
        timeout_seconds: float,
        hours: str,
        *,
        before_request: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = ProviderHttp(session, url, timeout_seconds, [api_key], before_request, now)
        self._api_key = api_key
        self._hours = hours
        self._refuses_full = False
        self._cut_off: set[str] = set()

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """The newest 100 bars of one instrument that exist; more where these do not reach back to `since`.

        The clock does not tell which answer is needed: 100 bars reach back over a night, a weekend, and all
        minutes without a trade. So the short one is asked for first. The long one costs a second request,
        after a real gap only, and where the plan refuses it the short one stands.

        Raises:
            ProviderError: there are no bars, or those of a gap must be asked for again; its type says why.
        """
        (instrument,) = instruments
        answer = None
        if since is None or instrument.name not in self._cut_off:
            answer = self._fetch_short(instrument, interval, since)
            if since is None or answer.reaches_back or self._refuses_full:
                return {instrument.name: answer}
            # Should the next request fail, or pass this run's allowance, then the next run begins with it.
            self._cut_off.add(instrument.name)
        try:
            answer = self._ask(instrument, interval, outputsize="full")
            if since < answer.asked_at - FULL_ANSWER:
                answer = replace(answer, reaches_back=_begins_by(since, answer))
        except NotEntitledError:
            self._refuses_full = True
            answer = answer or self._fetch_short(instrument, interval, since)
        self._cut_off.discard(instrument.name)
        return {instrument.name: answer}

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """The bars of a month; a pair cannot be asked for by month, so what its last 30 days hold of it.

        Raises:
            ProviderError: there are none; its type says why.
        """
        first, after = month_bounds(month, UTC)
        if instrument.quote is None:
            return self._ask(instrument, interval, outputsize="full", month=month)
        answer = self._ask(instrument, interval, outputsize="full")
        start, end = format_time(first), format_time(after)
        bars = {time: numbers for time, numbers in answer.bars.items() if start <= time < end}
        if not bars:
            raise NoDataError(f"{instrument.name}: Alpha Vantage shows no bars of {month}")
        return replace(answer, bars=bars, reaches_back=_begins_by(first, answer))

    def _fetch_short(self, instrument: Instrument, interval: str, since: datetime | None) -> Answer:
        answer = self._ask(instrument, interval, outputsize="compact")
        is_cut = len(answer.bars) + len(answer.rejected) >= BARS_SHOWN
        return replace(answer, reaches_back=not is_cut or _begins_by(since, answer))

    def _ask(self, instrument: Instrument, interval: str, **extent: str) -> Answer:
        response = self._http.get(
            "/query", {**self._query(instrument), "interval": interval, **extent, "apikey": self._api_key}
        )
        if response.status != requests.codes.ok:
            raise ProviderUnavailableError(
                f"{instrument.name}: Alpha Vantage answered HTTP {response.status}"
            )
        bars, rejected = parse_answer(response.body, instrument, interval)
        return Answer(bars, rejected, response.asked_at, response.as_of, reaches_back=True)

    def _query(self, instrument: Instrument) -> dict[str, str]:
        if instrument.quote is None:
            return {
                "function": "TIME_SERIES_INTRADAY",
                "symbol": instrument.base,
                "extended_hours": "true" if self._hours == "extended" else "false",
                # As traded. Otherwise a split or a dividend would revise every bar of the past at once.
                "adjusted": "false",
            }
        if instrument.asset_class == "fx":
            return {"function": "FX_INTRADAY", "from_symbol": instrument.base, "to_symbol": instrument.quote}
        return {"function": "CRYPTO_INTRADAY", "symbol": instrument.base, "market": instrument.quote}


def parse_answer(
    body: bytes, instrument: Instrument, interval: str
) -> tuple[dict[str, Numbers], list[RejectedBar]]:
    """The bars of one answer by their open_time, and what stands among them and is no bar.

    Args:
        body: the answer's bytes.
        instrument: what was asked for.
        interval: what was asked for, a key of INTERVALS.

    Raises:
        ProviderError: the answer holds no bars; its type says why.
    """
    answer = read_object(body, instrument.name)
    if "message" in answer:
        raise SampleDataError(
            f"{instrument.name}: the answer is invented sample data: {shorten(answer['message'])}"
        )
    series_name = next((name for name in answer if name.startswith("Time Series")), None)
    if series_name is None:
        raise _error(answer, instrument)
    meta, series = answer.get("Meta Data"), answer[series_name]
    if not isinstance(meta, dict) or not isinstance(series, dict):
        raise MalformedAnswerError(f"{instrument.name}: the answer's parts are not objects")
    _check_subject(meta, series_name, instrument, interval)
    zone = _zone(meta, instrument)
    if not series:
        raise NoDataError(f"{instrument.name}: the answer's series is empty")
    return _read_series(series, zone)


def _error(answer: dict[str, Any], instrument: Instrument) -> ProviderError:
    text = next((answer[name] for name in ("Error Message", "Information", "Note") if name in answer), None)
    if text is None:
        if not answer:
            return NoDataError(f"{instrument.name}: the answer is empty")
        return MalformedAnswerError(f"{instrument.name}: the answer holds only {shorten(', '.join(answer))}")
    words = str(text).lower()
    kind = next(
        (kind for signs, kind in _ERRORS if any(sign in words for sign in signs)), MalformedAnswerError
    )
    return kind(f"{instrument.name}: {shorten(text)}")


def _check_subject(meta: dict[str, Any], series_name: str, instrument: Instrument, interval: str) -> None:
    if f"({interval})" not in series_name:
        raise MalformedAnswerError(f"{instrument.name}: asked for {interval}, got {shorten(series_name)}")
    # `2. Symbol`, `2. From Symbol`, `2. Digital Currency Code`; and `3. To Symbol`, `4. Market Code`
    base = next((value for name, value in meta.items() if name.startswith("2. ")), None)
    quote = next((value for name, value in meta.items() if name.endswith(("To Symbol", "Market Code"))), None)
    if (str(base).upper(), quote) != (instrument.base, instrument.quote):
        raise MalformedAnswerError(
            f"{instrument.name}: the answer is about {shorten(base)} {shorten(quote or '')}"
        )


def _zone(meta: dict[str, Any], instrument: Instrument) -> ZoneInfo:
    name = next((value for name, value in meta.items() if name.endswith("Time Zone")), None)
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedAnswerError(f"{instrument.name}: {shorten(name)} is no time zone") from None


def _read_series(series: dict[str, Any], zone: ZoneInfo) -> tuple[dict[str, Numbers], list[RejectedBar]]:
    bars: dict[str, Numbers] = {}
    rejected: list[RejectedBar] = []
    for stamp, fields in series.items():
        try:
            bars[_read_stamp(stamp, zone)] = read_numbers(fields, _PRICES, _VOLUME)
        except RecordError as error:
            rejected.append(RejectedBar(shorten(stamp), error.reason, str(error)))
    return bars, rejected


def _read_stamp(stamp: str, zone: ZoneInfo) -> str:
    """The start of a bar in UTC, from a naive local time."""
    if _STAMP.fullmatch(stamp):
        try:
            local = datetime.fromisoformat(stamp)
            moment = local.replace(tzinfo=zone).astimezone(UTC)
            # In the hour that the clocks skip in spring there is no such time.
            if moment.astimezone(zone).replace(tzinfo=None) == local:
                return format_time(moment)
        except (ValueError, OverflowError):
            pass  # the form is right and the time does not exist: 2026-02-30, or year 10000 in UTC
    raise RecordError(
        Reason.BAD_TIME, f"{shorten(stamp)} is no time of the form YYYY-MM-DD HH:MM:SS in {zone.key}"
    )


def _begins_by(since: datetime | None, answer: Answer) -> bool:
    return since is not None and min(answer.bars, default="~") <= format_time(since)
