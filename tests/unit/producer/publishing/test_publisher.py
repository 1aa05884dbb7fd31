"""What a publisher sends, and what it says of it; the bars of each case are counted by hand."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from minutes_of_a_producer import Table

from producer.memory.instrument_table import TailReader, VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.publishing import post, publisher
from producer.publishing.post import LeaseOverError, Post
from producer.publishing.publication import Cause
from producer.publishing.publisher import Publisher
from producer.publishing.sending import Published
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import parse_instrument
from stockstream.windows import Windows

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)


def at(minute: int) -> str:
    return f"2026-11-20T{10 + minute // 60}:{minute % 60:02}:00Z"


def bars(minutes: Iterable[int]) -> dict[str, Ohlcv]:
    return {at(minute): Ohlcv(minute, minute, minute, minute, 1.0) for minute in minutes}


def answer(shown: dict[str, Ohlcv], *, reaches_back: bool = True) -> Answer:
    return Answer(shown, [], NOW, NOW, reaches_back=reaches_back)


class World(Table):
    """A table, a stream that takes what it is told to, and a clock: a call takes so many seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.read_seconds, self.put_seconds = 0.0, 0.0, 1.0
        self.put: list[str] = []
        self.takes: Callable[[str], bool] = lambda _open_time: True
        self.unreadable: Sequence[str] = ()
        self.is_held = True
        self.publisher = Publisher(
            Post(
                source="replay",
                stream=self,  # type: ignore[arg-type]  # a fake
                table=self,  # type: ignore[arg-type]  # a fake
                interval="1min",
                windows=Windows(sma=(2,), ema=(2,)),
                table_seconds=0,
                stream_seconds=0,
            )
        )

    def read_tails(self, instruments: Sequence[str], interval: str) -> TailReader:
        read = super().read_tails(instruments, interval)
        self.seconds += self.read_seconds

        def tail_of(name: str) -> VersionedTail:
            if name in self.unreadable:
                raise TailError(f"{name}: unreadable")
            return read(name)

        return tail_of

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        self.seconds += self.put_seconds
        times = [json.loads(record.data)["open_time"] for record in records]
        self.put += times
        return {position for position, time in enumerate(times) if self.takes(time)}

    def remember(self, tail: Tail, name: str = "IBM") -> None:
        self.tails[name] = VersionedTail(tail, 1)

    def publish_month(self, shown: dict[str, Ohlcv], deadline: float = 100.0) -> Published:
        return self.publisher.publish_history(IBM, answer(shown), {}, deadline, is_held=lambda: self.is_held)

    def publish(
        self, shown: dict[str, Ohlcv], deadline: float = 100.0, *, reaches_back: bool = True
    ) -> Published:
        answers = {IBM: answer(shown, reaches_back=reaches_back)}
        published = self.publisher.publish(answers, deadline, is_held=lambda: self.is_held)["IBM"]
        if isinstance(published, TailError):
            raise published
        return published


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    for module in (post, publisher):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: world.seconds))
    return world


# Of the month the tail has 10, 11, 13 and 14. What looks back over the hole is sent again.
MONTH, WITH_A_HOLE = bars(range(5, 15)), Tail(bars([10, 11, 13, 14]), forgotten=True)


def test_a_month_is_sent_from_before_the_tail_and_into_its_hole(world: World) -> None:
    world.remember(WITH_A_HOLE)

    published = world.publish_month(MONTH)

    assert world.put == [at(minute) for minute in range(5, 15)]
    assert published.causes == {Cause.NEW: 5, Cause.LATE: 1, Cause.REPEATED: 4}
    assert (published.unsent, published.unsent_from) == (0, "")
    assert at(12) in world.tails["IBM"].tail.bars


@pytest.mark.parametrize(("deadline", "sent"), [(0.0, []), (0.1, range(5, 10))])
def test_a_month_for_which_there_is_no_time_is_left_from_its_first_bar_on(
    world: World, deadline: float, sent: Iterable[int]
) -> None:
    """All ten bars, or once the older ones are put the five within the tail."""
    world.remember(WITH_A_HOLE)

    published = world.publish_month(MONTH, deadline)

    assert world.put == [at(minute) for minute in sent]
    left = 10 - len(world.put)
    assert (published.unsent, published.unsent_from) == (left, at(15 - left))


def test_of_a_long_month_what_was_put_in_time_counts_and_the_rest_begins_with_its_first_bar(
    world: World,
) -> None:
    """500 bars are put together, and then the time is over."""
    world.remember(Tail(bars([600, 601])))

    published = world.publish_month(bars(range(503)), deadline=1.0)

    assert len(world.put) == 500
    assert (published.unsent, published.unsent_from) == (3, at(500))


