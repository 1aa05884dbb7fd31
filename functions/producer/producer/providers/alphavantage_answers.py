"""Reading an answer of Alpha Vantage, or its error.

Errors come with HTTP 200, too: only the form of an answer says what it is.
"""

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from producer.ohlcv import Ohlcv
from producer.providers.answers import RejectedBar
from producer.providers.provider_errors import (
    BurstLimitError,
    DailyQuotaError,
    KeyRefusedError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    NotEntitledError,
    ProviderError,
    SampleDataError,
    UnknownInstrumentError,
)
from producer.providers.reading import read_object, read_ohlcv, show_fields
from stockstream.errors import RecordError
from stockstream.exchanges import NEW_YORK, exchange_of
from stockstream.instruments import Instrument
from stockstream.reading import shorten
from stockstream.shown_bars import ALPHA_VANTAGE_PRICES, ALPHA_VANTAGE_VOLUME, read_local_time
from stockstream.times import format_time


def _limit_per(unit: str) -> str:
    """A pattern for the words of a limit, such as `5 calls per minute` or `25 requests/day`."""
    return rf"\b(requests?|calls?) ?(per|/|an?) ?{unit}"


# Errors are recognised by their words. The first match counts, and the milder errors come first: texts about
# a burst often name the daily limit, too, and nearly all texts advertise the premium plans. Words within a
# URL (`/premium/`, `?apikey=demo`) do not count.
_ERRORS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = tuple(
    (re.compile(signs), kind)
    for signs, kind in (
        (rf"sparingly|burst pattern|{_limit_per('second')}", BurstLimitError),
        (rf"minute-level rate limit|{_limit_per('minute')}", MinuteLimitError),
        (_limit_per("day"), DailyQuotaError),
        (r"higher api (call|request) (volume|frequency)", MinuteLimitError),
        (r"\bapi ?key\b[^.=]*\b(invalid|missing)\b|\*\*demo\*\*", KeyRefusedError),
        (r"(?<!/)\bpremium\b(?!/)", NotEntitledError),
        (r"invalid api call", UnknownInstrumentError),
    )
)
_INVENTED = re.compile(r"sample|artificial|illustration")


def parse_answer(
    body: bytes, instrument: Instrument, interval: str
) -> tuple[dict[str, Ohlcv], list[RejectedBar]]:
    """The bars of one answer by their open_time, and those that break a rule.

    Args:
        body: the answer's bytes.
        instrument: what was asked for.
        interval: what was asked for, a key of INTERVALS.

    Raises:
        ProviderError: the answer holds no bars; its type says why.
    """
    answer = read_object(body, instrument.name)
    if "message" in answer:
        # Also if there are prices beside it: they may be sample data.
        raise _of_message(str(answer["message"]), instrument)
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
    return _of_words(str(text), instrument)


def _of_words(text: str, instrument: Instrument) -> ProviderError:
    words = text.lower()
    kind = next((kind for signs, kind in _ERRORS if signs.search(words)), MalformedAnswerError)
    return kind(f"{instrument.name}: {shorten(text)}")


def _of_message(text: str, instrument: Instrument) -> ProviderError:
    if _INVENTED.search(text.lower()):
        return SampleDataError(f"{instrument.name}: the answer is invented sample data: {shorten(text)}")
    return _of_words(text, instrument)


def _check_subject(meta: dict[str, Any], series_name: str, instrument: Instrument, interval: str) -> None:
    if f"({interval})" not in series_name:
        raise MalformedAnswerError(f"{instrument.name}: asked for {interval}, got {shorten(series_name)}")
    # `2. Symbol`, `2. From Symbol`, `2. Digital Currency Code`; and `3. To Symbol`, `4. Market Code`
    base = next((value for name, value in meta.items() if name.startswith("2. ")), None)
    quote = next((value for name, value in meta.items() if name.endswith(("To Symbol", "Market Code"))), None)
    if str(base).upper() not in {instrument.base, write_symbol(instrument)} or quote != instrument.quote:
        raise MalformedAnswerError(
            f"{instrument.name}: the answer is about {shorten(base)} {shorten(quote or '')}"
        )


def write_symbol(instrument: Instrument) -> str:
    """An equity's symbol as Alpha Vantage lists it: BRK-B, BAC-P-L, ABC-WS; of a pair, what it prices."""
    if exchange_of(instrument.base) is not NEW_YORK:
        return instrument.base
    return re.sub(r"\.PR([A-Z]?)$", r"-P-\1", instrument.base).rstrip("-").replace(".", "-")


def _zone(meta: dict[str, Any], instrument: Instrument) -> ZoneInfo:
    name = next((value for name, value in meta.items() if name.endswith("Time Zone")), None)
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedAnswerError(f"{instrument.name}: {shorten(name)} is no time zone") from None


def _read_series(series: dict[str, Any], zone: ZoneInfo) -> tuple[dict[str, Ohlcv], list[RejectedBar]]:
    bars: dict[str, Ohlcv] = {}
    rejected: list[RejectedBar] = []
    for stamp, fields in series.items():
        try:
            open_time = format_time(read_local_time(stamp, zone))
            bars[open_time] = read_ohlcv(fields, ALPHA_VANTAGE_PRICES, ALPHA_VANTAGE_VOLUME)
        except RecordError as error:
            rejected.append(RejectedBar(shorten(stamp), error.reason, str(error), show_fields(fields)))
    return bars, rejected
