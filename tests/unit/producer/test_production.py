"""A run, with a provider, a stream and a table that live in memory."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from minutes_of_a_producer import LedgerItem, Table

from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailUnreachableError, VersionedTail
from producer.memory.tail import Tail
from producer.memory.tail_codec import UnreadableTailError
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.answers import Answer
from producer.providers.provider_errors import (
    DailyQuotaError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
)
from producer.publishing.post import Post
from producer.publishing.price_moves import PriceWatch
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import Instrument, parse_instrument
from stockstream.observability import metrics
from stockstream.times import format_time
from stockstream.windows import Windows

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
NOW = datetime(2026, 11, 20, 21, 0, 0, 123456, tzinfo=UTC)
BARS = {
    "2026-11-20T20:58:00Z": Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0),
    "2026-11-20T20:59:00Z": Ohlcv(11.0, 13.0, 11.0, 12.0, 200.0),
}


def following(*instruments: Instrument) -> Watchlist:
    return Watchlist(instruments, "1min", "always")


class FakeProvider:
    def __init__(self) -> None:
        self.asked: list[tuple[str, datetime | None]] = []
        self.failures: dict[str, ProviderError] = {}
        self.reaches_back = True
        self.as_of = NOW
        self.partial: ProviderError | None = None
        self.bars = BARS
        self.months: dict[str, dict[str, Ohlcv]] = {}
        self.meanwhile: Callable[[], object] = lambda: None

    instruments_per_request = 1
    answers_since = False

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> dict[str, Answer]:
        assert interval == "1min"
        (instrument,) = instruments
        self.asked.append((instrument.name, since))
        if instrument.name in self.failures:
            raise self.failures[instrument.name]
        self.meanwhile()
        forming = {format_time(self.as_of): Ohlcv(12.0, 12.0, 12.0, 12.0, 1.0)}
        return {
            instrument.name: Answer(
                self.bars | forming,
                [],
                self.as_of,
                self.as_of,
                reaches_back=self.reaches_back,
                failure=self.partial,
            )
        }

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        return 1

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        assert (instrument, interval) == (IBM, "1min")
        if month not in self.months:
            raise NotEntitledError("history is for paying customers")
        return Answer(self.months[month], [], NOW, NOW, reaches_back=True)


class FakeStream:
    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.takes: Callable[[int], bool] = lambda _position: True

    def put_together(self, records: Sequence[KeyedRecord], deadline: float) -> set[int]:
        assert deadline > 0
        taken = {position for position in range(len(records)) if self.takes(position)}
        self.records += [
            (records[each].partition_key, json.loads(records[each].data)) for each in sorted(taken)
        ]
        return taken


class FakeTable(Table):
    """A table whose writes can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.crashes = False

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        if self.crashes:
            raise RuntimeError
        return super().write_tail(instrument, interval, tail, read_version)


class World:
    """A producer and all that it touches; each run is two minutes after the one before."""

    def __init__(self, plan: Plan = Plan(None, 10)) -> None:  # noqa: B008 (it cannot change)
        self.provider, self.stream, self.table = FakeProvider(), FakeStream(), FakeTable()
        self.ledger_item = LedgerItem()
        self.moment = NOW
        self.producer = Producer(
            watchlist=following(IBM),
            provider=self.provider,
            allowance=Allowance(),
            plan=plan,
            ledger_item=self.ledger_item,  # type: ignore[arg-type]  # a fake
            publisher=Publisher(
                Post(
                    source="replay",
                    stream=self.stream,  # type: ignore[arg-type]  # a fake
                    table=self.table,  # type: ignore[arg-type]  # a fake
                    interval="1min",
                    windows=Windows(),
                    table_seconds=0,
                    stream_seconds=0,
                )
            ),
            now=lambda: self.moment,
        )

    def run(self, *instruments: Instrument) -> dict[str, int]:
        self.moment += timedelta(minutes=2)
        return replace(self.producer, watchlist=following(*instruments or (IBM,))).run(seconds=45)

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
            "lookback": {
                "close": [11.0],
                "typical": [(12 + 9 + 11) / 3],
                "volume": [100.0],
                "true_range": [],
            },
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
    assert world.run() == {"IBM": 1}

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


