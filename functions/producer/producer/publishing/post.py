"""Putting bars into the stream, and remembering in the table which of them it took."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from producer.memory.instrument_table import InstrumentTable, TailReader
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
    table_seconds: float = 0.0
    stream_seconds: float = 0.0

    def read_tails(self, instruments: Collection[Instrument], deadline: float) -> TailReader:
        """What gives the tail of each instrument.

        Raises:
            TailError: they were not read.
        """
        if time.monotonic() + _READ_CALLS * self.table_seconds > deadline:
            raise NoTimeLeftError("the run's time did not suffice")
        return self.table.read_tails([each.name for each in instruments], self.interval)

    def send(self, parcel: Sequence[Piece], deadline: float) -> None:
        """Puts a parcel, counts what is taken, and remembers it."""
        ready = [piece for piece in parcel if self._prepare(piece, deadline)]
        if not ready:
            return
        for piece, acknowledged in zip(ready, self.put(ready, deadline), strict=True):
            if self._remember(piece, acknowledged, deadline):
                piece.sending.take(piece.publications, acknowledged)

    def _prepare(self, piece: Piece, deadline: float) -> bool:
        """Whether a piece may be put: there is time for it, and its tail says so where it alters the past."""
        in_doubt = alters_the_past(piece.publications)
        writes = 2 if in_doubt else 1
        if time.monotonic() + writes * self.table_seconds + self.stream_seconds > deadline:
            piece.sending.is_over = True
            return False
        return self._remember(piece, (), deadline) if in_doubt else True

    def _remember(self, piece: Piece, acknowledged: Collection[int], deadline: float) -> bool:
        """Writes the tail once a piece was put, of which these were acknowledged; whether that succeeded."""
        sending, publications = piece
        tail, version = sending.remembered
        try:
            if time.monotonic() + self.table_seconds > deadline:
                raise NoTimeLeftError("the run's time did not suffice to remember what was sent")
            sending.remembered = self.table.write_tail(
                sending.instrument.name,
                self.interval,
                advance(tail, publications, acknowledged, self.windows),
                version,
            )
        except TailError as error:
            sending.fail(error)
            return False
        sending.published.newest = sending.remembered.tail.newest
        return True

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
