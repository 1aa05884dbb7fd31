"""A run's requests: asking the provider, and publishing its answers."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from threading import Semaphore

from producer.backfill import month_before, requests_of_backfill
from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance, AllowanceSpentError
from producer.planning.bar_requests import BarRequest
from producer.providers.admission import Admission
from producer.providers.answers import Answer
from producer.providers.provider import Provider
from producer.providers.provider_errors import NoDataError, ProviderError, UnknownInstrumentError
from producer.publishing.publisher import Publisher
from stockstream.instruments import Instrument
from stockstream.observability import logger
from stockstream.splits import SplitsByName
from stockstream.times import format_time

# Providers refuse bursts of more than 20 requests in a second. Ten at a time stay below that, and
# partitions, which run at the same time, share them.
REQUESTS_AT_ONCE = 10
# How many of them publish at a time: the tails of a hundred instruments take 9 MB meanwhile.
_PUBLISHING_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Fetching:
    """What a request needs: the provider, the allowance, and where its bars go.

    Attributes:
        lease_ends: when that of the run does.
    """

    watchlist: Watchlist
    provider: Provider
    allowance: Allowance
    publisher: Publisher
    admission: Admission
    splits: SplitsByName
    now: Callable[[], datetime]
    partitions: int
    lease_ends: datetime

    def fetch_all(self, requests: Sequence[BarRequest], deadline: float) -> list[Fetched]:
        """What a run's requests brought, in their order; several are made concurrently.

        Args:
            requests: one or more.
            deadline: when all tails must be written, on time.monotonic.
        """
        publishing = Semaphore(_PUBLISHING_AT_ONCE)
        if len(requests) == 1:
            return [self._fetch(requests[0], publishing, deadline)]
        at_once = min(ceil(REQUESTS_AT_ONCE / self.partitions), len(requests))
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            return list(pool.map(lambda request: self._fetch(request, publishing, deadline), requests))

    def fetch_month(
        self, instrument: Instrument, month: str, deadline: float, since: datetime | None
    ) -> Fetched:
        """What the requests for a month of history brought.

        Args:
            instrument: whose history.
            month: `2026-10`.
            deadline: when all tails must be written, on time.monotonic.
            since: from when on it is to be sent; None for all of it.
        """
        fetched = Fetched([instrument], self.now())
        if not self.allowance.has_time:
            return fetched
        if self.allowance.left < requests_of_backfill(self.provider, instrument, self.watchlist.interval):
            fetched.failure = AllowanceSpentError(f"{instrument.name}: this run's requests are spent")
            return fetched
        try:
            answer = self._finished(
                instrument, self.provider.fetch_month(instrument, self.watchlist.interval, month)
            )
            before = self._fetch_month_before(instrument, month)
        except ProviderError as error:
            # Without the month before, its first bars would have short look-backs, and replace better ones.
            fetched.failure = error
            return fetched
        fetched.answers[instrument.name] = answer
        begin = format_time(since) if since else ""
        try:
            fetched.published[instrument.name] = self.publisher.publish_history(
                instrument,
                answer,
                before,
                deadline,
                begin,
                self.splits.get(instrument.name, ()),
                is_held=self._is_held,
            )
        except TailError as error:
            fetched.left[instrument.name] = error
        return fetched

    def _fetch(self, request: BarRequest, publishing: Semaphore, deadline: float) -> Fetched:
        fetched = Fetched(request.instruments, self.now(), rereads=request.rereads)
        if not self.allowance.has_time:
            return fetched  # the next run asks
        try:
            answers = self.provider.fetch(request.instruments, self.watchlist.interval, request.since)
        except ProviderError as error:
            fetched.failure = error
            return fetched
        finished = {
            instrument: self._finished(instrument, answers[instrument.name])
            for instrument in request.instruments
            if instrument.name in answers
        }
        fetched.answers = {instrument.name: answer for instrument, answer in finished.items()}
        with publishing:
            outcomes = self.publisher.publish(
                finished, deadline, rereads=request.rereads, splits=self.splits, is_held=self._is_held
            )
        fetched.published_at = self.now()
        for name, outcome in outcomes.items():
            if isinstance(outcome, TailError):
                fetched.left[name] = outcome
            else:
                fetched.published[name] = outcome
        return fetched

    def _is_held(self) -> bool:
        return self.now() <= self.lease_ends

    def _finished(self, instrument: Instrument, answer: Answer) -> Answer:
        """The answer's bars that have ended and belong to the instrument's market."""
        finished = answer.without_forming(self.watchlist.market_of(instrument), self.watchlist.interval)
        return self.admission.admit(instrument, finished, self.watchlist)

    def _fetch_month_before(self, instrument: Instrument, month: str) -> Mapping[str, Ohlcv]:
        """The bars of the month before; none if the instrument was not traded yet."""
        try:
            before = self.provider.fetch_month(instrument, self.watchlist.interval, month_before(month))
        except (NoDataError, UnknownInstrumentError) as error:
            # The month itself has bars, so the instrument is known: only the month before has none.
            logger.warning("no bars before the month", instrument=instrument.name, detail=str(error))
            return {}
        if before.failure:
            raise before.failure
        return self._finished(instrument, before).bars
