"""Kraken: coins without a key; one coin a request, its newest 720 bars and none before them.

https://docs.kraken.com/api-reference/market-data/get-ohlc-data
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import requests

from producer.providers.answers import BARS_PER_ANSWER, REVISION_BARS, Answer, month_bounds
from producer.providers.kraken_answers import own_names, read_answer
from producer.providers.provider import ProviderAccess, ProviderKind
from producer.providers.provider_errors import HistoryLimitError, NoDataError, ProviderError
from producer.providers.provider_http import ProviderHttp
from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument
from stockstream.times import format_time

# The newest of them is still forming.
SHOWN_BARS = 720


class Kraken:
    """Kraken's public HTTP interface.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        timeout_seconds: how long to wait for a whole answer.
        before_request: called before each request; what it raises goes to the caller.
        now: the clock.
    """

    instruments_per_request = 1
    answers_since = True

    def __init__(
        self,
        session: requests.Session,
        url: str,
        timeout_seconds: float,
        *,
        before_request: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = ProviderHttp(session, url, timeout_seconds, before_request, now)

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """The bars of one coin since a moment, as far as Kraken shows them; without one, the newest hundred.

        Raises:
            ProviderError: there are no bars; its type says why.
        """
        (instrument,) = instruments
        if since is None:
            answer = _require_bars(self._ask(instrument, interval), instrument)
            newest = sorted(answer.bars)[-BARS_PER_ANSWER:]
            is_cut = len(newest) < len(answer.bars)
            answer = replace(
                answer, bars={time: answer.bars[time] for time in newest}, reaches_back=not is_cut
            )
        else:
            answer = self._ask(instrument, interval, since - REVISION_BARS * INTERVALS[interval])
            begins_by = answer.oldest <= format_time(since)
            answer = replace(answer, reaches_back=begins_by or since >= _shown_since(answer, interval))
        return {instrument.name: answer}

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """What the newest 720 bars hold of a month of UTC's calendar.

        Raises:
            ProviderError: there are none; its type says why.
        """
        first, after = month_bounds(month, UTC)
        answer = self._ask(instrument, interval)
        of_month = answer.between(first, after)
        shown_since = _shown_since(answer, interval)
        if not of_month.bars and first < shown_since:
            raise HistoryLimitError(
                f"{instrument.name}: Kraken shows the newest {SHOWN_BARS} bars, and none of {month}: "
                "import older ones from files (docs/import.md)"
            )
        return _require_bars(replace(of_month, reaches_back=first >= shown_since), instrument)

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        """How many requests fetch_month makes."""
        return 1

    def _ask(self, instrument: Instrument, interval: str, start: datetime | None = None) -> Answer:
        """The bars that have ended, from `start` on if it is given."""
        minutes = INTERVALS[interval] // timedelta(minutes=1)
        parameters = {"pair": "".join(own_names(instrument)), "interval": str(minutes)}
        if start:
            # It is not documented whether a bar that begins at `since` itself is shown.
            parameters["since"] = str(int(start.timestamp()) - 1)
        response = self._http.get("/0/public/OHLC", parameters)
        try:
            bars, rejected = read_answer(response.status, response.body, instrument)
        except ProviderError as error:
            error.retry_after = response.retry_after
            raise
        return Answer(bars, rejected, response.asked_at, response.as_of, reaches_back=True)


def _shown_since(answer: Answer, interval: str) -> datetime:
    """From when on an answer certainly shows all bars."""
    return answer.asked_at - (SHOWN_BARS - 1) * INTERVALS[interval]


def _require_bars(answer: Answer, instrument: Instrument) -> Answer:
    if not answer.bars and not answer.rejected:
        raise NoDataError(f"{instrument.name}: Kraken shows no bars")
    return answer


def _open(access: ProviderAccess) -> Kraken:
    return Kraken(
        access.session,
        access.url,
        access.timeout_seconds,
        before_request=access.before_request,
        now=access.now,
    )


KRAKEN = ProviderKind(
    title="Kraken",
    url="https://api.kraken.com",
    open=_open,
    offers=lambda instrument: instrument.asset_class == "crypto",
    delay=lambda _options: timedelta(),
    needs_key=lambda _instrument: False,
)
