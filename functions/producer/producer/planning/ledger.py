"""The ledger: which requests have been made, and what they brought. It is kept from run to run.

Alpha Vantage does not say when its day begins. Here it is New York's calendar day, since a whole session in
New York, with the trading before and after the regular hours, lies within one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from producer.providers.provider_errors import NEEDS_A_PERSON, FailureOutcome
from stockstream.sessions import NEW_YORK_TIME
from stockstream.times import format_time, parse_time

# There is a run each minute. WAIT leaves out the next one; what needs a person is tried once an hour.
_PAUSES = {
    FailureOutcome.RETRY_SOON: timedelta(minutes=1),
    FailureOutcome.WAIT: timedelta(minutes=2),
    FailureOutcome.TELL_A_PERSON: timedelta(hours=1),
}
_MOST_DOUBLINGS = 5
_NONE: Mapping[str, Any] = MappingProxyType({})
# By this time in New York the new day has begun in California too, wherever the provider counts.
_DAY_HAS_TURNED = time(4)


class RequestState(NamedTuple):
    """What is known about the requests for one instrument.

    Attributes:
        asked_at: when its newest answer was asked for, an empty one too as long as no bar has ever come; None
            if there has been none.
        newest: the open_time of the newest finished bar that any answer showed.
        not_before: after a failure, when it may be asked again.
        failures: how many requests have failed since that answer.
        failed_at: when the first request was made since then that failed, or in which it had no turn; and as
            long as no bar has ever come, when the first of all was.
        quiet: for how long its market was usually open between two of its newest bars, as overdue.py says.
        deferred: how many bars the stream has not taken yet.
        sent_until: the cursor, from which on bars are asked for: of what has been shown of the time before
            it, nothing waits to be sent. None if nothing has been sent.
        reread_at: when what was sent long ago was read again, or else the first answer was asked for.
        told: whether people have been told that nothing new comes of it, as silence.py says, or that it is
            refused.
    """

    asked_at: datetime | None = None
    newest: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None
    quiet: timedelta = timedelta()
    deferred: int = 0
    sent_until: datetime | None = None
    reread_at: datetime | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """The requests of a provider's day, and the newest of each instrument; all moments are UTC.

    Attributes:
        day: the quota day.
        spent: requests made in that day, failed ones too.
        stopped_until: until when nothing is asked, since the provider says that the day's requests are spent.
        instruments: by name.
        unanswered: how many runs in a row had requests and no answer to any. A refusal that needs a person
            is no such run, and does not end the row.
        unanswered_at: when the newest of these runs was.
        history: of months whose backfill is not finished, by what names them: from when on the rest is.
    """

    day: date = date.min
    spent: int = 0
    stopped_until: datetime | None = None
    instruments: Mapping[str, RequestState] = field(default_factory=dict)
    unanswered: int = 0
    unanswered_at: datetime | None = None
    history: Mapping[str, datetime] = field(default_factory=dict)

    def of_day(self, now: datetime) -> "Ledger":
        """The same ledger, with nothing spent if its day is over."""
        today = quota_day(now)
        return self if self.day == today else replace(self, day=today, spent=0)

    def spend(self, requests: int) -> "Ledger":
        """The same ledger, with so many requests more spent."""
        return replace(self, spent=self.spent + requests)

    def of_instrument(self, name: str) -> RequestState:
        """What is known about the requests for one instrument; nothing if it has never been asked for."""
        return self.instruments.get(name, RequestState())

    def to_dict(self) -> dict[str, Any]:
        """The ledger as strings, numbers and None."""
        return {
            "day": self.day.isoformat(),
            "spent": self.spent,
            "stopped_until": _format(self.stopped_until),
            "instruments": {
                name: {
                    "asked_at": _format(state.asked_at),
                    "newest": _format(state.newest),
                    "not_before": _format(state.not_before),
                    "failures": state.failures,
                    "failed_at": _format(state.failed_at),
                    "quiet_seconds": int(state.quiet.total_seconds()),
                    "deferred": state.deferred,
                    "sent_until": _format(state.sent_until),
                    "reread_at": _format(state.reread_at),
                    "told": state.told,
                }
                for name, state in self.instruments.items()
            },
            "unanswered": self.unanswered,
            "unanswered_at": _format(self.unanswered_at),
            "history": {name: _format(moment) for name, moment in self.history.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The ledger that to_dict wrote."""
        return cls(
            day=date.fromisoformat(data["day"]),
            spent=int(data["spent"]),
            stopped_until=_parse(data["stopped_until"]),
            instruments={
                name: RequestState(
                    _parse(state["asked_at"]),
                    _parse(state["newest"]),
                    _parse(state["not_before"]),
                    int(state["failures"]),
                    _parse(state["failed_at"]),
                    timedelta(seconds=int(state["quiet_seconds"])),
                    int(state["deferred"]),
                    # An earlier version's ledger has none: its newest bar was shown, and perhaps not sent.
                    _parse(state.get("sent_until")),
                    _parse(state.get("reread_at")),
                    bool(state.get("told")),
                )
                for name, state in data["instruments"].items()
            },
            unanswered=int(data["unanswered"]),
            unanswered_at=_parse(data["unanswered_at"]),
            history={name: parse_time(moment) for name, moment in data.get("history", {}).items()},
        )