@pytest.mark.parametrize(("refused", "left"), [([5], 6), ([7, 9], 7), ([12], 1), ([13, 14], 2)])
def test_what_is_left_of_a_month_begins_with_the_first_bar_that_the_stream_refused(
    world: World, refused: list[int], left: int
) -> None:
    """Of the five older bars a refusal ends the run, before the five within the tail."""
    world.remember(WITH_A_HOLE)
    world.takes = lambda time: time not in {at(minute) for minute in refused}

    published = world.publish_month(MONTH)

    assert (published.unsent, published.unsent_from) == (left, at(refused[0]))


def test_a_tail_that_cannot_be_read_stops_no_other_instrument(world: World) -> None:
    world.unreadable = ["IBM"]

    outcomes = world.publisher.publish(
        {IBM: answer(bars([1])), MSFT: answer(bars([1, 2]))}, 100.0, is_held=lambda: True
    )

    assert isinstance(outcomes["IBM"], TailError)
    assert isinstance(outcomes["MSFT"], Published)
    assert world.put == [at(1), at(2)]


@pytest.mark.parametrize(
    ("shown", "hole"), [([14, 15], None), ([15], (at(14), at(15))), ([17, 18], (at(14), at(17)))]
)
def test_a_hole_lies_between_the_newest_bar_that_was_sent_and_the_oldest_that_is_shown(
    world: World, shown: list[int], hole: tuple[str, str] | None
) -> None:
    """Whether there was trading between the two is for the report to say."""
    world.remember(Tail(bars([13, 14])))

    assert world.publish(bars(shown), reaches_back=False).hole == hole


def test_a_first_answer_has_no_hole_before_it(world: World) -> None:
    assert world.publish(bars([14, 15]), reaches_back=False).hole is None


@pytest.mark.parametrize(
    ("later", "sent"),
    [
        pytest.param([10, 11], [11], id="it is shown again"),
        pytest.param([10, 12], [11, 12], id="it is not, and another bar ends"),
    ],
)
def test_a_bar_that_is_not_shown_when_an_earlier_one_comes_late_is_repeated_with_the_next_answer(
    world: World, later: list[int], sent: list[int]
) -> None:
    world.publish(bars([11]))
    world.publish(bars([10]))
    assert world.put == [at(11), at(10)]

    for _ in range(2):
        world.publish(bars(later))
    assert world.put[2:] == [at(minute) for minute in sent]


@pytest.mark.parametrize("publish", [World.publish, World.publish_month])
def test_what_was_answered_before_a_run_stood_still_until_its_lease_had_ended_is_not_sent(
    world: World, publish: Callable[[World, dict[str, Ohlcv]], Published]
) -> None:
    world.remember(WITH_A_HOLE)
    world.is_held = False

    with pytest.raises(LeaseOverError, match="stood still until its lease had ended"):
        publish(world, MONTH)
    assert world.put == []


def test_the_times_of_the_newest_hundred_bars_are_told(world: World) -> None:
    world.remember(Tail(bars(range(80))))

    assert world.publish(bars(range(60, 130))).times == [at(minute) for minute in range(30, 130)]


def test_a_bar_from_before_the_first_is_sent_unless_it_is_a_rereading(world: World) -> None:
    """A rereading compares what the tail remembers; older bars are for the schedule's own requests."""
    shown = bars([9, 10])
    world.remember(Tail(bars([10])))
    world.publisher.publish({IBM: answer(shown)}, 100.0, is_held=lambda: True, rereads=True)
    assert world.put == []

    world.publish(shown)
    assert world.put == [at(9), at(10)]


# The day before ended at 100, and this one begins at 50.
DAY_BEFORE, OPENING = "2026-11-19T20:59:00Z", "2026-11-20T14:30:00Z"
HALF = {OPENING: Ohlcv(50.0, 50.0, 50.0, 50.0, 1.0)}


@pytest.mark.parametrize(("read_seconds", "told"), [(0.0, OPENING), (101.0, None)])
def test_a_split_is_suspected_by_the_run_that_puts_its_bar(
    world: World, read_seconds: float, told: str | None
) -> None:
    """If there is no time left to put it, the bar is new in the next run."""
    world.remember(Tail({DAY_BEFORE: Ohlcv(100.0, 100.0, 100.0, 100.0, 1.0)}))
    world.read_seconds = read_seconds

    suspicion = world.publish(HALF).suspicion

    assert (suspicion.at if suspicion else None) == told
    assert world.put == [OPENING] * (told is not None)
