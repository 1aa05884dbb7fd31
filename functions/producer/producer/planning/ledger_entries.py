"""The ledger's entries: answers, failures, and what was reported and sent."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from producer.planning.ledger import Ledger, RequestState, end_of_day, quota_day
from producer.providers.provider_errors import NEEDS_A_PERSON, FailureOutcome
from stockstream.sessions import NEW_YORK_TIME

# There is a run each minute. WAIT leaves out the next one; what only a person can mend is tried once an hour.
_PAUSES = {
    FailureOutcome.RETRY_SOON: timedelta(minutes=1),
    FailureOutcome.WAIT: timedelta(minutes=2),
    FailureOutcome.TELL_A_PERSON: timedelta(hours=1),
}
_MOST_DOUBLINGS = 5
_ALONE_AFTER = timedelta(hours=1)
_NONE: Mapping[str, Any] = MappingProxyType({})
# By this time in New York the new day has begun in California, too, where the provider may count its days.
_DAY_HAS_TURNED = time(4)


def record_answer(
    ledger: Ledger,
    now: datetime,
    newest: Mapping[str, datetime | None],
    quiet: Mapping[str, timedelta] = _NONE,
    deferred: Mapping[str, int] = _NONE,
    reread: Collection[str] = (),
) -> Ledger:
    """The ledger after one request that was answered.

    Args:
        ledger: before.
        now: when the request was made.
        newest: for each instrument of the request the open_time of the newest finished bar in the answer,
            None where there was none.
        quiet: for instruments of the request, as in RequestState.
        deferred: the same.
        reread: the names of those that were read again.
    """
    ledger = ledger.of_day(now)
    asked_at = _minute(now)
    changed = {}
    for name, open_time in newest.items():
        known = ledger.of_instrument(name)
        latest = max(filter(None, (known.newest, open_time)), default=None)
        changed[name] = RequestState(
            asked_at,
            latest,
            # After an answer without a valid bar it still waits for its first.
            failed_at=None if latest else known.failed_at or asked_at,
            quiet=quiet.get(name, timedelta()),
            deferred=deferred.get(name, 0),
            sent_until=known.sent_until,
            reread_at=asked_at if name in reread else known.reread_at or asked_at,
            reported=known.reported and latest == known.newest and not known.failures,
        )
    return replace(
        ledger,
        spent=ledger.spent + 1,
        instruments={**ledger.instruments, **changed},
        unanswered=0,
        unanswered_at=None,
    )


def record_failure(
    ledger: Ledger,
    now: datetime,
    names: Iterable[str],
    outcome: FailureOutcome,
    retry_after: timedelta | None = None,
    *,
    is_empty: bool = False,
) -> Ledger:
    """The ledger after one request that failed.

    An instrument fails alone if it has failed for an hour in which others were answered, as one that is
    delisted does. It is then asked no more often than if it had been answered: its retries would take what
    the others need of a plan that just fits.

    Args:
        ledger: before.
        now: when the request was made.
        names: the instruments of the request.
        outcome: what the failure means for the next request.
        retry_after: how long the provider asks to wait, if it says so.
        is_empty: whether the failure is an empty answer.
    """
    ledger = ledger.of_day(now)
    ledger = replace(ledger, spent=ledger.spent + 1)
    answered_at = _answered_before(ledger, _minute(now) - _ALONE_AFTER)
    changed = {}
    for name in names:
        state = ledger.of_instrument(name)
        asked_at = _minute(now) if is_empty and state.newest is None else state.asked_at
        changed[name] = state._replace(asked_at=asked_at, failed_at=state.failed_at or _minute(now))
        if outcome in _PAUSES:
            not_before = _minute(now) + _pause(state, outcome)
            if retry_after:
                # The first whole minute after it.
                not_before = max(not_before, _minute(now + retry_after) + timedelta(minutes=1))
            changed[name] = changed[name]._replace(
                not_before=not_before,
                failures=state.failures + 1,
                reported=state.reported or outcome in NEEDS_A_PERSON,
            )
            if state.failed_at and answered_at and state.failed_at < answered_at:
                changed[name] = changed[name]._replace(failed_alone_at=_minute(now))
    ledger = replace(ledger, instruments={**ledger.instruments, **changed})
    return replace(ledger, stopped_until=_next_day(now)) if outcome not in _PAUSES else ledger


def _answered_before(ledger: Ledger, moment: datetime) -> datetime | None:
    """When an instrument was answered whose newest answer is of a moment or before it; the last of these."""
    answers = (state.asked_at for state in ledger.instruments.values())
    return max((each for each in answers if each and each <= moment), default=None)


def record_waiting(ledger: Ledger, now: datetime, name: str, *, rereads: bool) -> Ledger:
    """The ledger after a request in which an instrument had no turn, since the allowance was spent.

    Args:
        ledger: before.
        now: when the request was made.
        name: the instrument's.
        rereads: whether the request had begun to read again what was sent long ago. The rest is left for the
            next rereading: if each run started over, it would get the first pages each time, and new bars
            would have no turn.
    """
    state = ledger.of_instrument(name)
    waiting = state._replace(
        failed_at=state.failed_at or _minute(now), reread_at=_minute(now) if rereads else state.reread_at
    )
    return replace(ledger, instruments={**ledger.instruments, name: waiting})


def _pause(state: RequestState, outcome: FailureOutcome) -> timedelta:
    """For how long an instrument is not asked for after a failure.

    As long as it has had no bar, as with a wrong symbol, each failure in a row doubles the pause: 2 minutes,
    4, 8, 16, 32 and then always 64, which are fewer bars of a minute than an answer shows.
    """
    is_new = outcome is FailureOutcome.WAIT and state.newest is None
    return _PAUSES[outcome] * (2 ** min(state.failures, _MOST_DOUBLINGS) if is_new else 1)


def record_reported(ledger: Ledger, names: Iterable[str]) -> Ledger:
    """The ledger after a person has been notified that nothing new comes of a few instruments."""
    changed = {name: ledger.of_instrument(name)._replace(reported=True) for name in names}
    return replace(ledger, instruments={**ledger.instruments, **changed})


def record_sent(ledger: Ledger, sent_until: Mapping[str, datetime]) -> Ledger:
    """The ledger with the cursors of a few instruments, as in RequestState."""
    changed = {
        name: ledger.of_instrument(name)._replace(sent_until=moment) for name, moment in sent_until.items()
    }
    return replace(ledger, instruments={**ledger.instruments, **changed})


def record_silence(ledger: Ledger, now: datetime) -> Ledger:
    """The ledger after a run whose requests all failed, for reasons that pass by themselves.

    Args:
        ledger: with the failures in it.
        now: when the run was.
    """
    return replace(ledger, unanswered=ledger.unanswered + 1, unanswered_at=_minute(now))


def _next_day(now: datetime) -> datetime:
    # Soon after midnight the provider's day may not have ended yet.
    if now.astimezone(NEW_YORK_TIME).time() < _DAY_HAS_TURNED:
        return _minute(now) + timedelta(hours=1)
    return end_of_day(quota_day(now))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