def quota_day(now: datetime) -> date:
    """The day whose requests a request counts to."""
    return now.astimezone(NEW_YORK_TIME).date()


def end_of_day(day: date) -> datetime:
    """When a quota day ends, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), NEW_YORK_TIME).astimezone(UTC)


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
            # An answer without any good bar leaves it waiting for its first.
            failed_at=None if latest else known.failed_at or asked_at,
            quiet=quiet.get(name, timedelta()),
            deferred=deferred.get(name, 0),
            sent_until=known.sent_until,
            reread_at=asked_at if name in reread else known.reread_at or asked_at,
            told=known.told and latest == known.newest and not known.failures,
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

    Args:
        ledger: before.
        now: when the request was made.
        names: the instruments of the request.
        outcome: what the failure means for the next request.
        retry_after: for how long the provider asks to be left alone, if it does.
        is_empty: whether the failure is an answer without bars.
    """
    ledger = ledger.of_day(now)
    ledger = replace(ledger, spent=ledger.spent + 1)
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
                told=state.told or outcome in NEEDS_A_PERSON,
            )
    ledger = replace(ledger, instruments={**ledger.instruments, **changed})
    return replace(ledger, stopped_until=_next_day(now)) if outcome not in _PAUSES else ledger


def record_waiting(ledger: Ledger, now: datetime, name: str, *, again: bool) -> Ledger:
    """The ledger after a request in which an instrument did not get its turn: it waits since then.

    Args:
        ledger: before.
        now: when the request was made.
        name: the instrument's.
        again: whether the request had begun to read again what was sent long ago. The rest is left for the
            next time: begun anew in each run, it would get its first pages in each, and what is new no turn.
    """
    state = ledger.of_instrument(name)
    waiting = state._replace(
        failed_at=state.failed_at or _minute(now), reread_at=_minute(now) if again else state.reread_at
    )
    return replace(ledger, instruments={**ledger.instruments, name: waiting})


def _pause(state: RequestState, outcome: FailureOutcome) -> timedelta:
    """For how long an instrument is left alone after a failure.

    Of what has never had a bar, as a wrong symbol never has, each failure in a row doubles the pause: 2
    minutes, 4, 8, 16, 32 and then always 64, in which fewer bars of a minute come than an answer shows.
    """
    is_new = outcome is FailureOutcome.WAIT and state.newest is None
    return _PAUSES[outcome] * (2 ** min(state.failures, _MOST_DOUBLINGS) if is_new else 1)


def record_told(ledger: Ledger, names: Iterable[str]) -> Ledger:
    """The ledger after people have been told that nothing new comes of a few instruments."""
    changed = {name: ledger.of_instrument(name)._replace(told=True) for name in names}
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
    # Soon after midnight the provider may still count the day before, if its day ends later.
    if now.astimezone(NEW_YORK_TIME).time() < _DAY_HAS_TURNED:
        return _minute(now) + timedelta(hours=1)
    return end_of_day(quota_day(now))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _format(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _parse(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
