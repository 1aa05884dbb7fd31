"""Alpaca: bars of many instruments in one request, in pages.

Paths, parameters and pages are those of Alpaca's own client, https://github.com/alpacahq/alpaca-py, and of
https://docs.alpaca.markets/reference/stockbars
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil

import requests

from producer.providers.alpaca_pages import Collected, Page, read_page
from producer.providers.answers import BARS_PER_ANSWER, REVISION_BARS, Answer, month_bounds
from producer.providers.api_key import ApiKey
from producer.providers.provider import ProviderAccess, ProviderKind
from producer.providers.provider_errors import (
    MalformedAnswerError,
    NoDataError,
    ProviderError,
    UnknownInstrumentError,
)
from producer.providers.provider_http import ProviderHttp, Response
from stockstream.bars import INTERVALS
from stockstream.errors import SettingsError
from stockstream.exchanges import NEW_YORK, exchange_of
from stockstream.instruments import Instrument
from stockstream.sessions import NEW_YORK_STOCKS, NEW_YORK_TIME
from stockstream.times import format_time

FEED_SETTING = "ALPACA_FEED"
_DELAYED_FEED = "delayed_sip"
FEEDS = ("iex", "sip", _DELAYED_FEED)
PAGE_BARS = 10_000

_PATHS = {"equity": "/v2/stocks/bars", "crypto": "/v1beta3/crypto/us/bars"}
_TIMEFRAMES = {"1min": "1Min", "5min": "5Min", "15min": "15Min", "30min": "30Min", "60min": "1Hour"}
# Equities are traded in 32.5 of a week's 168 hours, and not for nearly four days around a holiday.
_CLOCK_TO_SESSION = 168 / 32.5
_LONGEST_BREAK = timedelta(days=4)
# In the time of a hundred bars, an instrument that is seldom traded has few bars or none. Fewer than four do
# not show how often it is traded.
_FEW_BARS, _LONGEST_SILENCE = 4, timedelta(days=14)
# For how long equities are traded in a month at the most (from 4:00 to 20:00 on 23 days), and coins.
_LONGEST_EQUITY_MONTH, _LONGEST_COIN_MONTH = timedelta(hours=16 * 23), timedelta(days=31)


class Alpaca:
    """Alpaca's market data interface.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        key: the key's id and its secret, as parse_key gives them; they appear in no log and no error. None
            for coins alone, whose bars Alpaca serves to everybody.
        timeout_seconds: how long to wait for a whole page.
        hours: `regular`, or `extended` for the bars before and after the session too; of equities.
        feed: where the bars of equities come from, one of FEEDS.
        before_request: called before each request, and so for each page. What it raises goes to the caller;
            a ProviderError that it raises after bars have come goes into the answers instead.
        now: the clock.
    """

    # A hundred bars of each are then one page, and the URL has about 1,000 characters.
    instruments_per_request = PAGE_BARS // BARS_PER_ANSWER
    answers_since = True

    def __init__(  # noqa: PLR0913 (a server's address, its key and its options)
        self,
        session: requests.Session,
        url: str,
        key: ApiKey[tuple[str, str]] | None,
        timeout_seconds: float,
        hours: str,
        feed: str,
        *,
        before_request: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = ProviderHttp(session, url, timeout_seconds, before_request, now)
        self._key = key
        self._hours = hours
        self._feed = feed
        self._now = now

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """The bars of a few instruments since a moment; without one, the newest hundred of each.

        Raises:
            ProviderError: all failed and nothing came; its type says why.
        """
        answers: dict[str, Answer] = {}
        for asset_class in dict.fromkeys(instrument.asset_class for instrument in instruments):
            group = [instrument for instrument in instruments if instrument.asset_class == asset_class]
            span = REVISION_BARS * INTERVALS[interval] if since else _span(asset_class, interval)
            start = (since or self._now()) - span
            newest = None if since else BARS_PER_ANSWER
            came = self._fetch_group(group, interval, {"start": format_time(start)}, newest)
            answers |= came if since else self._look_further(group, interval, came)
        if not any(answer.bars or answer.rejected for answer in answers.values()):
            for answer in answers.values():
                if answer.failure:
                    raise answer.failure
        return answers

    def _look_further(
        self, instruments: Sequence[Instrument], interval: str, came: Mapping[str, Answer]
    ) -> dict[str, Answer]:
        """The same answers, but those with few bars have the newest hundred of two weeks, if they come."""
        whole = [each for each in instruments if came[each.name].failure is None]
        silent = [each for each in whole if len(came[each.name].bars) < _FEW_BARS]
        answers = dict(came)
        if silent:
            start = self._now() - max(_LONGEST_SILENCE, _span(silent[0].asset_class, interval))
            further = self._fetch_group(silent, interval, {"start": format_time(start)}, BARS_PER_ANSWER)
            answers |= {name: answer for name, answer in further.items() if answer.failure is None}
        return {name: _require_bars(name, answer) for name, answer in answers.items()}

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """The bars of a month: of an equity by New York's calendar, of a coin by UTC.

        Raises:
            ProviderError: there are none; its type says why.
        """
        first, after = month_bounds(month, NEW_YORK_TIME if instrument.asset_class == "equity" else UTC)
        # Alpaca includes a bar that begins at `end`.
        extent = {"start": format_time(first), "end": format_time(after - timedelta(seconds=1))}
        answer = self._fetch_group([instrument], interval, extent, None)[instrument.name]
        answer = _require_bars(instrument.name, answer)
        if answer.failure and not answer.bars and not answer.rejected:
            raise answer.failure
        return answer

    def requests_per_month(self, instrument: Instrument, interval: str) -> int:
        """How many pages a month takes, with a trade in each of its bars."""
        traded = _LONGEST_EQUITY_MONTH if instrument.asset_class == "equity" else _LONGEST_COIN_MONTH
        return ceil(traded / INTERVALS[interval] / PAGE_BARS)

    def _fetch_group(
        self, instruments: Sequence[Instrument], interval: str, extent: Mapping[str, str], newest: int | None
    ) -> dict[str, Answer]:
        """The answers about instruments of one class: with their `newest` bars, or all if that is None."""
        asset_class = instruments[0].asset_class
        names = {_symbol(instrument): instrument.name for instrument in instruments}
        # All of Alpaca's equities are traded in the United States.
        market = NEW_YORK_STOCKS if asset_class == "equity" and self._hours == "regular" else None
        collected = Collected(interval, market, newest)
        asked_at = as_of = self._now()
        failure: ProviderError | None = None
        try:
            for response, page in self._pages(asset_class, names, interval, extent):
                collected.add(page)
                as_of = response.as_of
        except UnknownInstrumentError as error:
            failure = error
            # One symbol that Alpaca refuses makes the whole request fail: ask again without it.
            refused = [name for symbol, name in names.items() if _mentions(error, symbol)]
            rest = [instrument for instrument in instruments if instrument.name not in refused]
            if refused and rest:
                nothing = Answer({}, [], asked_at, as_of, reaches_back=False, failure=failure)
                return dict.fromkeys(refused, nothing) | self._fetch_group(rest, interval, extent, newest)
        except ProviderError as error:
            failure = error
        return {name: collected.answer(symbol, asked_at, as_of, failure) for symbol, name in names.items()}

    def _pages(
        self, asset_class: str, symbols: Iterable[str], interval: str, extent: Mapping[str, str]
    ) -> Iterator[tuple[Response, Page]]:
        if asset_class not in _PATHS:
            raise UnknownInstrumentError(f"Alpaca offers no {asset_class}")
        parameters = {
            "symbols": ",".join(sorted(symbols)),
            "timeframe": _TIMEFRAMES[interval],
            "limit": str(PAGE_BARS),
            "sort": "asc",
            **extent,
        }
        if asset_class == "equity":
            # As traded. Otherwise a split or a dividend would revise every bar of the past at once.
            parameters |= {"feed": self._feed, "adjustment": "raw"}
        seen: set[str] = set()
        while True:
            response, page = self._fetch_page(_PATHS[asset_class], parameters)
            yield response, page
            if page.next_token is None:
                return
            if page.next_token in seen:
                raise MalformedAnswerError("Alpaca: the page after this one has come before")
            seen.add(page.next_token)
            parameters["page_token"] = page.next_token

    def _fetch_page(self, path: str, parameters: Mapping[str, str]) -> tuple[Response, Page]:
        def ask(key: tuple[str, str] | None) -> tuple[Response, Page]:
            headers = {"APCA-API-KEY-ID": key[0], "APCA-API-SECRET-KEY": key[1]} if key else {}
            response = self._http.get(path, parameters, headers, secrets=key or ())
            try:
                return response, read_page(response.status, response.body)
            except ProviderError as error:
                error.retry_after = response.retry_after
                raise

        return ask(None) if self._key is None else self._key.use(ask)


def parse_key(text: str) -> tuple[str, str]:
    """The key's id and its secret, of `KEY_ID:SECRET_KEY`.

    Raises:
        SettingsError: the text has another form; the error does not show it.
    """
    if match := re.fullmatch(r"([!-9;-~]+):([!-~]+)", text.strip(), re.ASCII):
        return match[1], match[2]
    raise SettingsError("API_KEY_PARAMETER_NAME: for Alpaca the parameter must hold KEY_ID:SECRET_KEY")


def _symbol(instrument: Instrument) -> str:
    return instrument.base if instrument.quote is None else f"{instrument.base}/{instrument.quote}"


def _mentions(error: ProviderError, symbol: str) -> bool:
    """Whether an error's text names a symbol, and not only as a part of another one."""
    return bool(re.search(rf"(?<![\w./-]){re.escape(symbol)}(?![\w/-]|\.\w)", str(error)))


