"""The producer's promise where one answer is about many instruments, which are read and put together.

A stream that refuses some records or all, a table that fails for some instruments, deaths before and after
each call, and rivals that write a tail between its reading and its writing. At every write of a tail, what it
says was sent must be in the stream; and in the end each instrument's bars are, with their whole look-backs.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.memory.instrument_table import (
    TailConflictError,
    TailReader,
    TailUnreachableError,
    TailWrite,
    VersionedTail,
)
from producer.memory.tail import Tail, TailError
from producer.memory.tail_codec import UnreadableTailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.publishing import post, publisher, sending
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import parse_instrument
from stockstream.times import format_time
from stockstream.windows import Windows

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
WINDOWS = Windows(sma=(5,), ema=(5,))
INSTRUMENTS = [parse_instrument(name) for name in ("AAPL", "IBM", "MSFT", "NVDA", "crypto:BTC/USD")]


class Death(BaseException):
    """The process ends here."""


class World:
    """The stream and the table of a few instruments; each call may be the last of a process."""

    def __init__(self, draw: st.DataObject) -> None:
        self.draw = draw
        self.bars: dict[str, dict[str, Ohlcv]] = {each.name: {} for each in INSTRUMENTS}
        self.records: dict[str, list[dict[str, Any]]] = {each.name: [] for each in INSTRUMENTS}
        self.tails = {each.name: VersionedTail(Tail(), 0) for each in INSTRUMENTS}
        self.minutes = self.changes = 0
        self.calm = False

    def befalls(self, *what: str) -> str:
        return "nothing" if self.calm else self.draw.draw(st.sampled_from([*["nothing"] * 12, *what]))

    def may_die(self) -> None:
        if self.befalls("death") == "death":
            raise Death

    def read_tails(self, instruments: Sequence[str], _interval: str) -> TailReader:
        self.may_die()
        if self.befalls("failure") == "failure":
            raise TailUnreachableError("down")
        read = {name: self.tails[name] for name in instruments}
        damaged = {name for name in instruments if self.befalls("damage") == "damage"}

        def tail_of(instrument: str) -> VersionedTail:
            if instrument in damaged:
                raise UnreadableTailError("its base is missing")
            return read[instrument]

        return tail_of

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        self.may_die()
        refused: set[int] = set()
        if not self.calm:
            refused = self.draw.draw(st.sets(st.integers(0, len(records) - 1), max_size=len(records)))
        if self.befalls("all taken", "all taken", "all taken") != "nothing":
            refused = set()
        for position, record in enumerate(records):
            if position not in refused:
                self.records[record.partition_key].append(json.loads(record.data))
        # A process can die when some or all of its records are in the stream, and before it knows.
        self.may_die()
        return set(range(len(records))) - refused

    def write_together(self, writes: Sequence[TailWrite], interval: str) -> list[VersionedTail | None]:
        """Each is written, or is not; and of what is written the answer may be lost."""
        written: list[VersionedTail | None] = []
        is_lost = self.befalls("all lost") == "all lost"
        for instrument, tail, version in writes:
            try:
                done = self.write_tail(instrument, interval, tail, version)
            except TailError:
                written.append(None)
            else:
                written.append(None if is_lost or self.befalls("lost") == "lost" else done)
        return written

    def write_tail(self, instrument: str, _interval: str, tail: Tail, read_version: int) -> VersionedTail:
        self.may_die()
        sent = {
            (record["open_time"], tuple(record[name] for name in Ohlcv._fields))
            for record in self.records[instrument]
        }
        for time, numbers in tail.bars.items():
            assert time in tail.doubtful or (time, tuple(numbers)) in sent, "remembered, and never sent"
        if self.befalls("failure") == "failure":
            raise TailUnreachableError("down")
        if self.befalls("rival") == "rival":
            # It has seen the same bars, and sent them.
            self.tails[instrument] = VersionedTail(self.tails[instrument].tail, read_version + 1)
        if self.tails[instrument] == (tail, read_version + 1):
            return self.tails[instrument]  # it was written before, and the answer was lost
        if self.tails[instrument].version != read_version:
            raise TailConflictError
        self.tails[instrument] = VersionedTail(tail, read_version + 1)
        self.may_die()
        return self.tails[instrument]

    def run(self) -> None:
        now = START + timedelta(minutes=self.minutes)
        answers = {
            each: Answer(dict(self.bars[each.name]), [], now, now, reaches_back=True) for each in INSTRUMENTS
        }
        aws: Any = self
        with suppress(Death):
            Publisher(Post("replay", aws, aws, "1min", WINDOWS, 0, 0)).publish(
                answers, deadline=float("inf"), is_held=lambda: True
            )

    def live(self, most: int) -> None:
        """Some minutes, in which each instrument may have a bar, or a bar of an earlier minute changes."""
        for _ in range(self.draw.draw(st.integers(0, most))):
            time = format_time(START + timedelta(minutes=self.minutes))
            self.minutes += 1
            for name in self.bars:
                what = self.draw.draw(st.sampled_from(["bar", "bar", "bar", "none", "revised"]))
                self.changes += 1
                price = 100.0 + self.changes / 8
                numbers = Ohlcv(price, price + 2, price - 1, price, float(self.changes))
                if what == "bar":
                    self.bars[name][time] = numbers
                elif what == "revised" and self.bars[name]:
                    self.bars[name][max(self.bars[name])] = numbers


@given(st.data(), st.sampled_from([1, 2, 7, 500]))
@settings(max_examples=examples(60))
def test_nothing_is_remembered_that_was_not_sent_and_in_the_end_all_is(
    data: st.DataObject, together: int
) -> None:
    world = World(data)
    patched = [(publisher, "CALL_RECORDS"), (sending, "SLICE_BARS"), (post, "CALL_UPDATES")]
    before = [getattr(*each) for each in patched]
    try:
        for each in patched:
            setattr(*each, together)
        for _ in range(data.draw(st.integers(1, 6))):
            world.live(most=4)
            world.run()
        world.calm = True
        world.run()
    finally:
        for each, value in zip(patched, before, strict=True):
            setattr(*each, value)

    for name, bars in world.bars.items():
        newest = {record["open_time"]: record for record in world.records[name]}
        assert sorted(bars) == sorted(newest)
        for time, numbers in bars.items():
            assert numbers == Ohlcv(*(newest[time][field] for field in Ohlcv._fields))
            closes = [bars[each].close for each in sorted(bars) if each < time]
            assert newest[time]["lookback"]["close"] == closes
