"""What a publisher begins when little time is left: a call of the table takes 7 s at the most, a put 4 s."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from producer.memory.instrument_table import TailReader, VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.publishing import post
from producer.publishing.post import NoTimeLeftError, Post
from producer.publishing.publisher import Publisher
from producer.publishing.sending import Published
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import parse_instrument
from stockstream.windows import Windows

IBM = parse_instrument("IBM")
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

    def put_together(self, records: Sequence[KeyedRecord], deadline: float) -> set[int]:
        assert self.seconds + 4 <= deadline
        self._take("put", 4)
        return set(range(len(records)))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    aws = Aws()
    monkeypatch.setattr(post, "time", SimpleNamespace(monotonic=lambda: aws.seconds))
    return aws


def publish(aws: Aws, shown: dict[str, Ohlcv], deadline: float) -> Published:
    outcomes = Publisher(
        Post(
            source="replay",
            stream=aws,  # type: ignore[arg-type]  # a fake
            table=aws,  # type: ignore[arg-type]  # a fake
            interval="1min",
            windows=Windows(),
            table_seconds=7,
            stream_seconds=4,
        )
    ).publish({IBM: Answer(shown, [], NOW, NOW, reaches_back=True)}, deadline)
    outcome = outcomes["IBM"]
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


def test_a_tail_that_cannot_be_read_in_time_is_left(aws: Aws) -> None:
    with pytest.raises(NoTimeLeftError):
        publish(aws, NEW, deadline=13.9)

    assert aws.calls == []
    assert publish(aws, NEW, deadline=14.0).unsent == 1
