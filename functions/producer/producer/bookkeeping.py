"""The books of a run: what its requests brought is written into the ledger. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.planning.allowance import AllowanceSpentError
from producer.planning.ledger import Ledger, record_answer, record_failure, record_silence
from producer.planning.overdue import longest_quiet
from producer.providers.answers import Answer
from producer.providers.provider_errors import NEEDS_A_PERSON
from stockstream.instruments import Instrument
from stockstream.times import parse_time


def record_run(
    ledger: Ledger, watchlist: Watchlist, fetched: Iterable[Fetched], requests: int, now: datetime
) -> Ledger:
    """The ledger after a run.

    An instrument that the run's allowance cut off is not a failure: the next run asks for it.

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
            if not isinstance(failure, AllowanceSpentError):
                ledger = record_failure(ledger, each.asked_at, [name], failure.outcome)
                has_failed |= failure.outcome not in NEEDS_A_PERSON
        whole = [one for one in each.instruments if one.name in each.answers and one.name not in failures]
        if whole:
            ledger = record_answer(
                ledger,
                each.asked_at,
                {one.name: _newest(each.answers[one.name], watchlist) for one in whole},
                {one.name: _quiet(one, each.answers[one.name], watchlist) for one in whole},
                each.deferred(watchlist.interval),
            )
            is_answered = True
    if has_failed and not is_answered:
        ledger = record_silence(ledger, now)
    return replace(ledger, spent=spent)


def _newest(answer: Answer, watchlist: Watchlist) -> datetime | None:
    newest = max(answer.finished_bars(watchlist.interval), default=None)
    return parse_time(newest) if newest else None


def _quiet(instrument: Instrument, answer: Answer, watchlist: Watchlist) -> timedelta:
    times = answer.finished_bars(watchlist.interval)
    return longest_quiet(watchlist.market_of(instrument), times, watchlist.interval)