def _require_bars(name: str, answer: Answer) -> Answer:
    """The answer, as a failure if it is empty: Alpaca does not say that it does not know a symbol."""
    if answer.failure or answer.bars or answer.rejected:
        return answer
    return replace(answer, failure=NoDataError(f"{name}: Alpaca has no bars: does it know the symbol?"))


def _span(asset_class: str, interval: str) -> timedelta:
    """How far back a hundred bars reach, with a trade in each of them."""
    traded = BARS_PER_ANSWER * INTERVALS[interval]
    return traded * _CLOCK_TO_SESSION + _LONGEST_BREAK if asset_class == "equity" else traded


def _offers(instrument: Instrument) -> bool:
    """Coins, and equities of New York. An unknown suffix passes: sessions.py has a better error for it."""
    if instrument.asset_class == "equity":
        return exchange_of(instrument.base) in (NEW_YORK, None)
    return instrument.asset_class in _PATHS


def _open(access: ProviderAccess) -> Alpaca:
    return Alpaca(
        access.session,
        access.url,
        None if access.read_key is None else ApiKey(access.read_key, parse_key),
        access.timeout_seconds,
        access.hours,
        access.options[FEED_SETTING],
        before_request=access.before_request,
        now=access.now,
    )


ALPACA = ProviderKind(
    title="Alpaca",
    url="https://data.alpaca.markets",
    open=_open,
    offers=_offers,
    delay=lambda options: timedelta(minutes=15 if options[FEED_SETTING] == _DELAYED_FEED else 0),
    # The examples of its own client ask for coins without one.
    needs_key=lambda instrument: instrument.asset_class != "crypto",
    options={FEED_SETTING: FEEDS},
)
