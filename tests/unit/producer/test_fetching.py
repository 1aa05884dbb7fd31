"""How a run's requests are made: how many at once, and what a month of history asks for before it begins."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from producer import fetching
from producer.fetched import Fetched
from producer.fetching import Fetching
from producer.markets.watchlist import Watchlist
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance, AllowanceSpentError
from producer.planning.bar_requests import BarRequest
from producer.providers.admission import Admission
from producer.providers.answers import Answer
from producer.providers.provider_errors import (
    NoDataError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from producer.publishing.sending import Published
from stockstream.instruments import Instrument, parse_instrument, parse_instruments

IBM = parse_instrument("IBM")
NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
NUMBERS = Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)
TWELVE = parse_instruments("A,B,C,D,E,F,G,H,I,J,K,L")


class FakeProvider:
    """Has one bar of each month and of each instrument, or raises what it is set to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.of_month: dict[str, ProviderError | Answer] = {}

    def fetch(
        self, instruments: Sequence[Instrument], _interval: str, _since: datetime | None
    ) -> dict[str, Answer]:
        self.asked += [each.name for each in instruments]
        return {each.name: answer("2026-11-20T20:58:00Z") for each in instruments}

    def fetch_month(self, _instrument: Instrument, _interval: str, month: str) -> Answer:
        self.asked.append(month)
        answered = self.of_month.get(month, answer(f"{month}-01T15:00:00Z"))
        if isinstance(answered, ProviderError):
            raise answered
        return answered

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        return 5


class FakePublisher:
    """Keeps what it is given, and whether the lease was held then."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.held: list[bool] = []
        self.error: TailError | None = None

    def publish(
        self, answers: dict[Instrument, Answer], *_: Any, is_held: Callable[[], bool], **__: Any
    ) -> dict[str, Published]:
        self.given.append([each.name for each in answers])
        self.held.append(is_held())
        return {each.name: Published() for each in answers}

    def publish_history(self, *given: Any, is_held: Callable[[], bool]) -> Published:
        self.given.append(given)
        self.held.append(is_held())
        if self.error:
            raise self.error
        return Published()


class World:
    def __init__(self, left: int = 100) -> None:
        self.now = NOW
        self.provider, self.publisher, self.allowance = FakeProvider(), FakePublisher(), Allowance(lambda: 0)
        self.allowance.begin(left)

    def fetching(self, partitions: int = 1) -> Fetching:
        return Fetching(
            Watchlist((IBM,), "1min", "always"),
            self.provider,  # type: ignore[arg-type]  # a fake
            self.allowance,
            self.publisher,  # type: ignore[arg-type]  # a fake
            Admission(),
            {},
            lambda: self.now,
            partitions,
            NOW,
        )

    def fetch_month(self, since: datetime | None = None) -> Fetched:
        return self.fetching().fetch_month(IBM, "2026-10", 0.0, since)


def answer(open_time: str, failure: ProviderError | None = None) -> Answer:
    return Answer({open_time: NUMBERS}, [], NOW, NOW, reaches_back=True, failure=failure)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many threads each pool was made with; this one makes its calls one after the other."""
    made: list[int] = []

    class Pool:
        def __init__(self, *, max_workers: int) -> None:
            made.append(max_workers)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def map(
            self, call: Callable[[BarRequest], Fetched], requests: Iterable[BarRequest]
        ) -> Iterable[Fetched]:
            return map(call, requests)

    monkeypatch.setattr(fetching, "ThreadPoolExecutor", Pool)
    return made


@pytest.mark.parametrize(("partitions", "at_once"), [(1, 10), (2, 5), (4, 3), (8, 2)])
def test_ten_requests_are_made_at_a_time_and_partitions_share_them(
    pools: list[int], partitions: int, at_once: int
) -> None:
    world = World()

    fetched = world.fetching(partitions).fetch_all([BarRequest((each,), None) for each in TWELVE], 0.0)

    assert pools == [at_once]
    assert [[*each.published] for each in fetched] == [[each.name] for each in TWELVE]


def test_few_requests_have_no_more_threads_than_they_are_and_a_single_one_none(pools: list[int]) -> None:
    world = World()

    world.fetching().fetch_all([BarRequest((each,), None) for each in TWELVE[:2]], 0.0)
    world.fetching().fetch_all([BarRequest((IBM,), None)], 0.0)

    assert pools == [2]
    assert world.provider.asked == ["A", "B", "IBM"]


def test_what_is_published_hears_whether_the_lease_is_held() -> None:
    world = World()

    for late in range(2):
        world.now = NOW + timedelta(seconds=late)
        world.fetching().fetch_all([BarRequest((IBM,), None)], 0.0)
        world.fetch_month()

    assert world.publisher.held == [True, True, False, False]


def test_a_months_bars_go_out_with_those_of_the_month_before_for_their_lookbacks() -> None:
    world = World()

    fetched = world.fetch_month()

    assert world.provider.asked == ["2026-10", "2026-09"]
    ((instrument, sent, before, _, begin, splits),) = world.publisher.given
    assert (instrument, [*sent.bars]) == (IBM, ["2026-10-01T15:00:00Z"])
    assert (before, begin, splits) == ({"2026-09-01T15:00:00Z": NUMBERS}, "", ())
    assert [*fetched.published] == ["IBM"]


def test_a_month_that_was_begun_goes_on_where_it_broke_off() -> None:
    world = World()

    world.fetch_month(since=datetime(2026, 10, 7, 15, tzinfo=UTC))

    assert world.publisher.given[0][4] == "2026-10-07T15:00:00Z"


@pytest.mark.parametrize("left", [9, 10])
def test_a_month_begins_only_with_the_requests_for_both_months(left: int) -> None:
    """Five each, so that ten are enough."""
    world = World(left)

    fetched = world.fetch_month()

    assert world.provider.asked == ([] if left == 9 else ["2026-10", "2026-09"])
    assert isinstance(fetched.failure, AllowanceSpentError) is (left == 9)


def test_a_run_whose_time_is_over_asks_for_nothing() -> None:
    world = World()
    world.allowance.begin(100, until=-1.0)

    month = world.fetch_month()
    (fetched,) = world.fetching().fetch_all([BarRequest((IBM,), NOW - timedelta(minutes=5))], 0.0)

    assert world.provider.asked == []
    assert (month.failure, month.published, fetched.failure, fetched.published) == (None, {}, None, {})


@pytest.mark.parametrize("error", [NoDataError("none"), UnknownInstrumentError("not yet")], ids=repr)
def test_an_instruments_first_month_has_none_before_it(error: ProviderError) -> None:
    world = World()
    world.provider.of_month["2026-09"] = error

    assert [*world.fetch_month().published] == ["IBM"]
    assert world.publisher.given[0][2] == {}


def test_without_the_month_before_nothing_is_sent() -> None:
    """Its first bars would have short look-backs, and take the place of better ones."""
    down = ProviderUnavailableError("down")
    for before in (down, answer("2026-09-01T15:00:00Z", failure=down)):
        world = World()
        world.provider.of_month["2026-09"] = before

        fetched = world.fetch_month()

        assert (fetched.failure, world.publisher.given) == (down, [])


def test_a_month_whose_tail_cannot_be_read_is_left_with_the_reason() -> None:
    world = World()
    world.publisher.error = TailError("no table")

    fetched = world.fetch_month()

    assert (fetched.left, fetched.published) == ({"IBM": world.publisher.error}, {})
