"""What is put together: of as many instruments as fit, and of each no more than one piece at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime

from producer.memory.instrument_table import VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.publishing.publication import Cause, Publication
from producer.publishing.sending import Published, Sending, parcels
from stockstream.bars import Lookback
from stockstream.instruments import parse_instrument

NUMBERS = Ohlcv(1.0, 1.0, 1.0, 1.0, 1.0)
LOOKBACK = Lookback(close=[], typical=[], volume=[], true_range=[])


def sending(name: str, new: int, revised: int = 0) -> Sending:
    causes = [Cause.REVISED] * revised + [Cause.NEW] * new
    bars = [Publication(f"{number:04}", NUMBERS, LOOKBACK, cause) for number, cause in enumerate(causes)]
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return Sending(parse_instrument(name), now, bars, VersionedTail(Tail(), 0), Published(unsent=len(bars)))


def told(sendings: Iterator[Sending] | list[Sending]) -> list[list[tuple[str, int]]]:
    return [
        [(piece.sending.instrument.name, len(piece.publications)) for piece in parcel]
        for parcel in parcels(sendings, 500)
    ]


def test_a_bar_of_each_of_a_hundred_instruments_is_one_parcel() -> None:
    assert told([sending(f"A{number}", new=1) for number in range(100)]) == [
        [(f"A{number}", 1) for number in range(100)]
    ]


def test_a_parcel_has_no_more_records_than_one_call_takes() -> None:
    assert told([sending("A", new=300), sending("B", new=200), sending("C", new=1)]) == [
        [("A", 300), ("B", 200)],
        [("C", 1)],
    ]


def test_the_next_piece_of_an_instrument_waits_until_the_one_before_it_is_remembered() -> None:
    assert told([sending("A", new=501, revised=2), sending("B", new=1)]) == [
        [("A", 2)],
        [("A", 500)],
        [("A", 1), ("B", 1)],
    ]
    # The others of its parcel do not wait with it.
    assert told([sending("B", new=1), sending("A", new=1, revised=1)]) == [[("B", 1), ("A", 1)], [("A", 1)]]


def test_one_that_is_over_has_no_further_piece_and_the_others_go_on() -> None:
    first, second = sending("A", new=1200), sending("B", new=600)
    seen = []
    for parcel in parcels([first, second], 500):
        seen += [(piece.sending.instrument.name, len(piece.publications)) for piece in parcel]
        for piece in parcel:
            if piece.sending is first:
                first.take(piece.publications, range(499))  # the stream refuses the last

    assert seen == [("A", 500), ("B", 500), ("B", 100)]
    assert (first.published.unsent, first.published.causes.total()) == (701, 499)


def test_one_whose_tail_was_not_written_has_no_further_piece() -> None:
    one, error = sending("A", new=1200), TailError("no table")
    seen = []
    for parcel in parcels([one], 500):
        seen += [len(piece.publications) for piece in parcel]
        one.fail(error)

    assert seen == [500]
    assert one.error is error


def test_an_instrument_is_planned_when_its_turn_comes() -> None:
    planned: list[str] = []

    def plan() -> Iterator[Sending]:
        for name in ("A", "B", "C"):
            planned.append(name)
            yield sending(name, new=400)

    # The next instrument is planned when the parcel before is full, and not all at once.
    seen = [(parcel[0].sending.instrument.name, "".join(planned)) for parcel in parcels(plan(), 500)]
    assert seen == [("A", "AB"), ("B", "ABC"), ("C", "ABC")]


def test_what_is_new_is_what_the_stream_took_of_new_bars() -> None:
    one = sending("A", new=3, revised=2)
    for piece in one.pieces():
        one.take(piece, [0, len(piece) - 1])

    assert one.published.new == ["0002", "0004"]
