"""Alpha Vantage: asking for intraday bars, and reading what comes back.

Every error of Alpha Vantage is an HTTP 200, and an answer is only known by its shape.
https://www.alphavantage.co/documentation/
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import requests

from producer.answers import Answer, RejectedBar
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
from producer.tail import Numbers
from stockstream.errors import Reason, RecordError
from stockstream.instruments import Instrument
from stockstream.times import format_time
from stockstream.validation import check_prices, check_volume

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

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
        timeout_seconds: how long to wait for a connection, and for each part of an answer.
        now: the clock.
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        api_key: str,
        timeout_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._url = f"{url}/query"
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        self._now = now

    def fetch(self, instrument: Instrument, interval: str) -> Answer:
        """The newest 100 bars of an instrument that exist.

        Raises:
            ProviderError: there are none; its type says why.
        """
        parameters = {**_query(instrument), "interval": interval, "outputsize": "compact"}
        asked_at = self._now()
        try:
            response = self._session.get(
                self._url,
                params={**parameters, "apikey": self._api_key},
                timeout=self._timeout_seconds,
                allow_redirects=False,  # the key goes to the provider's address and nowhere else
            )
        except requests.RequestException as error:
            # The exception's text holds the address, and the address holds the key.
            raise ProviderUnavailableError(f"no answer from {self._url}: {type(error).__name__}") from None
        as_of = self._now()
        if response.status_code != requests.codes.ok:
            raise ProviderUnavailableError(f"{self._url} answered HTTP {response.status_code}")
        try:
            bars, rejected = parse_answer(response.content, instrument, interval)
        except ProviderError as error:
            raise type(error)(str(error).replace(self._api_key, "[key]")) from None
        return Answer(bars, rejected, asked_at, as_of)


def _query(instrument: Instrument) -> dict[str, str]:
    if instrument.quote is None:
        return {"function": "TIME_SERIES_INTRADAY", "symbol": instrument.base}
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
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedAnswerError(
            f"{instrument.name}: the answer of {len(body)} bytes is not JSON"
        ) from None
    if not isinstance(answer, dict):
        raise MalformedAnswerError(f"{instrument.name}: the answer is a JSON {type(answer).__name__}")
    if "message" in answer:
        raise SampleDataError(
            f"{instrument.name}: the answer is invented sample data: {_text(answer['message'])}"
        )
    series_name = next((name for name in answer if name.startswith("Time Series")), None)
    if series_name is None:
        raise _error(answer, instrument)
    meta, series = answer.get("Meta Data"), answer[series_name]
    if not isinstance(meta, dict) or not isinstance(series, dict):
        raise MalformedAnswerError(f"{instrument.name}: the answer's parts are not objects")
    _check_subject(meta, series_name, instrument, interval)
    return _read_series(series, _zone(meta, instrument))


def _error(answer: dict[str, Any], instrument: Instrument) -> ProviderError:
    text = next((answer[name] for name in ("Error Message", "Information", "Note") if name in answer), None)
    if text is None:
        if not answer:
            return NoDataError(f"{instrument.name}: the answer is empty")
        return MalformedAnswerError(
            f"{instrument.name}: the answer holds only {', '.join(map(_text, answer))}"
        )
    words = str(text).lower()
    kind = next(
        (kind for signs, kind in _ERRORS if any(sign in words for sign in signs)), MalformedAnswerError
    )
    return kind(f"{instrument.name}: {_text(text)}")


def _check_subject(meta: dict[str, Any], series_name: str, instrument: Instrument, interval: str) -> None:
    if f"({interval})" not in series_name:
        raise MalformedAnswerError(f"{instrument.name}: asked for {interval}, got {_text(series_name)}")
    # `2. Symbol`, `2. From Symbol`, `2. Digital Currency Code`
    subject = next((value for name, value in meta.items() if name.startswith("2. ")), None)
    if not isinstance(subject, str) or subject.upper() != instrument.base:
        raise MalformedAnswerError(f"{instrument.name}: the answer is about {_text(subject)}")


def _zone(meta: dict[str, Any], instrument: Instrument) -> ZoneInfo:
    name = next((value for name, value in meta.items() if name.endswith("Time Zone")), None)
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedAnswerError(f"{instrument.name}: {_text(name)} is no time zone") from None


def _read_series(series: dict[str, Any], zone: ZoneInfo) -> tuple[dict[str, Numbers], list[RejectedBar]]:
    bars: dict[str, Numbers] = {}
    rejected: list[RejectedBar] = []
    for stamp, fields in series.items():
        try:
            bars[_read_stamp(stamp, zone)] = _read_numbers(fields)
        except RecordError as error:
            rejected.append(RejectedBar(_text(stamp), error.reason, str(error)))
    return bars, rejected


def _read_numbers(fields: object) -> Numbers:
    if not isinstance(fields, dict):
        raise RecordError(Reason.BAD_TYPE, "the bar is not an object")
    open_, high, low, close = (_read_price(fields, name) for name in _PRICES)
    volume = _read_volume(fields)
    check_prices(open_, high, low, close)
    check_volume(volume)
    return Numbers(open_, high, low, close, volume)


_PRICES = ("1. open", "2. high", "3. low", "4. close")


def _read_stamp(stamp: str, zone: ZoneInfo) -> str:
    """The start of a bar in UTC, from a naive local time."""
    if _STAMP.fullmatch(stamp):
        try:
            local = datetime.fromisoformat(stamp).replace(tzinfo=zone)
        except ValueError:
            local = None
        # In the hour that the clocks skip in spring there is no such time.
        if local and local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local.replace(
            tzinfo=None
        ):
            return format_time(local)
    raise RecordError(
        Reason.BAD_TIME, f"{_text(stamp)} is no time of the form YYYY-MM-DD HH:MM:SS in {zone.key}"
    )


def _read_price(fields: dict[str, Any], name: str) -> float:
    if name not in fields:
        raise RecordError(Reason.MISSING_FIELD, f"{name} is missing")
    return _read_number(fields[name], name)


def _read_volume(fields: dict[str, Any]) -> float | None:
    return _read_number(fields["5. volume"], "5. volume") if "5. volume" in fields else None


def _read_number(value: object, name: str) -> float:
    # Prices are strings; the volume of a coin is a number.
    if type(value) is int or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    if type(value) is float:
        return value
    raise RecordError(Reason.BAD_TYPE, f"{name} is {_text(value)}, and must be a number")


def _text(value: object) -> str:
    """A value for an error message, cut to a length that a log line can bear."""
    return str(value)[:300]
