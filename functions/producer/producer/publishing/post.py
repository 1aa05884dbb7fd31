"""Putting bars into the stream, and remembering in the table which of them it took."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, batched, pairwise

from producer.memory.batch_write import CALL_UPDATES
from producer.memory.instrument_table import InstrumentTable, TailReader, TailWrite, VersionedTail
from producer.memory.tail import TailError
from producer.publishing.publication import Publication, advance, alters_the_past
from producer.publishing.sending import Piece, Sending
from stockstream.bar_stream import BarStream, KeyedRecord
from stockstream.bars import Bar
from stockstream.instruments import Instrument
from stockstream.records import encode_record
from stockstream.times import format_instant
from stockstream.windows import Windows

# Reading tails takes so many calls: their heads, and the bases that have not been seen yet.
_READ_CALLS = 2


class NoTimeLeftError(TailError):
    """The run would outlast its time."""


class LeaseOverError(TailError):
    """The run's lease had ended when it read tails: another run may have written them."""


@dataclass(frozen=True, slots=True)
class Post:
    """The stream and the table, and how long they may take.

    What is begun is finished: no tails are read, and no bars are put, unless the time that is left suffices
    for calls that are never answered, and for remembering a bar that was put. If the table answers none of
    the writes after a put of many instruments, the time may end before the last: those bars are sent again.

    Attributes:
        source: the provider's name, for the records.
        interval: of the bars.
        windows: what the look-backs serve.
        table_seconds: how long a call of the table takes at the most.
        stream_seconds: the same of the stream.
    """

    source: str
    stream: BarStream
    table: InstrumentTable
    interval: str
    windows: Windows
    table_seconds: float
    stream_seconds: float

    def read_tails(
        self, instruments: Collection[Instrument], deadline: float, is_held: Callable[[], bool]
    ) -> TailReader:
        """What gives the tail of each instrument.

        A machine may stand still, with its clock for deadlines, until the lease of its run has ended and
        another run has sent newer answers. What this run made of those tails would have an older as_of.
        If the other run begins after they were read, its tails have other versions, and this run writes none.

        Raises:
            TailError: they were not read, or nobody knows whose they are.
        """
        if time.monotonic() + _READ_CALLS * self.table_seconds > deadline:
            raise NoTimeLeftError("the run's time did not suffice")
        tail_of = self.table.read_tails([each.name for each in instruments], self.interval)
        if not is_held():
            raise LeaseOverError("the run stood still until its lease had ended")
        return tail_of

    def send(self, parcel: Sequence[Piece], deadline: float) -> None:
        """Puts a parcel, counts what is taken, and remembers it."""
        ready = self._prepare(parcel, deadline)
        if not ready:
            return
        taken = self.put(ready, deadline)
        self._remember(ready, taken, deadline)
        for piece, acknowledged in zip(ready, taken, strict=True):
            if piece.sending.error is None:
                piece.sending.take(piece.publications, acknowledged)

    def _prepare(self, parcel: Sequence[Piece], deadline: float) -> list[Piece]:
        """The pieces that may be put: there is time, and the tails say so of those that alter the past."""
        ready, in_doubt = [], []
        for piece in parcel:
            alters = alters_the_past(piece.publications)
            writes = 2 if alters else 1
            if time.monotonic() + writes * self.table_seconds + self.stream_seconds > deadline:
                piece.sending.is_over = True
                continue
            ready.append(piece)
            if alters:
                in_doubt.append(piece)
        self._remember(in_doubt, [()] * len(in_doubt), deadline)
        return [piece for piece in ready if piece.sending.error is None]

    def _remember(
        self, pieces: Sequence[Piece], acknowledged: Sequence[Collection[int]], deadline: float
    ) -> None:
        """Writes the tails once pieces were put, of each of which so much was acknowledged."""
        for some in batched(zip(pieces, acknowledged, strict=True), CALL_UPDATES, strict=False):
            writes = [self._advance(piece, taken) for piece, taken in some]
            # What is not written together must have time to be written by itself.
            together = len(writes) > 1 and time.monotonic() + 2 * self.table_seconds <= deadline
            written = self.table.write_together(writes, self.interval) if together else [None] * len(writes)
            for ((sending, _), _), write, tail in zip(some, writes, written, strict=True):
                try:
                    sending.remembered = tail or self._write(write, deadline)
                except TailError as error:
                    sending.fail(error)
                else:
                    sending.published.newest = sending.remembered.tail.newest

    def _advance(self, piece: Piece, acknowledged: Collection[int]) -> TailWrite:
        tail, version = piece.sending.remembered
        advanced = advance(tail, piece.publications, acknowledged, self.windows)
        return TailWrite(piece.sending.instrument.name, advanced, version)

    def _write(self, write: TailWrite, deadline: float) -> VersionedTail:
        """Writes one tail by itself.

        Raises:
            TailError: it was not written, or nobody knows whether it was.
        """
        if time.monotonic() + self.table_seconds > deadline:
            raise NoTimeLeftError("the run's time did not suffice to remember what was sent")
        instrument, tail, read_version = write
        return self.table.write_tail(instrument, self.interval, tail, read_version)

    def put(self, pieces: Sequence[Piece], deadline: float) -> list[set[int]]:
        """Puts pieces together; for each of them, the positions in it of what the stream took."""
        records = [
            self._encode(piece.sending, publication) for piece in pieces for publication in piece.publications
        ]
        taken = self.stream.put_together(records, deadline - self.table_seconds)
        ends = accumulate((len(piece.publications) for piece in pieces), initial=0)
        return [
            {position - first for position in range(first, end) if position in taken}
            for first, end in pairwise(ends)
        ]

    def _encode(self, sending: Sending, publication: Publication) -> KeyedRecord:
        instrument = sending.instrument
        bar = Bar(
            instrument=instrument.name,
            asset_class=instrument.asset_class,
            interval=self.interval,
            open_time=publication.open_time,
            **publication.numbers._asdict(),
            source=self.source,
            as_of=format_instant(sending.as_of),
        )
        # One key for all of an instrument's bars, so that they stay on one shard.
        return KeyedRecord(instrument.name, encode_record(bar, publication.lookback))
