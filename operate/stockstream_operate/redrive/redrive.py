"""The loop of a redrive: each error file is read, decided on, sent again, and put away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stockstream_operate.redrive.error_files import ErrorFile, ErrorFiles
from stockstream_operate.redrive.resender import Resender
from stockstream_operate.redrive.set_aside import SetAside
from stockstream_operate.redrive.triage import BY_HAND, Action, Decision, Triage

_SENT = {Action.SEND, Action.REPAIR, Action.INDEX, Action.DELIVER}


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What became of an entry.

    Attributes:
        decision: what was decided.
        refusal: why it could not be done; empty where it was, or where nothing was tried.
    """

    decision: Decision
    refusal: str = ""


class EntryFilter:
    """Which of the entries are meant.

    Args:
        reason: only those that were set aside for this one; empty for all.
        limit: how many are sent at most; None for all.
        corrections: only these, by their names, with what a person has made of them; None for all.

    Attributes:
        unseen: the names of the corrections whose entries did not come yet.
    """

    def __init__(
        self, reason: str = "", limit: int | None = None, corrections: Mapping[str, bytes] | None = None
    ) -> None:
        self._reason = reason
        self._left = limit
        self._corrections = corrections
        self.unseen = set(corrections or ())

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self._left == 0

    def choose(self, entries: Sequence[SetAside], triage: Triage) -> dict[int, Decision]:
        """What is decided on those of a file's entries that are meant, by their positions in it."""
        chosen = {}
        for position, entry in enumerate(entries):
            corrected = self._correct(entry)
            if corrected is None:
                continue
            decision = triage.decide(corrected)
            if self._takes(decision):
                chosen[position] = decision
        return chosen

    def _correct(self, entry: SetAside) -> SetAside | None:
        if self._corrections is None:
            return entry
        data = self._corrections.get(entry.name)
        self.unseen.discard(entry.name)
        return None if data is None else replace(entry, data=data, error_code=BY_HAND, error_message="")

    def _takes(self, decision: Decision) -> bool:
        if self._reason and decision.reason != self._reason:
            return False
        if decision.action in _SENT and self._left is not None:
            if self.is_over:
                return False
            self._left -= 1
        return True


def redrive(
    files: ErrorFiles,
    listed: Sequence[ErrorFile],
    triage: Triage,
    wanted: EntryFilter,
    resender: Resender | None,
) -> Iterator[tuple[ErrorFile, list[EntryResult]]]:
    """Decides on all entries, and sends and puts away what can be; one file in memory at a time.

    Args:
        files: where the entries are.
        listed: the files, all listed before the first of them is sent. What fails again comes back as a new
            file, and must not pass for a copy of what was sent.
        triage: decides.
        wanted: which entries are meant.
        resender: sends them; None for a dry run, which changes nothing.

    Yields:
        Each file, and what became of those of its entries that are meant.
    """
    for file in listed:
        if wanted.is_over:
            return
        entries, version = files.read(file)
        chosen = wanted.choose(entries, triage)
        refusals = resender.send(list(chosen.values())) if resender else [""] * len(chosen)
        results = {
            position: EntryResult(decision, refusal)
            for (position, decision), refusal in zip(chosen.items(), refusals, strict=True)
        }
        done = {
            position
            for position, result in results.items()
            if result.decision.action is not Action.LEAVE and not result.refusal
        }
        if resender and done:
            files.put_away(file, version, entries, done)
        yield file, list(results.values())
