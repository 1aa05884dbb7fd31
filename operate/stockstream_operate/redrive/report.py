"""What a redrive says: entries counted by reason, and what is or was done with them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.table import Table

from stockstream.times import format_instant
from stockstream_operate.redrive.redrive import EntryResult
from stockstream_operate.redrive.triage import Action, Decision

_NAMES_SHOWN = 3
_NOTHING = "-"
_DONE = {
    Action.SEND: "sent as it is",
    Action.REPAIR: "repaired and sent",
    Action.INDEX: "indexed",
    Action.DELIVER: "delivered to the lake as JSON",
    Action.CLOSE: "put away",
    Action.REPEATED: "put away",
}
# What is to be done, and what was.
_WORDS = (
    (frozenset({Action.SEND, Action.REPAIR}), ("to send to the stream", "sent to the stream")),
    (frozenset({Action.INDEX}), ("to index again", "indexed again")),
    (frozenset({Action.DELIVER}), ("to deliver to the lake", "delivered to the lake")),
    (frozenset({Action.CLOSE, Action.REPEATED}), ("to put away", "put away")),
    (frozenset({Action.LEAVE}), ("for a person", "left for a person")),
)


@dataclass(slots=True)
class EntryGroup:
    """The entries with one reason and one action.

    Attributes:
        reason: why they were set aside.
        action: what is done with them.
        note: how one of them is repaired, or why it is not.
        count: how many there are.
        first, last: when the first and the last of them arrived; None where no entry says so.
        instruments: how many entries name each.
        refused: how many could not be sent.
        refusal: why one of them could not; empty where all could.
    """

    reason: str
    action: Action
    note: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    instruments: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    refusal: str = ""

    def add(self, result: EntryResult) -> None:
        """Counts an entry."""
        entry = result.decision.entry
        self.count += 1
        self.refused += bool(result.refusal)
        self.refusal = self.refusal or result.refusal
        if result.decision.instrument:
            self.instruments[result.decision.instrument] += 1
        if entry.arrived_at:
            self.first = min(self.first or entry.arrived_at, entry.arrived_at)
            self.last = max(self.last or entry.arrived_at, entry.arrived_at)


class RedriveReport:
    """Entries counted by reason and by what is done with them.

    Args:
        is_applied: whether it was a redrive, and no dry run.
    """

    def __init__(self, *, is_applied: bool) -> None:
        self._is_applied = is_applied
        self._rows: dict[tuple[str, Action, str], EntryGroup] = {}
        self.files = 0

    @property
    def rows(self) -> list[EntryGroup]:
        """The rows, by what is done, and the most entries first."""
        actions = list(Action)
        return sorted(self._rows.values(), key=lambda row: (actions.index(row.action), -row.count))

    def add(self, results: Iterable[EntryResult]) -> None:
        """Counts the entries of a file."""
        self.files += 1
        for result in results:
            decision = result.decision
            # What needs a person is one group with an example: each entry may be wrong in another way.
            note = "" if decision.action is Action.LEAVE else decision.note
            reason = _NOTHING if decision.action is Action.REPEATED else decision.reason
            key = (reason, decision.action, note)
            if key not in self._rows:
                self._rows[key] = EntryGroup(reason, decision.action, _detail(decision))
            self._rows[key].add(result)

    @property
    def refused(self) -> int:
        """How many entries could not be sent."""
        return sum(row.refused for row in self._rows.values())

    def table(self) -> Table:
        """The rows for a person."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("reason", overflow="fold")
        table.add_column("entries", justify="right")
        table.add_column("first, last (UTC)")
        table.add_column("instruments", overflow="fold")
        table.add_column("what was done" if self._is_applied else "what --apply does", overflow="fold")
        for row in self.rows:
            done = self._describe(row)
            table.add_row(row.reason, f"{row.count:,}", _times(row), _instruments(row.instruments), done)
        return table

    def summary(self) -> str:
        """The totals, in a sentence."""
        total = sum(row.count for row in self._rows.values())
        counts = [(self._count(actions), words[self._is_applied]) for actions, words in _WORDS]
        counts.append((self.refused, "refused, and still set aside"))
        parts = [f"{count:,} {words}" for count, words in counts if count]
        return f"Entries: {total:,}, in files: {self.files:,}; {', '.join(parts)}."

    def _count(self, actions: frozenset[Action]) -> int:
        return sum(row.count - row.refused for row in self._rows.values() if row.action in actions)

    def as_json(self) -> dict[str, Any]:
        """The same for a script."""
        return {
            "applied": self._is_applied,
            "files": self.files,
            "rows": [
                {
                    "reason": row.reason,
                    "action": row.action.value,
                    "note": row.note,
                    "count": row.count,
                    "first_arrival": row.first and format_instant(row.first),
                    "last_arrival": row.last and format_instant(row.last),
                    "instruments": dict(row.instruments.most_common()),
                    "refused": row.refused,
                    "refusal": row.refusal or None,
                }
                for row in self.rows
            ],
        }

    def _describe(self, row: EntryGroup) -> str:
        if row.action is Action.LEAVE or not self._is_applied:
            return f"{row.action}: {row.note}"
        done = row.count - row.refused
        parts = [f"{done:,} {_DONE[row.action]}: {row.note}"] if done else []
        parts += [f"{row.refused:,} refused: {row.refusal}"] if row.refused else []
        return "; ".join(parts)


def _detail(decision: Decision) -> str:
    return decision.note.removeprefix(f"{decision.reason}: ")


def _times(row: EntryGroup) -> str:
    if row.first is None or row.last is None:
        return _NOTHING
    first, last = f"{row.first:%Y-%m-%d %H:%M}", f"{row.last:%Y-%m-%d %H:%M}"
    return first if first == last else f"{first}\n{last}"


def _instruments(names: Counter[str]) -> str:
    shown = [name for name, _ in names.most_common(_NAMES_SHOWN)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") if shown else _NOTHING
