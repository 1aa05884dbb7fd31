"""The producer's promise, over random histories.

A market whose bars come late, are revised, are what they were again, vanish for a while and are still
forming; a stream that refuses some records; crashes between any two steps; runs that overlap. In the end
the stream, read at the latest as_of of each id, must be what the market shows, look-backs included.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailConflictError, TailReader, VersionedTail
from producer.memory.ledger_item import LeaseHeldError, VersionedLedger
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.answers import Answer
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import Instrument, parse_instrument
from stockstream.times import format_time
from stockstream.windows import Windows

IBM = parse_instrument("IBM")
START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
# Short, so that a history of an hour is longer than a look-back.
WINDOWS = Windows(sma=(5,), ema=(5,))


class Crash(Exception):  # noqa: N818 (not an error of the program, but the end of its process)
    """The process dies here."""


@dataclass
class Market:
    """What the provider shows; new numbers come from a counter, so that no two are alike by chance."""

    bars: dict[str, Ohlcv] = field(default_factory=dict)
    before: dict[str, Ohlcv] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    changes: int = 0
    minutes: int = 0

    def numbers(self) -> Ohlcv:
        self.changes += 1
        close = 100.0 + self.changes / 8
        return Ohlcv(close, close + 2, close - 1, close, float(self.changes))

    def open_time(self, minute: int) -> str:
        return format_time(START + timedelta(minutes=minute))

    @property
    def shown(self) -> dict[str, Ohlcv]:
        return {time: numbers for time, numbers in self.bars.items() if time not in self.hidden}


class World:
    """The market, the stream and the table; every step may be the last of a process."""

    def __init__(self, draw: st.DataObject) -> None:
        self.draw = draw
        self.market = Market()
        self.records: list[dict[str, Any]] = []
        self.tail = VersionedTail(Tail(), 0)
        self.page = VersionedLedger(Ledger())
        self.moments = 0
        self.calm = False
        self.overlapping = False
        self.reads_again = draw.draw(st.booleans())

    def step(self) -> None:
        """Between any two steps a process may die, or another run may take place."""
        if self.calm:
            return
        event = self.draw.draw(st.sampled_from(["go on"] * 30 + ["crash", "overlap"]))
        if event == "crash":
            raise Crash
        if event == "overlap" and not self.overlapping:
            self.overlapping = True
            self.live()
            self.run()
            self.live()
            self.overlapping = False

    @property
    def instruments_per_request(self) -> int:
        return 1

    @property
    def answers_since(self) -> bool:
        return self.reads_again

    def now(self) -> datetime:
        self.moments += 1
        return START + timedelta(minutes=self.market.minutes, milliseconds=self.moments)

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        return 1

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        raise NotImplementedError

    def fetch(
        self, _instruments: Sequence[Instrument], _interval: str, _since: datetime | None
    ) -> dict[str, Answer]:
        self.step()
        now = self.now()
        forming = {self.market.open_time(self.market.minutes): Ohlcv(1.0, 1.0, 1.0, 1.0, 1.0)}
        shown = self.market.shown | forming
        # Of a provider's servers one may be some bars behind the others.
        behind = 0 if self.calm else self.draw.draw(st.sampled_from([0, 0, 0, 1, 2, 4]))
        for time in sorted(shown)[len(shown) - behind :]:
            del shown[time]
        return {"IBM": Answer(shown, [], now, now, reaches_back=True)}

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        self.step()
        refused = (
            set() if self.calm else self.draw.draw(st.sets(st.integers(0, len(records) - 1), max_size=4))
        )
        for position, record in enumerate(records):
            if position not in refused:
                self.records.append(json.loads(record.data))
        # A process can die when some or all of its records are in the stream, and before it knows.
        self.step()
        return set(range(len(records))) - refused

    def read_tails(self, _instruments: Sequence[str], _interval: str) -> TailReader:
        self.step()
        tail = self.tail
        return lambda _instrument: tail

    def write_tail(self, _instrument: str, _interval: str, tail: Tail, read_version: int) -> VersionedTail:
        self.step()
        if self.tail.version != read_version:
            raise TailConflictError
        written = self.tail = VersionedTail(tail, read_version + 1)
        self.step()
        return written

    def read(self) -> VersionedLedger:
        self.step()
        return self.page

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        self.step()
        if self.page.version != read_version:
            raise LeaseHeldError
        written = self.page = VersionedLedger(ledger, read_version + 1, held_until)
        self.step()
        return written

    def run(self) -> None:
        producer = Producer(
            watchlist=Watchlist((IBM,), "1min", "always"),
            provider=self,
            allowance=Allowance(),
            plan=Plan(requests_per_day=None, requests_per_minute=10),
            ledger_item=self,  # type: ignore[arg-type]  # a fake
            publisher=Publisher(
                Post(
                    source="replay",
                    stream=self,  # type: ignore[arg-type]  # a fake
                    table=self,  # type: ignore[arg-type]  # a fake
                    interval="1min",
                    windows=WINDOWS,
                    table_seconds=0,
                    stream_seconds=0,
                )
            ),
            now=self.now,
        )
        with suppress(Crash):
            # A minute, so that later runs go on after one that died, and take place while one stands still
            # whose lease has ended.
            producer.run(seconds=60)

    def live(self) -> None:
        """Some minutes of trading, and whatever befalls the bars meanwhile."""
        market = self.market
        for _ in range(self.draw.draw(st.integers(0, 4))):
            if self.draw.draw(st.integers(0, 9)):  # a minute without trades has no bar, now or ever
                market.bars[market.open_time(market.minutes)] = market.numbers()
            if self.draw.draw(st.integers(0, 9)) == 0:
                market.hidden.add(market.open_time(market.minutes))  # comes late
            market.minutes += 1
        times = sorted(market.bars)
        for _ in range(self.draw.draw(st.integers(0, 2)) if times else 0):
            time = self.draw.draw(st.sampled_from(times))
            match self.draw.draw(st.sampled_from(["revise", "take back", "hide", "show"])):
                case "revise":
                    market.before[time] = market.bars[time]
                    market.bars[time] = market.numbers()
                case "take back":
                    market.bars[time] = market.before.get(time, market.bars[time])
                case "hide":
                    market.hidden.add(time)
                case _:
                    market.hidden.discard(time)


def expected_lookback(market: Market, time: str) -> dict[str, list[float | None]]:
    before = [market.bars[each] for each in sorted(market.bars) if each < time]
    return {
        "close": [bar.close for bar in before[-199:]],
        "typical": [(bar.high + bar.low + bar.close) / 3 for bar in before[-19:]],
        "volume": [bar.volume for bar in before[-19:]],
        "true_range": [
            round(max(bar.high, earlier.close) - min(bar.low, earlier.close), 10)
            for earlier, bar in pairwise(before[-199:])
        ],
    }


@given(st.data())
@settings(max_examples=examples(300))
def test_in_the_end_the_stream_says_what_the_market_says(data: st.DataObject) -> None:
    world = World(data)
    for _ in range(data.draw(st.integers(1, 15))):
        world.live()
        world.run()
    world.calm = True
    world.market.hidden.clear()
    # The lease of a run that died ends first. Then what was sent is read again, and then there are new bars.
    for minutes in (61, 201, 1):
        world.market.minutes += minutes
        world.run()

    newest: dict[str, dict[str, Any]] = {}
    for record in sorted(world.records, key=lambda each: str(each["as_of"])):
        newest[record["open_time"]] = record
    assert sorted(world.market.bars) == sorted(newest)
    for time, numbers in world.market.bars.items():
        record = newest[time]
        assert numbers == Ohlcv(*(record[name] for name in Ohlcv._fields)), time
        assert expected_lookback(world.market, time) == record["lookback"], time

    said: dict[tuple[str, str], dict[str, Any]] = {}
    for record in world.records:
        assert record == said.setdefault((record["id"], record["as_of"]), record)
