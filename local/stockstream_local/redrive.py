"""`stockstream redrive`: what Firehose set aside, decided on file by file, and sent again where asked to."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import Protocol

from stockstream_local.decisions import Action, Decision, Judge
from stockstream_local.error_files import ErrorFile, ErrorFiles
from stockstream_local.hand_mending import Correction
from stockstream_local.search_again import Failed, SearchAgainError
from stockstream_local.set_aside import Kind, SetAside

# How long the stream may refuse the records of one file before they are left for the next redrive.
SEND_SECONDS = 60.0
SENT_TO_STREAM = {Action.SEND, Action.MEND}
SENT = {*SENT_TO_STREAM, Action.INDEX, Action.DELIVER}


class Result(StrEnum):
    """What became of an entry."""

    PLANNED = "planned"
    DONE = "done"
    REFUSED = "refused"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An entry's fate.

    Attributes:
        decision: what was decided.
        result: what became of it.
        detail: why it was refused; empty otherwise.
    """

    decision: Decision
    result: Result
    detail: str = ""


class Stream(Protocol):
    """Where records go: the producer's BarStream, or a fake."""

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        """Puts records; the positions of those that were acknowledged."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where things go.

    Attributes:
        stream: takes records.
        search: indexes documents; of each why it was refused, or None. None where there is no search index.
        lake: delivers documents, each with its day.
    """

    stream: Stream
    search: Callable[[Sequence[Failed]], list[str | None]] | None
    lake: Callable[[Sequence[tuple[str, bytes]]], None]


class Selection:
    """Which of the entries are meant.

    Args:
        reason: only those that were set aside for this one; empty for all.
        limit: how many are sent at most; None for all.
    """

    def __init__(self, reason: str = "", limit: int | None = None) -> None:
        self._reason = reason
        self._left = limit

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self._left == 0

    def takes(self, decision: Decision) -> bool:
        """Whether an entry is meant; what is sent counts towards the limit."""
        if self._reason and decision.reason != self._reason:
            return False
        if decision.action in SENT and self._left is not None:
            if self.is_over:
                return False
            self._left -= 1
        return True


def redrive(
    files: ErrorFiles,
    since: str,
    judge: Judge,
    selection: Selection,
    destinations: Destinations | None,
) -> Iterator[tuple[ErrorFile, list[Outcome]]]:
    """Decides on all entries, and sends and puts away what can be; one file in memory at a time.

    Args:
        files: where the entries are.
        since: the first day, `YYYY-MM-DD`; empty for all.
        judge: decides.
        selection: which entries are meant.
        destinations: where they are sent; None for a dry run, which changes nothing.

    Yields:
        Each file, and what became of those of its entries that are meant.
    """
    for file in files.list_files(since):
        if selection.is_over:
            return
        entries, version = files.read(file)
        decisions = [judge.decide(entry) for entry in entries]
        meant = {position: each for position, each in enumerate(decisions) if selection.takes(each)}
        if destinations is None:
            yield file, [Outcome(each, _planned(each)) for each in meant.values()]
            continue
        refusals = send(list(meant.values()), destinations)
        outcomes = {
            position: _settle(each, refusal)
            for (position, each), refusal in zip(meant.items(), refusals, strict=True)
        }
        done = {position for position, outcome in outcomes.items() if outcome.result is Result.DONE}
        if done:
            files.put_away(file, version, entries, done)
        yield file, list(outcomes.values())


def redrive_corrections(
    files: ErrorFiles,
    corrections: Sequence[Correction],
    judge: Judge,
    selection: Selection,
    destinations: Destinations | None,
) -> list[Outcome]:
    """Does the same with entries that a person has edited, and puts away those that they stand for.

    Args:
        files: where they were set aside.
        corrections: the edited entries.
        judge: decides.
        selection: which of them are meant.
        destinations: where they are sent; None for a dry run, which changes nothing.

    Returns:
        What became of those that are meant.
    """
    meant = [
        (correction, decision)
        for correction, decision in ((each, judge.decide(each.entry)) for each in corrections)
        if selection.takes(decision)
    ]
    if destinations is None:
        return [Outcome(decision, _planned(decision)) for _, decision in meant]
    refusals = send([decision for _, decision in meant], destinations)
    outcomes = []
    settled: dict[tuple[str, Kind], set[str]] = defaultdict(set)
    for (correction, decision), refusal in zip(meant, refusals, strict=True):
        outcome = _settle(decision, refusal)
        outcomes.append(outcome)
        if outcome.result is Result.DONE:
            settled[correction.entry.key, correction.entry.kind].add(correction.digest)
    for (key, kind), digests in settled.items():
        file = ErrorFile(key, kind, 0, key)
        entries, version = files.read(file)
        done = {position for position, entry in enumerate(entries) if entry.digest in digests}
        if done:
            files.put_away(file, version, entries, done)
    return outcomes


def send(decisions: Sequence[Decision], destinations: Destinations) -> list[str | None]:
    """Sends what is to be sent; of each decision why it was refused, or None."""
    refusals: list[str | None] = [None] * len(decisions)
    kinds = (
        (SENT_TO_STREAM, _send_records),
        ({Action.INDEX}, _index_documents),
        ({Action.DELIVER}, _deliver_documents),
    )
    for actions, send_all in kinds:
        positions = [position for position, each in enumerate(decisions) if each.action in actions]
        if positions:
            told = send_all([decisions[position] for position in positions], destinations)
            for position, refusal in zip(positions, told, strict=True):
                refusals[position] = refusal
    return refusals


def _send_records(decisions: Sequence[Decision], destinations: Destinations) -> list[str | None]:
    refusals: list[str | None] = ["the stream did not take it in time"] * len(decisions)
    deadline = time.monotonic() + SEND_SECONDS
    positions: dict[str, list[int]] = defaultdict(list)
    for position, each in enumerate(decisions):
        positions[each.instrument].append(position)
    for instrument, theirs in positions.items():
        records = [decisions[position].data for position in theirs]
        for taken in destinations.stream.put(instrument, records, deadline):
            refusals[theirs[taken]] = None
    return refusals


def _index_documents(decisions: Sequence[Decision], destinations: Destinations) -> list[str | None]:
    if destinations.search is None:
        return ["there is no search index: name it with --endpoint"] * len(decisions)
    try:
        return destinations.search(
            [Failed(each.entry.index, each.bar, each.as_of, each.data) for each in decisions]
        )
    except SearchAgainError as error:
        return [str(error)] * len(decisions)


def _deliver_documents(decisions: Sequence[Decision], destinations: Destinations) -> list[str | None]:
    destinations.lake([(_arrival_day(each.entry, each.bar), each.data) for each in decisions])
    return [None] * len(decisions)


def _arrival_day(entry: SetAside, bar: str) -> str:
    if entry.arrived_at:
        return entry.arrived_at.astimezone(UTC).date().isoformat()
    return bar.rpartition("|")[2].partition("T")[0]


def _planned(decision: Decision) -> Result:
    return Result.LEFT if decision.action is Action.LEAVE else Result.PLANNED


def _settle(decision: Decision, refusal: str | None) -> Outcome:
    if decision.action is Action.LEAVE:
        return Outcome(decision, Result.LEFT)
    return Outcome(decision, Result.REFUSED, refusal) if refusal else Outcome(decision, Result.DONE)
