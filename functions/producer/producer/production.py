"""One run of the producer: read the ledger, plan, fetch, publish, record, report."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from producer.backfill import (
    MONTHS_PER_BACKFILL,
    check_requests,
    describe_month,
    month_before,
    unfinished_since,
)
from producer.bookkeeping import record_run
from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailUnreachableError
from producer.memory.lease import release_lease, take_lease
from producer.memory.ledger_item import LeaseHeldError, LedgerItem, VersionedLedger
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance, AllowanceSpentError
from producer.planning.bar_requests import BarRequest, group_requests
from producer.planning.ledger import Ledger, record_told
from producer.planning.overdue import ExpectedLag, longest_pause, measure_overdue
from producer.planning.planner import Plan, plan_requests
from producer.planning.rereading import plan_rereading, with_rereading
from producer.planning.silence import find_silent
from producer.providers.answers import Answer
from producer.providers.provider import Provider
from producer.providers.provider_errors import NoDataError, ProviderError, UnknownInstrumentError
from producer.publishing.publisher import Publisher
from producer.report import (
    report_age,
    report_answers,
    report_deferred,
    report_holes,
    report_moves,
    report_overdue,
    report_quota,
    report_silent,
    report_unanswered,
)
from producer.told_bars import ToldBars
from stockstream.fields import lookback_lengths
from stockstream.instruments import Instrument
from stockstream.observability import logger
from stockstream.splits import Split
from stockstream.times import format_time

type SplitsByName = Mapping[str, Sequence[Split]]

# Providers refuse bursts of more than 20 requests in a second. Ten at a time stay below that.
REQUESTS_AT_ONCE = 10
# A provider that fails is asked again within 33 minutes. After an hour without a request
# its failures are too old to be reported.
SILENCE_COUNTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Producer:
    """What a run needs: where bars come from, what may be asked, and where they go.

    Attributes:
        delay: by how much the plan may delay its data.
        request_seconds: how long one request to the provider takes at the most. None is begun that could
            outlast the run.
        read_splits: gives the confirmed splits of each instrument by its name, the oldest first.
    """

    watchlist: Watchlist
    provider: Provider
    allowance: Allowance
    plan: Plan
    ledger_item: LedgerItem
    publisher: Publisher
    delay: timedelta = timedelta(minutes=15)
    request_seconds: float = 20.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    told: ToldBars = field(default_factory=ToldBars)
    read_splits: Callable[[], SplitsByName] = dict

    def run(self, seconds: float) -> dict[str, int]:
        """Asks for what is due, and sends what has not been sent. A failure stops no other instrument.

        Args:
            seconds: how long the run may take, until it writes the ledger for the last time.

        Returns:
            How many bars of each instrument were sent, for those whose answer came.

        Raises:
            TailUnreachableError: DynamoDB failed for every instrument; the ledger has been written.
        """
        now, deadline = self.now(), time.monotonic() + seconds
        read = self.ledger_item.read()
        ledger = read.ledger.of_day(now)
        batches = plan_requests(self.watchlist, self.plan, ledger, now)
        requests = with_rereading(
            group_requests(batches, ledger, now, self.plan, self.watchlist.bar_length),
            plan_rereading(self.watchlist, self.plan, ledger, now, self._lookback_to_reread()),
            ledger,
            self.plan.requests_of_a_run(ledger),
        )
        fetched: list[Fetched] = []
        if requests:
            splits = self.read_splits()
            try:
                held = self._take_lease(read, ledger, deadline)
            except LeaseHeldError as error:
                logger.info("another run is at work", detail=str(error))
                return {}
            fetched = self._fetch_all(requests, splits, deadline)
            ledger = record_run(ledger, self.watchlist, fetched, self.allowance.spent, self.now())
            silent = find_silent(self.watchlist, ledger, self._longest_pause(ledger))
            ledger = record_told(ledger, silent)
            release_lease(self.ledger_item, ledger, self.now(), held.version)
            # CloudWatch bills a metric for each hour in which it is sent: at night these are not.
            report_answers(fetched, self.watchlist.interval, self.allowance.spent, self.told)
            report_holes(fetched, self.watchlist)
            report_moves(fetched, self.watchlist.interval, self.publisher.watch)
            report_silent(silent)
        self._report_state(ledger, asked=bool(requests))
        _require_a_tail(fetched)
        return {
            name: published.causes.total() for each in fetched for name, published in each.published.items()
        }

    def backfill(
        self, instruments: Sequence[Instrument], month: str, seconds: float
    ) -> dict[str, dict[str, object]]:
        """Sends a month of history, and what the tail lacks of it. Sent again, it changes only the as_of.

        Args:
            instruments: whose history.
            month: `2026-10`.
            seconds: how long it may take. Started again, it goes on where it stopped.

        Returns:
            What became of each instrument's month, as describe_month says.

        Raises:
            BackfillError: the plan leaves too few requests for any instrument; none was made.
            InstrumentError: no calendar says when one of them trades; no request was made.
            LeaseHeldError: another run is at work.
        """
        for instrument in instruments:
            self.watchlist.market_of(instrument)
        now, deadline = self.now(), time.monotonic() + seconds
        read = self.ledger_item.read()
        ledger = read.ledger.of_day(now)
        fewest = min(map(self._requests_of_backfill, instruments))
        check_requests(fewest, self.plan.requests_of_a_run(ledger), self.plan)
        splits = self.read_splits()
        held = self._take_lease(read, ledger, deadline)
        interval, fetched, history = self.watchlist.interval, [], dict(ledger.history)
        for instrument in instruments:
            begun = history.pop(key := f"{instrument.name}|{interval}|{month}", None)
            its_splits = splits.get(instrument.name, ())
            fetched.append(self._fetch_month(instrument, month, deadline, begun, its_splits))
            if since := unfinished_since(fetched[-1], begun):
                history[key] = since
        ledger = replace(ledger.spend(self.allowance.spent), history=history)
        release_lease(self.ledger_item, ledger, self.now(), held.version)
        report_answers(fetched, interval, self.allowance.spent, self.told)
        return {each.instruments[0].name: describe_month(each) for each in fetched}

    def _report_state(self, ledger: Ledger, *, asked: bool) -> None:
        now = self.now()
        if self.plan.requests_per_day is not None:
            report_quota(self.plan.requests_per_day - ledger.spent)
        report_age(self.watchlist, ledger, now)
        lag = ExpectedLag(self._longest_pause(ledger), self.delay)
        report_overdue(measure_overdue(self.watchlist, ledger, lag, now))
        deferred = sum(ledger.of_instrument(each.name).deferred for each in self.watchlist.instruments)
        if asked or deferred:
            report_deferred(deferred)
        # Also in runs without requests: until an answer comes, the provider counts as silent.
        if asked or (ledger.unanswered_at and now - ledger.unanswered_at < SILENCE_COUNTS):
            report_unanswered(ledger.unanswered)

    def _longest_pause(self, ledger: Ledger) -> timedelta:
        return longest_pause(self.watchlist, self.plan, ledger.day)

    def _take_lease(self, read: VersionedLedger, ledger: Ledger, deadline: float) -> VersionedLedger:
        now, most = self.now(), self.plan.requests_of_a_run(ledger)
        reserved = ledger.spend(most)
        until = now + timedelta(seconds=deadline - time.monotonic())
        held = take_lease(self.ledger_item, read, reserved, now, until)
        self.allowance.begin(most, deadline - self.request_seconds)
        return held

    def _fetch_all(
        self, requests: Sequence[BarRequest], splits: SplitsByName, deadline: float
    ) -> list[Fetched]:
        if len(requests) == 1:
            return [self._fetch(requests[0], splits, deadline)]
        with ThreadPoolExecutor(max_workers=min(REQUESTS_AT_ONCE, len(requests))) as pool:
            return list(pool.map(lambda request: self._fetch(request, splits, deadline), requests))

    def _fetch(self, request: BarRequest, splits: SplitsByName, deadline: float) -> Fetched:
        fetched = Fetched(request.instruments, self.now(), again=request.again)
        if not self.allowance.has_time:
            return fetched  # the next run asks
        try:
            answers = self.provider.fetch(request.instruments, self.watchlist.interval, request.since)
        except ProviderError as error:
            fetched.failure = error
            return fetched
        for instrument in request.instruments:
            if instrument.name in answers:
                answer = self._finished(instrument, answers[instrument.name])
                fetched.answers[instrument.name] = answer
                try:
                    fetched.published[instrument.name] = self.publisher.publish(
                        instrument,
                        answer,
                        deadline,
                        again=request.again,
                        splits=splits.get(instrument.name, ()),
                    )
                except TailError as error:
                    fetched.left[instrument.name] = error
        return fetched

    def _lookback_to_reread(self) -> int | None:
        if not self.provider.answers_since:
            return None
        return max(lookback_lengths(self.publisher.windows).values())

    def _finished(self, instrument: Instrument, answer: Answer) -> Answer:
        return answer.without_forming(self.watchlist.market_of(instrument), self.watchlist.interval)

    def _requests_of_backfill(self, instrument: Instrument) -> int:
        return MONTHS_PER_BACKFILL * self.provider.requests_per_month(instrument, self.watchlist.interval)

    def _fetch_month(
        self,
        instrument: Instrument,
        month: str,
        deadline: float,
        begun: datetime | None,
        splits: Sequence[Split],
    ) -> Fetched:
        fetched = Fetched([instrument], self.now())
        if not self.allowance.has_time:
            return fetched
        if self.allowance.left < self._requests_of_backfill(instrument):
            fetched.failure = AllowanceSpentError(f"{instrument.name}: this run's requests are spent")
            return fetched
        try:
            answer = self._finished(
                instrument, self.provider.fetch_month(instrument, self.watchlist.interval, month)
            )
            before = self._fetch_month_before(instrument, month)
        except ProviderError as error:
            # Without the month before it, its first bars would replace better ones, with short look-backs.
            fetched.failure = error
            return fetched
        fetched.answers[instrument.name] = answer
        begin = format_time(begun) if begun else ""
        try:
            fetched.published[instrument.name] = self.publisher.publish_history(
                instrument, answer, before, deadline, begin, splits
            )
        except TailError as error:
            fetched.left[instrument.name] = error
        return fetched

    def _fetch_month_before(self, instrument: Instrument, month: str) -> Mapping[str, Ohlcv]:
        """The bars before those of a month that has come; none where the instrument was not traded yet."""
        try:
            before = self.provider.fetch_month(instrument, self.watchlist.interval, month_before(month))
        except (NoDataError, UnknownInstrumentError) as error:
            # The instrument is known, since the month has bars: what is refused or empty is the month before.
            logger.warning("no bars before the month", instrument=instrument.name, detail=str(error))
            return {}
        if before.failure:
            raise before.failure
        return before.bars


def _require_a_tail(fetched: Sequence[Fetched]) -> None:
    """Fails the run if the table fails for every instrument, so that the alarm on errors tells a person."""
    unreachable = [
        error for each in fetched for error in each.left.values() if isinstance(error, TailUnreachableError)
    ]
    if unreachable and not any(each.published for each in fetched):
        raise unreachable[0]
