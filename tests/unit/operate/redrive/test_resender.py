"""Sending: in chunks that a shard takes in time, and without waiting for a stream that takes nothing."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from stockstream_operate.record_sender import CHUNK_RECORDS, PUT_SECONDS
from stockstream_operate.redrive.resender import Resender
from stockstream_operate.redrive.set_aside import EntryKind, SetAside
from stockstream_operate.redrive.triage import Action, Decision


class Stream:
    """Takes what it is told to, and keeps what it was asked."""

    def __init__(self, *, takes: Sequence[bool] = (), refusal: str = "") -> None:
        self.refusal = refusal
        self.calls: list[tuple[str, int, float]] = []
        self._takes = list(takes)

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        self.calls.append((partition_key, len(records), deadline - time.monotonic()))
        takes = self._takes.pop(0) if self._takes else True
        return set(range(len(records))) if takes else set()


def decisions(instrument: str, count: int, action: Action = Action.SEND) -> list[Decision]:
    entry = SetAside(EntryKind.RECORD, "key", "text")
    return [Decision(entry, action, "reason", "note", b"{}", instrument)] * count


def nothing(documents: list[tuple[str, bytes]]) -> None:
    """Delivers to the lake, where there is nothing to deliver."""
    assert documents == []


def test_an_instruments_records_go_in_chunks_under_its_name() -> None:
    stream = Stream()

    refusals = Resender(stream, None, nothing).send(
        [*decisions("IBM", CHUNK_RECORDS + 1), *decisions("AAPL", 2)]
    )

    assert refusals == [""] * (CHUNK_RECORDS + 3)
    assert [call[:2] for call in stream.calls] == [("IBM", CHUNK_RECORDS), ("IBM", 1), ("AAPL", 2)]


def test_a_stream_that_takes_nothing_is_not_waited_for_until_it_takes_something() -> None:
    stream = Stream(takes=[False, False, True, True], refusal="AccessDeniedException")
    resender = Resender(stream, None, nothing)

    refusals = [resender.send(decisions("IBM", 1)) for _ in range(4)]

    told = "the stream did not take it: AccessDeniedException"
    assert refusals == [[told], [told], [""], [""]]
    patience = [seconds for _, _, seconds in stream.calls]
    assert patience == pytest.approx([PUT_SECONDS, 0, 0, PUT_SECONDS], abs=1)


def test_what_is_not_to_be_sent_is_not_sent() -> None:
    stream = Stream()

    refusals = Resender(stream, None, nothing).send(
        [*decisions("IBM", 1, Action.LEAVE), *decisions("IBM", 1), *decisions("IBM", 1, Action.REPEATED)]
    )

    assert refusals == ["", "", ""]
    assert [call[:2] for call in stream.calls] == [("IBM", 1)]


def test_a_document_for_the_lake_is_delivered_to_the_day_of_its_arrival() -> None:
    """Where Firehose does not say it, to the day of the provider's answer, and not of its old bar."""
    data = b'{"open_time": "2026-03-02T15:00:00Z", "as_of": "2026-11-20T23:59:59.123Z"}'
    arrived = datetime(2026, 11, 21, 0, 0, 2, tzinfo=UTC)
    entries = [
        SetAside(EntryKind.LAKE_DOCUMENT, "key", "text", arrived_at=moment) for moment in (arrived, None)
    ]
    delivered: list[tuple[str, bytes]] = []

    refusals = Resender(Stream(), None, delivered.extend).send(
        [Decision(each, Action.DELIVER, "reason", "note", data, "IBM") for each in entries]
    )

    assert refusals == ["", ""]
    assert delivered == [("2026-11-21", data), ("2026-11-20", data)]
