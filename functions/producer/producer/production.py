"""One run of the producer: read the ledger, plan, fetch, publish, record, report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from producer.backfill import check_requests, describe_month, requests_of_backfill, unfinished_since
from producer.bookkeeping import record_run
from producer.fetched import Fetched
from producer.fetching import Fetching
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailUnreachableError
from producer.memory.lease import release_lease, take_lease
from producer.memory.ledger_item import LeaseHeldError, LedgerItem, VersionedLedger
from producer.planning.allowance import Allowance
from producer.planning.bar_requests import group_requests
from producer.planning.ledger import Ledger
from producer.planning.ledger_entries import record_reported
from producer.planning.overdue import ExpectedLag, longest_pause, measure_overdue
from producer.planning.planner import Plan, plan_requests
from producer.planning.rereading import plan_rereading, with_rereading
from producer.planning.silence import find_silent
from producer.providers.admission import Admission
from producer.providers.provider import Provider
from producer.publishing.publisher import Publisher
from producer.report import (
    report_answers,
    report_deferred,
    report_delays,
    report_holes,
    report_moves,
    report_overdue,
    report_quota,
    report_silent,
    report_unanswered,
)
from producer.reported_bars import ReportedBars
from producer.session_report import report_sessions
from stockstream.fields import lookback_lengths
from stockstream.instruments import Instrument
from stockstream.observability import logger
from stockstream.splits import NO_SPLITS, SplitsByName

# A provider that fails is asked again within 33 minutes, as long as there are requests. After an hour without
# one, or longer where the plan's requests are further apart, its failures are too old to be reported.
SILENCE_COUNTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Producer:
    """A run and what it needs: where bars come from, what may be asked, and where they go.

    Attributes:
        delay: by how much the provider's plan may delay its data.
        request_seconds: how long one request to the provider takes at the most. One that could outlast the
            run is not made.
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
    reported: ReportedBars = field(default_factory=ReportedBars)
    admission: Admission = field(default_factory=Admission)
    read_splits: Callable[[], SplitsByName] = lambda: NO_SPLITS

    def run(self, seconds: float) -> dict[str, int]:
        """Asks for what is due, and sends what has not been sent. One instrument's failure stops no other.

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
            fetched = self._fetching(splits, held.held_until).fetch_all(requests, deadline)
            known = ledger
            ledger = record_run(ledger, self.watchlist, fetched, self.allowance.spent, self.now())
            silent = find_silent(self.watchlist, ledger, self._longest_pause(ledger))
            ledger = record_reported(ledger, silent)
            release_lease(self.ledger_item, ledger, self.now(), held.version)
            # CloudWatch bills a metric for each hour in which it is sent: without requests none of these is.
            report_answers(fetched, self.watchlist.interval, self.allowance.spent, self.reported)
            report_sessions(fetched, self.watchlist, self.reported)
            report_delays(fetched, self.watchlist, known)
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
        """Sends a month of history, and what the tail lacks of it. A repetition changes only as_of.

        Args:
            instruments: whose history.
            month: `2026-10`.
            seconds: how long it may take. A repetition goes on where it stopped.

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
        interval = self.watchlist.interval
        fewest = min(requests_of_backfill(self.provider, each, interval) for each in instruments)
        check_requests(fewest, self.plan.requests_of_a_run(ledger), self.plan)
        splits = self.read_splits()
        held = self._take_lease(read, ledger, deadline)
        fetching = self._fetching(splits, held.held_until)
        fetched, history = [], dict(ledger.history)
        for instrument in instruments:
            since = history.pop(key := f"{instrument.name}|{interval}|{month}", None)
            fetched.append(fetching.fetch_month(instrument, month, deadline, since))
            if rest := unfinished_since(fetched[-1], since):
                history[key] = rest
        ledger = replace(ledger.spend(self.allowance.spent), history=history)
        release_lease(self.ledger_item, ledger, self.now(), held.version)
        report_answers(fetched, interval, self.allowance.spent, self.reported)
        report_sessions(fetched, self.watchlist, self.reported)
        return {each.instruments[0].name: describe_month(each) for each in fetched}

    def _fetching(self, splits: SplitsByName, lease_ends: datetime) -> Fetching:
        return Fetching(
            self.watchlist,
            self.provider,
            self.allowance,
            self.publisher,
            self.admission,
            splits,
            self.now,
            self.plan.partitions,
            lease_ends,
        )

    def _report_state(self, ledger: Ledger, *, asked: bool) -> None:
        now = self.now()
        if self.plan.requests_per_day is not None:
            report_quota(self.plan.requests_per_day - ledger.spent)
        lag = ExpectedLag(self._longest_pause(ledger), self.delay)
        report_overdue(measure_overdue(self.watchlist, ledger, lag, now))
        deferred = sum(ledger.of_instrument(each.name).deferred for each in self.watchlist.instruments)
        if asked or deferred:
            report_deferred(deferred)
        # Also in runs without requests: until an answer comes, the provider counts as silent. Where the day's
        # requests are spent none can come, and that is no sign of its end.
        is_spent = self.plan.requests_of_a_run(ledger) == 0
        counts = max(SILENCE_COUNTS, lag.pause)
        if asked or (ledger.unanswered_at and (is_spent or now - ledger.unanswered_at < counts)):
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

    def _lookback_to_reread(self) -> int | None:
        if not self.provider.answers_since:
            return None
        return max(lookback_lengths(self.publisher.post.windows).values())


def _require_a_tail(fetched: Sequence[Fetched]) -> None:
    """Fails the run if the table fails for every instrument, so that the alarm on errors goes off."""
    unreachable = [
        error for each in fetched for error in each.left.values() if isinstance(error, TailUnreachableError)
    ]
    if unreachable and not any(each.published for each in fetched):
        raise unreachable[0]