def test_two_runs_at_once_are_one(world: World) -> None:
    meanwhile: list[dict[str, int]] = []
    world.provider.meanwhile = lambda: meanwhile.append(world.producer.run(seconds=45))

    assert world.run() == {"IBM": 2}
    assert meanwhile == [{}]


def test_the_lease_of_a_run_that_died_ends(world: World) -> None:
    world.provider.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        world.run()
    world.provider.meanwhile = lambda: None

    assert world.producer.run(seconds=45) == {}
    assert world.run() == {"IBM": 2}


def test_what_a_run_that_died_may_have_spent_counts_as_spent() -> None:
    world = World(Plan(requests_per_day=25, requests_per_minute=1))
    world.provider.meanwhile = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        world.run()

    assert world.ledger_item.page.ledger.spent == 1


def test_asks_since_the_newest_bar_that_it_knows(world: World) -> None:
    world.run()
    world.run()

    newest = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
    assert world.provider.asked == [("IBM", None), ("IBM", newest)]


def test_a_stop_for_the_day_is_obeyed(world: World) -> None:
    world.provider.failures["IBM"] = DailyQuotaError("spent")
    world.run()
    world.run()

    assert world.provider.asked == [("IBM", None)]


@pytest.mark.parametrize(("shown", "holes"), [("20:59", 0), ("21:00", 0), ("21:01", 1)])
def test_a_gap_that_the_provider_no_longer_shows_is_a_hole(
    world: World, caplog: pytest.LogCaptureFixture, shown: str, holes: int
) -> None:
    world.run()
    world.provider.bars = {f"2026-11-20T{shown}:00Z": BARS["2026-11-20T20:59:00Z"]}
    world.provider.reaches_back = False
    world.provider.as_of = NOW + timedelta(minutes=5)
    world.run()

    assert caplog.messages.count("hole found") == holes


type Measured = Callable[[], dict[str, Any]]


@pytest.fixture
def measured() -> Iterator[Measured]:
    """The line of metrics of what has run since it was last asked for."""

    def read() -> dict[str, Any]:
        line: dict[str, Any] = json.loads(json.dumps(metrics.serialize_metric_set()))
        metrics.clear_metrics()
        return line

    metrics.clear_metrics()
    yield read
    metrics.clear_metrics()


def test_what_the_stream_does_not_take_is_deferred_until_it_does(world: World, measured: Measured) -> None:
    world.stream.takes = lambda position: position == 1
    world.run()
    assert measured()["BarsDeferred"] == [1.0]

    world.provider.failures["IBM"] = ProviderUnavailableError("down")
    world.run()  # the provider says nothing about it, and the bar still waits
    assert measured()["BarsDeferred"] == [1.0]

    world.provider.failures.clear()
    world.stream.takes = lambda _position: True
    world.run()
    assert measured()["BarsDeferred"] == [0.0]


