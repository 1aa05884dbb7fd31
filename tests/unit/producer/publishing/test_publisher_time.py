"""What a publisher begins when little time is left: a call of the table takes 7 s at the most, a put 4 s."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from producer.memory.instrument_table import TailReader, TailWrite, VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.publishing import post
from producer.publishing.post import NoTimeLeftError, Post
from producer.publishing.publisher import Publisher
from producer.publishing.sending import Published
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import Instrument, parse_instrument
from stockstream.windows import Windows

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
KNOWN = {"2026-11-20T20:57:00Z": Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)}
NEW = {"2026-11-20T20:58:00Z": Ohlcv(11.0, 12.0, 9.0, 11.5, 100.0)}
REVISED = {"2026-11-20T20:57:00Z": Ohlcv(10.0, 12.0, 9.0, 11.25, 100.0)}


class Aws:
    """A stream and a table, each of whose calls takes as long as it may."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls: list[str] = []
        self.tail = VersionedTail(Tail(dict(KNOWN)), 1)
        self.writes_together = True
        self.put_until = 0.0

    def _take(self, call: str, seconds: float) -> None:
        self.calls.append(call)
        self.seconds += seconds

    def read_tails(self, _instruments: Sequence[str], _interval: str) -> TailReader:
        self._take("read", 2 * 7)
        tail = self.tail
        return lambda _instrument: tail

    def write_tail(self, _instrument: str, _interval: str, tail: Tail, version: int) -> VersionedTail:
        self._take("write", 7)
        self.tail = VersionedTail(tail, version + 1)
        return self.tail

    def write_together(self, writes: Sequence[TailWrite], _interval: str) -> list[VersionedTail | None]:
        self._take("together", 7)
        return [
            VersionedTail(tail, version + 1) if self.writes_together else None for _, tail, version in writes
        ]

    def put_together(self, records: Sequence[KeyedRecord], deadline: float) -> set[int]:
        assert self.seconds + 4 <= deadline
        self.put_until = deadline
        self._take("put", 4)
        return set(range(len(records)))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    aws = Aws()
    monkeypatch.setattr(post, "time", SimpleNamespace(monotonic=lambda: aws.seconds))
    return aws


def publish_all(
    aws: Aws, shown: dict[Instrument, dict[str, Ohlcv]], deadline: float
) -> dict[str, Published | TailError]:
    post = Post(
        source="replay",
        stream=aws,  # type: ignore[arg-type]  # a fake
        table=aws,  # type: ignore[arg-type]  # a fake
        interval="1min",
        windows=Windows(),
        table_seconds=7,
        stream_seconds=4,
    )
    answers = {name: Answer(bars, [], NOW, NOW, reaches_back=True) for name, bars in shown.items()}
    return Publisher(post).publish(answers, deadline, is_held=lambda: True)


def publish(aws: Aws, shown: dict[str, Ohlcv], deadline: float) -> Published:
    outcome = publish_all(aws, {IBM: shown}, deadline)["IBM"]
    if isinstance(outcome, TailError):
        raise outcome
    return outcome


#  0         14   18      25
#  read------put--write---|
@pytest.mark.parametrize(("deadline", "calls"), [(24.9, ["read"]), (25.0, ["read", "put", "write"])])
def test_new_bars_are_put_if_there_is_time_to_remember_them(
    aws: Aws, deadline: float, calls: list[str]
) -> None:
    published = publish(aws, KNOWN | NEW, deadline)

    assert aws.calls == calls
    assert published.unsent == (0 if "put" in calls else 1)
    assert aws.seconds <= deadline


#  0         14      21   25      32
#  read------write---put--write---|
@pytest.mark.parametrize(("deadline", "calls"), [(31.9, ["read"]), (32.0, ["read", "write", "put", "write"])])
def test_a_revision_is_put_if_there_is_time_for_the_doubt_before_it_too(
    aws: Aws, deadline: float, calls: list[str]
) -> None:
    publish(aws, REVISED, deadline)

    assert aws.calls == calls
    assert aws.seconds <= deadline


#  0         14        23   30
#  read------put-------write|
def test_the_stream_may_try_again_until_there_is_just_time_to_remember_what_it_took(aws: Aws) -> None:
    publish(aws, KNOWN | NEW, deadline=30.0)

    assert aws.put_until == 23.0


# IBM's needs 7 + 4 + 7 s after the tails were read, until 32.0; MSFT's 4 + 7 s.
@pytest.mark.parametrize(("shown", "unsent"), [(KNOWN | REVISED, 1), (REVISED | NEW, 2)])
def test_where_a_revision_finds_no_time_a_new_bar_waits_with_it_and_another_instruments_does_not(
    aws: Aws, shown: dict[str, Ohlcv], unsent: int
) -> None:
    outcomes = publish_all(aws, {IBM: shown, MSFT: KNOWN | NEW}, 31.9)

    assert aws.calls == ["read", "put", "write"]
    assert [each.unsent for each in outcomes.values() if isinstance(each, Published)] == [unsent, 0]


#  0         14   18        25
#  read------put--together--|------ and time to write one by itself
@pytest.mark.parametrize(
    ("deadline", "calls"),
    [(31.9, ["read", "put", "write"]), (32.0, ["read", "put", "together"])],
)
def test_tails_are_written_together_if_there_is_time_to_write_one_that_was_not(
    aws: Aws, deadline: float, calls: list[str]
) -> None:
    outcomes = publish_all(aws, {IBM: KNOWN | NEW, MSFT: KNOWN | NEW}, deadline)

    assert aws.calls == calls
    assert isinstance(outcomes["IBM"], Published)
    assert isinstance(outcomes["MSFT"], Published if "together" in calls else NoTimeLeftError)
    assert aws.seconds <= deadline


#  0         14   18        25     32     39
#  read------put--together--write--write--|
@pytest.mark.parametrize(
    ("deadline", "second"), [(38.9, NoTimeLeftError), (39.0, Published)], ids=["one", "both"]
)
def test_what_is_not_written_together_is_written_by_itself_while_there_is_time(
    aws: Aws, deadline: float, second: type
) -> None:
    aws.writes_together = False

    outcomes = publish_all(aws, {IBM: KNOWN | NEW, MSFT: KNOWN | NEW}, deadline)

    assert aws.calls[:4] == ["read", "put", "together", "write"]
    assert [type(outcome) for outcome in outcomes.values()] == [Published, second]
    assert aws.seconds <= deadline


def test_doubts_are_remembered_together_before_the_put_and_so_is_what_was_taken_after_it(aws: Aws) -> None:
    publish_all(aws, {IBM: REVISED, MSFT: REVISED}, 100.0)

    assert aws.calls == ["read", "together", "put", "together"]


def test_a_tail_that_cannot_be_read_in_time_is_left(aws: Aws) -> None:
    with pytest.raises(NoTimeLeftError):
        publish(aws, NEW, deadline=13.9)

    assert aws.calls == []
    assert publish(aws, NEW, deadline=14.0).unsent == 1
