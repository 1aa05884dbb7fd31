"""Alpha Vantage: one instrument a request, in a short answer or a long one.

https://www.alphavantage.co/documentation/
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import requests

from producer.providers.alphavantage_answers import parse_answer
from producer.providers.answers import BARS_PER_ANSWER, Answer, month_bounds
from producer.providers.provider import ProviderAccess, ProviderKind
from producer.providers.provider_errors import (
    NoDataError,
    NotEntitledError,
    ProviderUnavailableError,
)
from producer.providers.provider_http import ProviderHttp
from stockstream.instruments import Instrument
from stockstream.times import format_time

# outputsize=full holds so much without a month.
FULL_ANSWER = timedelta(days=30)


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

        The time since the last answer does not tell whether 100 bars are enough, since nights, weekends and
        minutes without a trade have no bars. So the short answer is asked for first. The long one costs a
        second request, and only after a real gap. If the plan refuses it, the short one stands.

        Raises:
            ProviderError: there are no bars, or those of a gap must be asked for again; its type says why.
        """
        (instrument,) = instruments
        answer = None
        if since is None or instrument.name not in self._cut_off:
            answer = self._fetch_short(instrument, interval, since)
            if since is None or answer.reaches_back or self._refuses_full:
                return {instrument.name: answer}
            # If this request fails or the run may not make it, the next run begins with the long answer.
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
        is_cut = len(answer.bars) + len(answer.rejected) >= BARS_PER_ANSWER
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


def _begins_by(since: datetime | None, answer: Answer) -> bool:
    return since is not None and min(answer.bars, default="~") <= format_time(since)


def _open(access: ProviderAccess) -> AlphaVantage:
    return AlphaVantage(
        access.session,
        access.url,
        access.key.strip(),
        access.timeout_seconds,
        access.hours,
        before_request=access.before_request,
    )


ALPHA_VANTAGE = ProviderKind(
    title="Alpha Vantage",
    url="https://www.alphavantage.co",
    open=_open,
    offers=lambda _instrument: True,
    # Its plans differ and it does not say which one a key has, so the longest delay is assumed.
    delay=lambda _options: timedelta(minutes=15),
)