def test_a_stream_that_takes_nothing_defers_every_bar_and_ends_no_run(
    world: World, measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    world.stream.takes = lambda _position: False

    assert world.run(IBM, MSFT) == {"IBM": 0, "MSFT": 0}
    assert measured()["BarsDeferred"] == [4.0]
    assert caplog.messages.count("stream refused bars") == 2


def test_an_answer_whose_tail_cannot_be_read_is_deferred_whole(
    world: World, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> VersionedTail:
        raise UnreadableTailError("its base is missing")

    monkeypatch.setattr(world.table, "read_tail", fail)
    world.run()

    assert measured()["BarsDeferred"] == [2.0]


@pytest.mark.parametrize("call", ["read_tail", "write_tail"])
def test_a_table_that_fails_for_one_instrument_stops_no_other(
    world: World,
    measured: Measured,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    works = getattr(world.table, call)

    def fail_for_ibm(instrument: str, *arguments: Any) -> VersionedTail:
        if instrument == "IBM":
            raise TailUnreachableError("the tail IBM|1min cannot be reached")
        tail: VersionedTail = works(instrument, *arguments)
        return tail

    with monkeypatch.context() as patch:
        patch.setattr(world.table, call, fail_for_ibm)
        assert world.run(IBM, MSFT) == {"MSFT": 2}
    assert measured()["BarsDeferred"] == [2.0]
    (told,) = [each for each in caplog.records if each.message == "bars left for the next run"]
    assert (told.__dict__["instrument"], told.__dict__["kind"]) == ("IBM", "TailUnreachableError")
    assert world.run(IBM, MSFT) == {"IBM": 2, "MSFT": 0}


def test_a_table_that_fails_for_every_instrument_fails_the_run_which_remembers_all_the_same(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> VersionedTail:
        raise TailUnreachableError("the table cannot be reached")

    world = World(Plan(requests_per_day=25, requests_per_minute=5))
    monkeypatch.setattr(world.table, "read_tail", fail)
    world.provider.failures["MSFT"] = ProviderUnavailableError("down")

    with pytest.raises(TailUnreachableError):
        world.run(IBM, MSFT)

    # What was reserved is given back (this provider counts no request), and the lease has ended.
    page = world.ledger_item.page
    assert (page.version, page.ledger.spent, page.held_until) == (2, 0, world.moment)
    assert measured()["BarsDeferred"] == [2.0]


def test_counts_the_runs_that_nothing_was_answered_in_until_an_answer_comes(
    world: World, measured: Measured
) -> None:
    down = ProviderUnavailableError("down")
    counts = []
    for failing in (["MSFT"], ["IBM", "MSFT"], ["IBM", "MSFT"], ["IBM"], ["IBM", "MSFT"]):
        world.provider.failures = dict.fromkeys(failing, down)
        world.run(IBM, MSFT)
        counts.append(measured()["RunsUnanswered"])

    assert counts == [[0.0], [1.0], [2.0], [0.0], [1.0]]


def test_a_refusal_is_neither_an_answer_nor_a_silence(world: World, measured: Measured) -> None:
    world.provider.failures = {"IBM": ProviderUnavailableError("down")}
    world.run(IBM)
    assert measured()["RunsUnanswered"] == [1.0]

    world.provider.failures = {"IBM": NotEntitledError("premium")}
    world.run(IBM)
    assert measured()["RunsUnanswered"] == [1.0]


def test_a_silence_lasts_between_two_requests_and_no_longer_than_an_hour(measured: Measured) -> None:
    world = World()
    world.provider.failures = {"IBM": ProviderUnavailableError("down")}
    world.run()
    page = world.ledger_item.page
    world.ledger_item.page = page._replace(
        ledger=replace(page.ledger, stopped_until=NOW + timedelta(hours=2))
    )
    found = [measured()["RunsUnanswered"]]
    for _ in range(31):
        world.run()
        found.append(measured().get("RunsUnanswered"))

    assert len(world.provider.asked) == 1
    assert found == [[1.0]] * 30 + [None] * 2


def test_a_silence_lasts_as_long_as_a_plans_requests_are_apart(measured: Measured) -> None:
    # Twenty in the day of a market that never closes, and two fifths of that pause more: 100.8 minutes. A run
    # comes each two minutes.
    world = World(Plan(requests_per_day=20, requests_per_minute=1))
    world.provider.failures = {"IBM": ProviderUnavailableError("down")}
    world.run()
    page = world.ledger_item.page
    world.ledger_item.page = page._replace(
        ledger=replace(page.ledger, stopped_until=NOW + timedelta(hours=4))
    )
    found = [measured()["RunsUnanswered"]]
    for _ in range(70):
        world.run()
        found.append(measured().get("RunsUnanswered"))

    assert found == [[1.0]] * 51 + [None] * 20


def test_a_silence_lasts_as_long_as_the_days_requests_are_spent(measured: Measured) -> None:
    world = World(Plan(requests_per_day=25, requests_per_minute=1))
    world.provider.failures = {"IBM": ProviderUnavailableError("down")}
    world.run()
    page = world.ledger_item.page
    world.ledger_item.page = page._replace(ledger=replace(page.ledger, spent=25))
    found = [measured()["RunsUnanswered"]]
    # It is 16:02 in New York, and each run is two minutes after the one before.
    for _ in range(60):
        world.run()
        found.append(measured()["RunsUnanswered"])

    assert len(world.provider.asked) == 1
    assert found == [[1.0]] * 61


def test_bars_are_overdue_while_the_provider_shows_old_ones(world: World, measured: Measured) -> None:
    world.run()
    assert measured()["BarsOverdueSeconds"] == [0.0]

    for _ in range(14):
        world.run()  # two minutes later each
    # The bar of 20:59 ended at 21:00. 1.4 minutes from one request to the next and 2 for a bar to show
    # are explained, and so are the plan's 15. Now it is 21:30.
    assert measured()["BarsOverdueSeconds"][-1] == pytest.approx((30 - 18.4) * 60, abs=1)


def test_a_move_is_measured_and_told_with_its_prices_and_times(
    world: World, measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    watch = PriceWatch(percent=9, bars=1, hours="always")
    producer = replace(world.producer, publisher=replace(world.producer.publisher, watch=watch))

    producer.run(seconds=45)

    assert measured()["PriceMovePercent"] == pytest.approx([100 / 11])
    (line,) = [each for each in caplog.records if each.message == "price moved"]
    told = {
        name: line.__dict__[name] for name in ("instrument", "interval", "bars", "from_price", "to_price")
    }
    assert told == {"instrument": "IBM", "interval": "1min", "bars": 1, "from_price": 11.0, "to_price": 12.0}
    assert line.__dict__["change_percent"] == pytest.approx(100 / 11)
    assert line.__dict__["from_time"] == "2026-11-20T20:59:00Z"
    assert line.__dict__["to_time"] == "2026-11-20T21:00:00Z"


def test_a_move_is_told_once_and_a_revision_is_no_move(world: World, measured: Measured) -> None:
    watch = PriceWatch(percent=9, bars=1, hours="always")
    world.producer = replace(world.producer, publisher=replace(world.producer.publisher, watch=watch))
    world.run()
    measured()

    world.provider.bars = {**BARS, "2026-11-20T20:59:00Z": Ohlcv(11.0, 23.0, 11.0, 22.0, 200.0)}
    world.run()

    line = measured()
    assert line["BarsRevised"] == [1.0]
    assert "PriceMovePercent" not in line


def test_small_moves_are_measured_and_not_told(
    world: World, measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    watch = PriceWatch(percent=9.5, bars=1, hours="always")
    world.producer = replace(world.producer, publisher=replace(world.producer.publisher, watch=watch))

    world.run()

    assert measured()["PriceMovePercent"] == pytest.approx([100 / 11])
    assert "price moved" not in caplog.messages


def test_one_id_leads_from_the_records_to_the_lines_about_their_answer(
    world: World, measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    world.stream.takes = lambda position: position == 1

    world.run()

    _, record = world.stream.records[0]
    expected = f"{record['instrument']}|{record['interval']}|{record['as_of']}"
    (line,) = [each for each in caplog.records if each.message == "stream refused bars"]
    assert (line.__dict__["correlation_id"], measured()["correlation_ids"]) == (expected, [expected])


def test_history_goes_before_the_tail_and_leaves_it_alone(world: World) -> None:
    world.run()
    before = world.table.tails["IBM"]
    october = {f"2026-10-31T23:{minute}:00Z": BARS["2026-11-20T20:58:00Z"] for minute in (58, 59)}
    september = {"2026-09-30T23:59:00Z": Ohlcv(5.0, 5.0, 5.0, 5.0, 1.0)}
    world.provider.months = {"2026-10": october, "2026-09": september}

    assert world.producer.backfill([IBM], "2026-10", seconds=45) == {"IBM": {"sent": 2}}
    assert [record["lookback"]["close"] for _, record in world.stream.records[2:]] == [[5.0], [5.0, 11.0]]
    assert world.table.tails["IBM"] == before


def test_a_month_without_the_one_before_is_not_sent_with_short_lookbacks(world: World) -> None:
    world.provider.months = {"2026-10": BARS}

    assert world.producer.backfill([IBM], "2026-10", seconds=45)["IBM"]["sent"] == 0
    assert world.sent() == []
