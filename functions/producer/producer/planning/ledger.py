"""The ledger: which requests have been made, and what they brought. It is kept from run to run.

Alpha Vantage does not say when its quota day begins. Here it is New York's calendar day, which holds a whole
session of New York, extended hours included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Self

from stockstream.sessions import NEW_YORK_TIME
from stockstream.times import format_time, parse_time


class RequestState(NamedTuple):
    """What is known about the requests for one instrument.

    Attributes:
        asked_at: when its newest answer was asked for; as long as it has had no bar, an empty answer counts.
            None if there has been none.
        newest: the open_time of the newest finished bar that any answer showed.
        not_before: after a failure, when it may be asked again.
        failures: how many requests have failed since that answer.
        failed_at: when the first request since that answer was made that failed or in which it had no turn;
            as long as it has had no bar, when the very first request was made.
        quiet: for how long its market was usually open between two of its newest bars, as overdue.py says.
        deferred: how many bars the stream has not taken yet.
        sent_until: the cursor, from which on bars are asked for: what was shown of the time before it is in
            the stream, or in doubt in the tail. None if nothing has been sent.
        reread_at: when what was sent long ago was last read again, or else the first answer was asked for.
        reported: whether a person has been notified that nothing new comes of it, as silence.py says, or that
            it is refused.
        failed_alone_at: if its requests have failed for an hour in which others were answered, when the last
            of them was made.
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
    reported: bool = False
    failed_alone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The requests of a quota day, and the state of each instrument; all moments are UTC.

    Attributes:
        day: the quota day.
        spent: requests made in that day, failed ones too.
        stopped_until: until when nothing is asked, since the provider says that the day's requests are spent.
        instruments: by name.
        unanswered: how many runs in a row made requests and got no answer. A run with a refusal that needs a
            person is not counted, and does not end the row.
        unanswered_at: when the newest of these runs was.
        history: for each month whose backfill is not finished, `IBM|1min|2026-10`, from when on the rest is.
    """

    day: date = date.min
    spent: int = 0
    stopped_until: datetime | None = None
    instruments: Mapping[str, RequestState] = field(default_factory=dict)
    unanswered: int = 0
    unanswered_at: datetime | None = None
    history: Mapping[str, datetime] = field(default_factory=dict)

    def of_day(self, now: datetime) -> "Ledger":
        """The ledger of a moment: with nothing spent if its day is over."""
        today = quota_day(now)
        return self if self.day == today else replace(self, day=today, spent=0)

    def spend(self, requests: int) -> "Ledger":
        """The ledger with further requests spent."""
        return replace(self, spent=self.spent + requests)

    def of_instrument(self, name: str) -> RequestState:
        """The state of one instrument; an empty one if it has never been asked for."""
        return self.instruments.get(name, RequestState())

    def to_dict(self) -> dict[str, Any]:
        """The ledger as JSON types."""
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
                    "told": state.reported,  # its name in the ledgers of 0.1.0
                    "failed_alone_at": _format(state.failed_alone_at),
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
                    # A ledger of an earlier version has none: its newest bar was shown, and perhaps not sent.
                    _parse(state.get("sent_until")),
                    _parse(state.get("reread_at")),
                    bool(state.get("told")),
                    _parse(state.get("failed_alone_at")),
                )
                for name, state in data["instruments"].items()
            },
            unanswered=int(data["unanswered"]),
            unanswered_at=_parse(data["unanswered_at"]),
            history={name: parse_time(moment) for name, moment in data.get("history", {}).items()},
        )


def quota_day(now: datetime) -> date:
    """The quota day to which a request counts."""
    return now.astimezone(NEW_YORK_TIME).date()


def end_of_day(day: date) -> datetime:
    """When a quota day ends, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), NEW_YORK_TIME).astimezone(UTC)


def _format(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _parse(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
