"""A run, with a provider, a stream and a table that live in memory."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from producer.answers import Answer
from producer.instrument_table import TailConflictError, VersionedTail
from producer.production import Producer
from producer.provider_errors import DailyQuotaError, ProviderError, ProviderUnavailableError
from producer.tail import Numbers, Tail
from stockstream.instruments import Instrument, parse_instrument
from stockstream.windows import Windows

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
NOW = datetime(2026, 11, 20, 21, 0, 0, 123456, tzinfo=UTC)
BARS = {
    "2026-11-20T20:58:00Z": Numbers(10.0, 12.0, 9.0, 11.0, 100.0),
    "2026-11-20T20:59:00Z": Numbers(11.0, 13.0, 11.0, 12.0, 200.0),
}


class FakeProvider:
    def __init__(self) -> None:
        self.failures: dict[str, ProviderError] = {}
        self.partial: ProviderError | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    instruments_per_request = 1

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> dict[str, Answer]:
        assert (interval, since) == ("1min", None)
        (instrument,) = instruments
        if instrument.name in self.failures:
            raise self.failures[instrument.name]
        self.meanwhile()
        forming = {"2026-11-20T21:00:00Z": Numbers(12.0, 12.0, 12.0, 12.0, 1.0)}
        return {
            instrument.name: Answer(BARS | forming, [], NOW, NOW, reaches_back=True, failure=self.partial)
        }

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        raise NotImplementedError


class FakeStream:
    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.takes: Callable[[int], bool] = lambda _position: True

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        assert deadline > 0
        taken = {position for position in range(len(records)) if self.takes(position)}
        self.records += [(partition_key, json.loads(records[position])) for position in sorted(taken)]
        return taken


class FakeTable:
    def __init__(self) -> None:
        self.tails: dict[str, VersionedTail] = {}
        self.crashes = False

    def read_tail(self, instrument: str, _interval: str) -> VersionedTail:
        return self.tails.get(instrument, VersionedTail(Tail(), 0))

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        if self.crashes:
            raise RuntimeError
        if self.read_tail(instrument, interval).version != read_version:
            raise TailConflictError(instrument)
        self.tails[instrument] = VersionedTail(tail, read_version + 1)
        return self.tails[instrument]


class World:
    """A producer and all that it touches."""

    def __init__(self) -> None:
        self.provider, self.stream, self.table = FakeProvider(), FakeStream(), FakeTable()
        self.producer = Producer(
            provider=self.provider,
            source="replay",
            stream=self.stream,  # type: ignore[arg-type]  # a fake
            table=self.table,  # type: ignore[arg-type]  # a fake
            interval="1min",
            windows=Windows(),
        )

    def run(self, *instruments: Instrument) -> dict[str, int]:
        return self.producer.run(instruments or (IBM,), seconds=10)

    def sent(self) -> list[str]:
        return [record["id"] for _, record in self.stream.records]


@pytest.fixture
def world() -> World:
    return World()


def test_the_record_is_contract_1(world: World) -> None:
    world.run()

    assert world.stream.records[-1] == (
        "IBM",
        {
            "schema": "bar.v1",
            "id": "IBM|1min|2026-11-20T20:59:00Z",
            "as_of": "2026-11-20T21:00:00.123Z",
            "instrument": "IBM",
            "asset_class": "equity",
            "interval": "1min",
            "open_time": "2026-11-20T20:59:00Z",
            "open": 11.0,
            "high": 13.0,
            "low": 11.0,
            "close": 12.0,
            "volume": 200.0,
            "source": "replay",
            "lookback": {"close": [11.0], "typical": [(12 + 9 + 11) / 3], "volume": [100.0]},
        },
    )


def test_the_bar_that_is_still_forming_is_not_sent(world: World) -> None:
    assert world.run() == {"IBM": 2}
    assert world.sent() == ["IBM|1min|2026-11-20T20:58:00Z", "IBM|1min|2026-11-20T20:59:00Z"]


def test_what_has_been_sent_is_not_sent_again(world: World) -> None:
    world.run()

    assert world.run() == {"IBM": 0}


def test_what_the_stream_refused_is_sent_by_the_next_run(world: World) -> None:
    world.stream.takes = lambda position: position == 1
    assert world.run() == {}

    world.stream.takes = lambda _position: True
    assert world.run() == {"IBM": 1}
    assert world.sent() == ["IBM|1min|2026-11-20T20:59:00Z", "IBM|1min|2026-11-20T20:58:00Z"]


def test_a_crash_after_the_put_costs_a_repetition_and_no_bar(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> VersionedTail:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(world.table, "write_tail", crash)
        with pytest.raises(RuntimeError):
            world.run()
    world.run()

    assert sorted(2 * ["IBM|1min|2026-11-20T20:58:00Z", "IBM|1min|2026-11-20T20:59:00Z"]) == sorted(
        world.sent()
    )


def test_the_failure_of_one_instrument_stops_no_other(world: World) -> None:
    world.provider.failures["IBM"] = DailyQuotaError("spent")

    assert world.run(IBM, MSFT) == {"MSFT": 2}


def test_the_bars_that_came_before_a_failure_are_sent(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.provider.partial = ProviderUnavailableError("the second page did not come")

    assert world.run() == {"IBM": 2}
    assert "provider failed" in caplog.messages


def test_a_run_that_lost_the_race_leaves_the_tail_of_the_other(world: World) -> None:
    other = World()
    other.producer = replace(other.producer, table=world.table)  # type: ignore[arg-type]  # a fake
    world.provider.meanwhile = other.run

    assert world.run() == {}
    assert world.table.read_tail("IBM", "1min") == (Tail(BARS), 1)
