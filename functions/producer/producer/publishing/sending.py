"""The bars of one answer in pieces, each of which is remembered before the next one is put. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import NamedTuple

from producer.memory.instrument_table import VersionedTail
from producer.memory.tail import TailError
from producer.publishing.price_moves import PriceMove
from producer.publishing.publication import Cause, Publication
from producer.publishing.split_suspicions import SplitSuspicion
from stockstream.instruments import Instrument

# The tail is written after each slice, so that a long catch-up that is interrupted goes on where it stopped.
SLICE_BARS = 500


@dataclass(slots=True)
class Published:
    """What became of one answer.

    Attributes:
        causes: how many bars the stream took, by their cause.
        unsent: how many it did not take; the next run sends them.
        newest: the open_time of the newest bar in the tail; empty if there is none. Shown bars after it were
            not put.
        hole: the open_times before and after missing bars that the provider no longer shows.
        move: the greatest price move that ends in a new bar; None if none was measured.
        suspicion: a suspected split among the new bars.
        unsent_from: of history, the open_time of the oldest bar that is not in the stream; empty if all are.
        times: the open_times of the newest bars that the answer shows or the tail remembers.
        new: the open_times of the new bars that the stream took.
    """

    causes: Counter[Cause] = field(default_factory=Counter)
    unsent: int = 0
    newest: str = ""
    hole: tuple[str, str] | None = None
    move: PriceMove | None = None
    suspicion: SplitSuspicion | None = None
    unsent_from: str = ""
    times: Collection[str] = ()
    new: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sending:
    """The bars to send of one instrument, and what has become of them so far.

    Attributes:
        instrument: whose bars.
        as_of: when the provider gave the answer.
        publications: what to send.
        remembered: the tail as it was read, and then as it was last written.
        published: what has become of them.
        is_over: whether this run puts no more of them: a bar was refused, or the time is up.
        error: why the tail was not written.
    """

    instrument: Instrument
    as_of: datetime
    publications: Sequence[Publication]
    remembered: VersionedTail
    published: Published
    is_over: bool = False
    error: TailError | None = None

    def pieces(self) -> Iterator[Sequence[Publication]]:
        """First all late, revised and repeated bars, since one change causes many; then the new ones."""
        past = [each for each in self.publications if each.cause is not Cause.NEW]
        if past:
            yield past
        new = (each for each in self.publications if each.cause is Cause.NEW)
        yield from batched(new, SLICE_BARS, strict=False)

    def fail(self, error: TailError) -> None:
        """Ends the sending; the next run sends the rest."""
        self.is_over, self.error = True, error

    def take(self, piece: Sequence[Publication], acknowledged: Collection[int]) -> None:
        """Counts what the stream took of a piece. After a refusal no later bar overtakes the refused one."""
        taken = [piece[position] for position in sorted(acknowledged)]
        self.published.causes.update(each.cause for each in taken)
        self.published.new += [each.open_time for each in taken if each.cause is Cause.NEW]
        self.published.unsent -= len(acknowledged)
        refused = [each for position, each in enumerate(piece) if position not in acknowledged]
        if refused:
            self.is_over, self.published.unsent_from = True, refused[0].open_time


class Piece(NamedTuple):
    """Some bars of one sending, which are put together."""

    sending: Sending
    publications: Sequence[Publication]


def parcels(sendings: Iterable[Sending], most: int) -> Iterator[list[Piece]]:
    """Parcels of pieces that are put together, of as many instruments as fit.

    The sendings are taken one at a time, and one that is over has no further pieces. A parcel has at most one
    piece of an instrument, since the next one needs the tail that is written after it.

    Args:
        sendings: what is to be sent.
        most: how many records a parcel holds, unless a single piece has more.
    """
    parcel: list[Piece] = []
    for sending in sendings:
        for publications in sending.pieces():
            records = sum(len(piece.publications) for piece in parcel) + len(publications)
            if parcel and (records > most or parcel[-1].sending is sending):
                yield parcel
                parcel = []
            if sending.is_over:
                break
            parcel.append(Piece(sending, publications))
    if parcel:
        yield parcel
