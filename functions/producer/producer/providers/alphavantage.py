"""Alpha Vantage: one instrument a request, in a short answer or a long one.

https://www.alphavantage.co/documentation/
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import requests

from producer.providers.alphavantage_answers import parse_answer, write_symbol
from producer.providers.answers import BARS_PER_ANSWER, REVISION_BARS, Answer, month_bounds
from producer.providers.api_key import ApiKey
from producer.providers.long_answers import LongAnswers
from producer.providers.provider import ProviderAccess, ProviderKind
from producer.providers.provider_errors import (
    HistoryLimitError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    ProviderError,
    ProviderUnavailableError,
    RequestNotMadeError,
)
from producer.providers.provider_http import ProviderHttp
from stockstream.bars import INTERVALS
from stockstream.errors import SettingsError
from stockstream.instruments import Instrument
from stockstream.times import format_time
from stockstream.windows import LONGEST_WINDOW

# What outputsize=full holds if no month is given.
FULL_ANSWER = timedelta(days=30)
# How many bars before the gap are kept of a long answer: those that a short one would show, and their longest
# look-back. To a tail that has just begun, all 30 days would be new.
_BARS_BEFORE_GAP = BARS_PER_ANSWER + LONGEST_WINDOW
# The free plan allows one request a second. A backfill makes two requests or more in a row.
_MONTHS_APART = timedelta(seconds=1.1)


class AlphaVantage:
    """Alpha Vantage's HTTP interface, or that of a server like it.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        api_key: the key; it appears in no log and no error.
        timeout_seconds: how long to wait for a whole answer.
        hours: `regular`, or `extended` for the bars before and after the session too; of equities.
        before_request: called before each request; what it raises goes to the caller.
        is_scarce: whether the plan limits a day's requests.
        now: the clock.
        sleep: waits so many seconds.
    """

    instruments_per_request = 1
    answers_since = False

    def __init__(  # noqa: PLR0913 (a server's address, its key, and two clocks)
        self,
        session: requests.Session,
        url: str,
        api_key: ApiKey[str],
        timeout_seconds: float,
        hours: str,
        *,
        before_request: Callable[[], None],
        is_scarce: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = ProviderHttp(session, url, timeout_seconds, before_request, now)
        self._api_key = api_key
        self._hours = hours
        self._is_scarce = is_scarce
        self._now = now
        self._sleep = sleep
        self._month_asked_at: datetime | None = None
        self._long_answers = LongAnswers(now)

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """The newest 100 bars of one instrument that exist; more where these do not reach back to `since`.

        The time since the last answer does not say whether 100 bars are enough, since nights, weekends and
        minutes without a trade have no bars. So the short answer is asked for first. A second request asks
        for the long one if there is a gap, or if so many bars are new that too few older ones are shown to
        see their revisions; for the latter a plan that limits a day's requests has none. If the long answer
        does not come, the short one is returned, and the next fetch asks for the long one alone, which a plan
        of one request a minute allows, too. If that fails as well, or the plan refuses it, there is a pause
        until a long answer is asked for again.

        Raises:
            ProviderError: there are no bars; its type says why.
        """
        (instrument,) = instruments
        name = instrument.name
        due_since = self._long_answers.due_since(name)
        if since is not None and due_since is not None:
            return {name: self._fetch_gap(instrument, interval, min(since, due_since))}
        answer = self._fetch_short(instrument, interval, since)
        if since is None or (answer.reaches_back and self._shows_revisions(answer, since)):
            return {name: answer}
        self._long_answers.want(name, since)
        if not self._long_answers.may_be_second():
            return {name: replace(answer, is_owed=not self._long_answers.are_refused)}
        try:
            return {name: self._fetch_long(instrument, interval, since)}
        except RequestNotMadeError as error:
            return {name: replace(answer, cut_off_by=error, is_owed=True)}
        except ProviderError as error:
            self._long_answers.fail(error, alone=False)
            return {name: replace(answer, cut_off_by=error, is_owed=not self._long_answers.are_refused)}

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """The bars of a month; a pair cannot be asked for by month, so what its last 30 days hold of it.

        Raises:
            ProviderError: there are none; its type says why.
        """
        first, after = month_bounds(month, UTC)
        if self._month_asked_at:
            self._sleep(max(0.0, (self._month_asked_at + _MONTHS_APART - self._now()) / timedelta(seconds=1)))
        self._month_asked_at = self._now()
        if instrument.quote is None:
            return self._ask(instrument, interval, outputsize="full", month=month)
        answer = self._ask(instrument, interval, outputsize="full")
        of_month = answer.between(first, after)
        if not of_month.bars and first < answer.asked_at - FULL_ANSWER:
            raise HistoryLimitError(
                f"{instrument.name}: Alpha Vantage shows the last 30 days of a pair, and none of {month}"
            )
        if not of_month.bars:
            raise NoDataError(f"{instrument.name}: Alpha Vantage shows no bars of {month}")
        return replace(of_month, reaches_back=_begins_by(first, answer))

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        """How many requests fetch_month makes."""
        return 1

    def _fetch_gap(self, instrument: Instrument, interval: str, since: datetime) -> Answer:
        """The long answer alone; if it fails, the short one, or none if the allowance is spent."""
        asked_at = self._now()
        try:
            return self._fetch_long(instrument, interval, since)
        except RequestNotMadeError:
            raise
        except ProviderError as error:
            self._long_answers.fail(error, alone=True)
            try:
                answer = self._fetch_short(instrument, interval, since)
            except RequestNotMadeError as not_made:
                answer = Answer({}, [], asked_at, asked_at, reaches_back=False, failure=not_made)
            return replace(answer, cut_off_by=error, is_owed=not self._long_answers.are_refused)

    def _fetch_long(self, instrument: Instrument, interval: str, since: datetime) -> Answer:
        answer = self._ask(instrument, interval, outputsize="full")
        if not answer.bars:
            raise MalformedAnswerError(
                f"{instrument.name}: all {len(answer.rejected):,} bars of the long answer are impossible: "
                f"{answer.rejected[0].detail}"
            )
        self._long_answers.succeed(instrument.name)
        times = sorted(answer.bars)
        wanted = times[max(0, bisect_left(times, format_time(since)) - _BARS_BEFORE_GAP) :]
        return replace(
            answer,
            bars={time: answer.bars[time] for time in wanted},
            reaches_back=since >= answer.asked_at - FULL_ANSWER or _goes_on_from(since, answer, interval),
        )

    def _shows_revisions(self, answer: Answer, since: datetime) -> bool:
        """Whether a short answer shows enough older bars, or the plan has no request for more."""
        newest = format_time(since)
        before = sum(time <= newest for time in answer.bars)
        return self._is_scarce or not _is_cut(answer) or before >= REVISION_BARS

    def _fetch_short(self, instrument: Instrument, interval: str, since: datetime | None) -> Answer:
        answer = self._ask(instrument, interval, outputsize="compact")
        return replace(answer, reaches_back=not _is_cut(answer) or _goes_on_from(since, answer, interval))

    def _ask(self, instrument: Instrument, interval: str, **extent: str) -> Answer:
        parameters = {**self._query(instrument), "interval": interval, **extent}
        return self._api_key.use(lambda key: self._ask_with(key, instrument, interval, parameters))

    def _ask_with(
        self, key: str, instrument: Instrument, interval: str, parameters: Mapping[str, str]
    ) -> Answer:
        response = self._http.get("/query", {**parameters, "apikey": key}, secrets=[key])
        try:
            if response.status != requests.codes.ok:
                is_limit = response.status == requests.codes.too_many_requests
                kind = MinuteLimitError if is_limit else ProviderUnavailableError
                raise kind(f"{instrument.name}: Alpha Vantage answered HTTP {response.status}")
            bars, rejected = parse_answer(response.body, instrument, interval)
        except ProviderError as error:
            error.retry_after = response.retry_after
            raise
        return Answer(bars, rejected, response.asked_at, response.as_of, reaches_back=True)

    def _query(self, instrument: Instrument) -> dict[str, str]:
        if instrument.quote is None:
            return {
                "function": "TIME_SERIES_INTRADAY",
                "symbol": write_symbol(instrument),
                "extended_hours": "true" if self._hours == "extended" else "false",
                # As traded. Otherwise a split or a dividend would revise every bar of the past at once.
                "adjusted": "false",
            }
        if instrument.asset_class == "fx":
            return {"function": "FX_INTRADAY", "from_symbol": instrument.base, "to_symbol": instrument.quote}
        return {"function": "CRYPTO_INTRADAY", "symbol": write_symbol(instrument), "market": instrument.quote}


def _is_cut(answer: Answer) -> bool:
    return len(answer.bars) + len(answer.rejected) >= BARS_PER_ANSWER


def _goes_on_from(since: datetime | None, answer: Answer, interval: str) -> bool:
    """Whether an answer shows the newest bar that was sent, or the very next one."""
    return since is not None and _begins_by(since + INTERVALS[interval], answer)


def _begins_by(since: datetime, answer: Answer) -> bool:
    return answer.oldest <= format_time(since)


def _open(access: ProviderAccess) -> AlphaVantage:
    if access.read_key is None:
        raise SettingsError("API_KEY_PARAMETER_NAME: Alpha Vantage needs an API key")
    return AlphaVantage(
        access.session,
        access.url,
        ApiKey(access.read_key, str.strip),
        access.timeout_seconds,
        access.hours,
        before_request=access.before_request,
        is_scarce=access.is_scarce,
        now=access.now,
    )


ALPHA_VANTAGE = ProviderKind(
    title="Alpha Vantage",
    url="https://www.alphavantage.co",
    open=_open,
    offers=lambda _instrument: True,
    # Its plans differ and it does not say which one a key has, so the longest delay is assumed.
    delay=lambda _options: timedelta(minutes=15),
)
