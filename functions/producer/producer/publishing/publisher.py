"""Publishing what a provider answered about one instrument: plan, put, and then write the tail."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import NamedTuple

from producer.memory.instrument_table import InstrumentTable, VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.publishing.history import plan_history
from producer.publishing.price_moves import NO_WATCH, PriceMove, PriceWatch
from producer.publishing.publication import (
    Cause,
    Publication,
    advance,
    alters_the_past,
    comparable_bars,
    plan_publications,
    with_splits,
)
from producer.publishing.split_suspicions import SplitSuspicion, suspect_split
from stockstream.bar_stream import BarStream
from stockstream.bars import Bar
from stockstream.instruments import Instrument
from stockstream.records import encode_record
from stockstream.splits import Split
from stockstream.times import format_instant
from stockstream.windows import Windows

# Reading a tail takes so many calls: its head, and its base where that has not been seen yet.
_READ_CALLS = 2
# After each slice the tail is written, so that a long catch-up that is cut off goes on where it stopped.
SLICE_BARS = 500


class NoTimeLeftError(TailError):
    """The run would outlast its time."""


@dataclass(slots=True)
class Published:
    """What became of one answer.

    Attributes:
        causes: how many bars are in the stream now, by why they were sent.
        unsent: how many the stream did not take; the next answer's run sends them.
        newest: the open_time of the newest bar that has been put, in this run or before; empty if none has. A
            bar after it may have been shown, and is not remembered.
        hole: the open_times before and after bars that are missing and that the provider no longer shows.
        move: the price's greatest move among the new bars; None where none was measured.
        suspicion: what among the new bars looks like a split.
        unsent_from: of history, the open_time of the oldest bar that is not in the stream; empty if all are.
        times: the open_times of all bars that the answer shows and the tail remembers.
    """

    causes: Counter[Cause] = field(default_factory=Counter)
    unsent: int = 0
    newest: str = ""
    hole: tuple[str, str] | None = None
    move: PriceMove | None = None
    suspicion: SplitSuspicion | None = None
    unsent_from: str = ""
    times: Collection[str] = ()


class _Sending(NamedTuple):
    """What an answer is about, when the provider gave it, and when all must be remembered."""

    instrument: Instrument
    as_of: datetime
    deadline: float


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where bars go, and what has been sent.

    What is begun is finished: no tail is read, and no bars are put, unless the time that is left suffices for
    calls that are never answered, and for remembering what was put.

    Attributes:
        table_seconds: how long a call of the table takes at the most.
        stream_seconds: the same of the stream.
    """

    source: str
    stream: BarStream
    table: InstrumentTable
    interval: str
    windows: Windows
    watch: PriceWatch = NO_WATCH
    table_seconds: float = 0.0
    stream_seconds: float = 0.0

    def publish(
        self,
        instrument: Instrument,
        answer: Answer,
        deadline: float,
        *,
        again: bool = False,
        splits: Sequence[Split] = (),
    ) -> Published:
        """Sends what an answer shows and the tail does not hold.

        Args:
            instrument: what the answer is about.
            answer: the provider's, without the bar that is still forming.
            deadline: when all must be remembered, on time.monotonic.
            again: whether the answer reaches back over all that the tail remembers: what was sent before that
                is none of its business.
            splits: the instrument's, as they are confirmed, the oldest first.

        Raises:
            TailError: the tail was not read or not written. The next run sends what is missing.
        """
        tail, version = self._read_tail(instrument, deadline)
        shown = answer.bars
        if again:
            shown = comparable_bars(shown, tail, self.windows)
        publications = plan_publications(shown, tail, self.windows, splits)
        new = {each.open_time for each in publications if each.cause is Cause.NEW}
        known = {**tail.bars, **shown}
        published = Published(
            unsent=len(publications),
            hole=None if answer.reaches_back else _hole(tail, shown),
            move=self.watch.find_move(instrument, self.interval, known, new, answer.asked_at),
            times=known.keys(),
        )
        sending = _Sending(instrument, answer.as_of, deadline)
        remembered = VersionedTail(with_splits(tail, splits), version)
        tail = self._send(sending, publications, remembered, published)
        published.newest = tail.newest
        # What was not even put is new to the next run, too.
        put = new & tail.bars.keys()
        published.suspicion = suspect_split(instrument, known, put, splits, answer.asked_at)
        return published

    def publish_history(
        self,
        instrument: Instrument,
        answer: Answer,
        before: Mapping[str, Ohlcv],
        deadline: float,
        begin: str = "",
        splits: Sequence[Split] = (),
    ) -> Published:
        """Sends what an answer shows of the time before the tail, and what the tail lacks of its own time.

        Args:
            instrument: what the answer is about.
            answer: the provider's.
            before: the bars before those of the answer, for their look-back.
            deadline: when all must be remembered, on time.monotonic.
            begin: the open_time from which on history is sent; empty for all of it.
            splits: the instrument's, as they are confirmed, the oldest first.

        Raises:
            TailError: the tail was not read or not written.
        """
        tail, version = self._read_tail(instrument, deadline)
        plan = plan_history(answer.bars, before, tail, self.windows, begin, splits)
        published = Published(unsent=len(plan.older) + len(plan.within))
        for piece in batched(plan.older_publications(self.windows), SLICE_BARS, strict=False):
            published.unsent_from = piece[0].open_time
            if time.monotonic() >= deadline:
                return published
            acknowledged = self._put(instrument, piece, answer.as_of, deadline)
            published.causes.update(piece[position].cause for position in acknowledged)
            published.unsent -= len(acknowledged)
            if len(acknowledged) < len(piece):
                # What lies within the tail would be remembered, and these bars with it, as if they were sent.
                published.unsent_from = _first_refused(piece, acknowledged)
                return published
        sending = _Sending(instrument, answer.as_of, deadline)
        remembered = VersionedTail(with_splits(plan.tail, splits), version)
        self._send(sending, plan.within, remembered, published)
        # What the stream did not take of the tail's time is in doubt, and the next answer's run sends it.
        published.unsent_from = plan.within[0].open_time if published.unsent else ""
        return published

    def _read_tail(self, instrument: Instrument, deadline: float) -> VersionedTail:
        if time.monotonic() + _READ_CALLS * self.table_seconds > deadline:
            raise NoTimeLeftError("the run's time did not suffice")
        return self.table.read_tail(instrument.name, self.interval)

    def _send(
        self,
        sending: _Sending,
        publications: Sequence[Publication],
        remembered: VersionedTail,
        published: Published,
    ) -> Tail:
        """Puts the publications, counts what is taken, and remembers it; the tail of then."""
        tail, version = remembered
        instrument = sending.instrument
        for piece in _slices(publications):
            writes = 2 if alters_the_past(piece) else 1
            if time.monotonic() + writes * self.table_seconds + self.stream_seconds > sending.deadline:
                break
            if alters_the_past(piece):
                in_doubt = advance(tail, piece, (), self.windows)
                tail, version = self.table.write_tail(instrument.name, self.interval, in_doubt, version)
            acknowledged = self._put(instrument, piece, sending.as_of, sending.deadline)
            tail, version = self.table.write_tail(
                instrument.name, self.interval, advance(tail, piece, acknowledged, self.windows), version
            )
            published.causes.update(piece[position].cause for position in acknowledged)
            published.unsent -= len(acknowledged)
            if len(acknowledged) < len(piece):
                break
        return tail

    def _put(
        self, instrument: Instrument, publications: Sequence[Publication], as_of: datetime, deadline: float
    ) -> set[int]:
        records = [
            encode_record(
                Bar(
                    instrument=instrument.name,
                    asset_class=instrument.asset_class,
                    interval=self.interval,
                    open_time=each.open_time,
                    **each.numbers._asdict(),
                    source=self.source,
                    as_of=format_instant(as_of),
                ),
                each.lookback,
            )
            for each in publications
        ]
        return self.stream.put(instrument.name, records, deadline - self.table_seconds)


def _first_refused(publications: Sequence[Publication], acknowledged: Collection[int]) -> str:
    return next(each.open_time for position, each in enumerate(publications) if position not in acknowledged)


def _slices(publications: Sequence[Publication]) -> Iterator[Sequence[Publication]]:
    """First all late, revised and repeated bars together, since one change causes many; then the new bars."""
    past = [each for each in publications if each.cause is not Cause.NEW]
    if past:
        yield past
    yield from batched((each for each in publications if each.cause is Cause.NEW), SLICE_BARS, strict=False)


def _hole(tail: Tail, shown: Mapping[str, Ohlcv]) -> tuple[str, str] | None:
    """The newest bar that was sent and the oldest that is shown, if there is a gap between them."""
    oldest = min(shown, default="")
    return (tail.newest, oldest) if tail.bars and tail.newest < oldest else None
