"""Bookkeeping: what a run's requests brought, written into the ledger. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.planning.allowance import AllowanceSpentError
from producer.planning.ledger import Ledger
from producer.planning.ledger_entries import (
    record_answer,
    record_failure,
    record_sent,
    record_silence,
    record_waiting,
)
from producer.planning.overdue import usual_quiet
from producer.providers.answers import BARS_PER_ANSWER, Answer
from producer.providers.provider_errors import NEEDS_A_PERSON, NoDataError, ProviderError
from producer.publishing.sending import Published
from stockstream.instruments import Instrument
from stockstream.times import parse_time

# A provider that stopped before a long weekend may show its last bars only after it.
_LATEST_BARS = timedelta(days=7)


def record_run(
    ledger: Ledger, watchlist: Watchlist, fetched: Iterable[Fetched], requests: int, now: datetime
) -> Ledger:
    """The ledger after a run.

    That the run's allowance was spent is no failure of an instrument: the next run asks for it.

    Args:
        ledger: before the run.
        watchlist: what is followed.
        fetched: what the run's requests brought.
        requests: how many were made; an answer in pages takes several.
        now: the end of the run, UTC.
    """
    spent = ledger.spent + requests
    is_answered = has_failed = False
    for each in fetched:
        failures = each.failures()
        for name, failure in failures.items():
            if isinstance(failure, AllowanceSpentError):
                has_begun = name in each.answers and bool(each.answers[name].bars)
                ledger = record_waiting(ledger, each.asked_at, name, rereads=each.rereads and has_begun)
            else:
                ledger = record_failure(
                    ledger,
                    each.asked_at,
                    [name],
                    failure.outcome,
                    failure.retry_after,
                    is_empty=isinstance(failure, NoDataError),
                )
                has_failed |= failure.outcome not in NEEDS_A_PERSON
        whole = [one for one in each.instruments if one.name in each.answers and one.name not in failures]
        if whole:
            ledger = record_answer(
                ledger,
                each.asked_at,
                {one.name: _newest(each.answers[one.name]) for one in whole},
                {one.name: _quiet(one, each, watchlist) for one in whole},
                each.deferred(),
                [one.name for one in whole if each.rereads and _is_whole(one.name, each)],
            )
            is_answered = True
        ledger = record_sent(ledger, _sent_until(ledger, each, failures, watchlist))
    if has_failed and not is_answered:
        ledger = record_silence(ledger, now)
    return replace(ledger, spent=spent)


def _sent_until(
    ledger: Ledger, fetched: Fetched, failures: Mapping[str, ProviderError], watchlist: Watchlist
) -> dict[str, datetime]:
    """The new cursors: the newest bar that was put or, if that is later, a week before a whole answer.

    Without the week, each run would ask for a suspended or delisted symbol from its last bar on.
    Where a longer answer is owed, the cursor stays before the gap that it is to fill, however old that is.
    """
    cursors = {}
    silent_since = fetched.asked_at - max(_LATEST_BARS, BARS_PER_ANSWER * watchlist.bar_length)
    for name, published in fetched.published.items():
        known = ledger.of_instrument(name).sent_until
        if known and fetched.answers[name].is_owed:
            continue
        is_whole = name not in failures and not published.unsent
        before = silent_since if is_whole else known
        newest = parse_time(published.newest) if published.newest else None
        if moment := max(filter(None, (before, newest)), default=None):
            cursors[name] = moment
    return cursors


def _is_whole(name: str, fetched: Fetched) -> bool:
    """Whether all that a rereading was made for has come and is sent."""
    return fetched.is_sent(name) and not fetched.answers[name].is_owed


def _newest(answer: Answer) -> datetime | None:
    newest = max(answer.bars, default=None)
    return parse_time(newest) if newest else None


def _quiet(instrument: Instrument, fetched: Fetched, watchlist: Watchlist) -> timedelta:
    # An answer may show only what is new, so the bars that were sent before count too.
    shown = fetched.answers[instrument.name].bars
    published = fetched.published.get(instrument.name, Published())
    return usual_quiet(watchlist.market_of(instrument), {*shown, *published.times}, watchlist.interval)
