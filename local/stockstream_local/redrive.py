"""`stockstream redrive`: what Firehose set aside, decided on file by file, and sent again where asked to."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Protocol

import orjson

from stockstream.errors import StockstreamError
from stockstream_local.decisions import BY_HAND, Action, Decision, Judge
from stockstream_local.error_files import ErrorFile, ErrorFiles
from stockstream_local.lake import Document
from stockstream_local.set_aside import SetAside

# A shard takes 1 MB a second: a chunk of records with full look-backs takes some 3 seconds.
CHUNK_RECORDS = 500
PATIENCE_SECONDS = 60.0
SENT_TO_STREAM = {Action.SEND, Action.MEND}
SENT = {*SENT_TO_STREAM, Action.INDEX}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An entry's fate.

    Attributes:
        decision: what was decided.
        refusal: why it could not be done; empty where it was, or where nothing was tried.
    """

    decision: Decision
    refusal: str = ""


class Stream(Protocol):
    """Where records go: the producer's BarStream, or a fake."""

    @property
    def refusal(self) -> str:
        """Why the stream turned something away the last time; empty if it never did."""

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        """Puts records; the positions of those that were acknowledged."""


class Sender:
    """Sends records to the stream, and documents to the search index.

    Args:
        stream: takes records.
        index: indexes documents; of each why it was refused, or nothing. None where there is no search index.
    """

    def __init__(self, stream: Stream, index: Callable[[list[Document]], list[str]] | None) -> None:
        self._stream = stream
        self._index = index
        self._patience = PATIENCE_SECONDS

    def send(self, decisions: Sequence[Decision]) -> list[str]:
        """Sends what is to be sent; of each decision why it was refused, or nothing."""
        refusals = [""] * len(decisions)
        positions: dict[str, list[int]] = defaultdict(list)
        documents: list[int] = []
        for position, each in enumerate(decisions):
            if each.action in SENT_TO_STREAM:
                positions[each.instrument].append(position)
            elif each.action is Action.INDEX:
                documents.append(position)
        for instrument, theirs in positions.items():
            for chunk in batched(theirs, CHUNK_RECORDS, strict=False):
                told = self._put(instrument, [decisions[position].data for position in chunk])
                for position, refusal in zip(chunk, told, strict=True):
                    refusals[position] = refusal
        told = self._index_all([orjson.loads(decisions[position].data) for position in documents])
        for position, refusal in zip(documents, told, strict=True):
            refusals[position] = refusal
        return refusals

    def _put(self, instrument: str, records: Sequence[bytes]) -> list[str]:
        taken = self._stream.put(instrument, records, time.monotonic() + self._patience)
        # A stream that took nothing for so long is asked again, and not waited for until it takes something.
        self._patience = PATIENCE_SECONDS if taken else 0.0
        refusal = f"the stream did not take it: {self._stream.refusal or 'no time was left'}"
        return ["" if position in taken else refusal for position in range(len(records))]

    def _index_all(self, documents: list[Document]) -> list[str]:
        if not documents:
            return []
        if self._index is None:
            return ["there is no search index: name it with --endpoint"] * len(documents)
        try:
            return self._index(documents)
        except StockstreamError as error:
            return [str(error)] * len(documents)


class Selection:
    """Which of the entries are meant.

    Args:
        reason: only those that were set aside for this one; empty for all.
        limit: how many are sent at most; None for all.
        corrections: only these, by their names, with what a person has made of them; None for all.
    """

    def __init__(
        self, reason: str = "", limit: int | None = None, corrections: Mapping[str, bytes] | None = None
    ) -> None:
        self._reason = reason
        self._left = limit
        self._corrections = corrections

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self._left == 0

    def choose(self, entries: Sequence[SetAside], judge: Judge) -> dict[int, Decision]:
        """What is decided on those of a file's entries that are meant, by their positions in it."""
        chosen = {}
        for position, entry in enumerate(entries):
            corrected = self._correct(entry)
            if corrected is None:
                continue
            decision = judge.decide(corrected)
            if self._takes(decision):
                chosen[position] = decision
        return chosen

    def _correct(self, entry: SetAside) -> SetAside | None:
        if self._corrections is None:
            return entry
        data = self._corrections.get(entry.name)
        return None if data is None else replace(entry, data=data, error_code=BY_HAND, error_message="")

    def _takes(self, decision: Decision) -> bool:
        if self._reason and decision.reason != self._reason:
            return False
        if decision.action in SENT and self._left is not None:
            if self.is_over:
                return False
            self._left -= 1
        return True


def redrive(
    files: ErrorFiles,
    listed: Sequence[ErrorFile],
    judge: Judge,
    selection: Selection,
    sender: Sender | None,
) -> Iterator[tuple[ErrorFile, list[Outcome]]]:
    """Decides on all entries, and sends and puts away what can be; one file in memory at a time.

    Args:
        files: where the entries are.
        listed: the files, all listed before the first of them is sent. What fails again comes back as a new
            file, and must not pass for a copy of what was sent.
        judge: decides.
        selection: which entries are meant.
        sender: sends them; None for a dry run, which changes nothing.

    Yields:
        Each file, and what became of those of its entries that are meant.
    """
    for file in listed:
        if selection.is_over:
            return
        entries, version = files.read(file)
        chosen = selection.choose(entries, judge)
        refusals = sender.send(list(chosen.values())) if sender else [""] * len(chosen)
        outcomes = {
            position: Outcome(decision, refusal)
            for (position, decision), refusal in zip(chosen.items(), refusals, strict=True)
        }
        done = {
            position
            for position, outcome in outcomes.items()
            if outcome.decision.action is not Action.LEAVE and not outcome.refusal
        }
        if sender and done:
            files.put_away(file, version, entries, done)
        yield file, list(outcomes.values())
