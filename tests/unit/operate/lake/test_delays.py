"""How long bars take, from what stands in documents and at their files; worked out by hand."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file, write_parquet

from stockstream.times import format_instant, format_time
from stockstream_operate.lake.delays import Arrival, Delay, measure_delays, read_arrivals, read_recent

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def delivered(minute: int, asked: float, *, instrument: str = "IBM", **fields: Any) -> dict[str, Any]:
    """A bar that ended so many minutes before NOW, of which an answer came so many seconds later."""
    ended = NOW - timedelta(minutes=minute)
    known = ended + timedelta(seconds=asked)
    arrived = format_instant(known + timedelta(seconds=0.25))
    opened = format_time(ended - timedelta(minutes=1))
    return document(opened, as_of=format_instant(known), instrument=instrument, arrived_at=arrived) | fields


def put(lake: Path, name: str, documents: list[dict[str, Any]], after: float = 2) -> Path:
    """Writes a file so many seconds after its last document came into the stream."""
    path = write_file(lake, "2026-11-20", name, documents)
    written = datetime.fromisoformat(documents[-1]["as_of"]).timestamp() + 0.25 + after
    os.utime(path, (written, written))
    return path


def measured(lake: Path, read: dict[str, float] | None = None) -> dict[str, Delay]:
    return {each.stage: each for each in measure_delays(read_recent(lake, NOW), NOW, read)}


def test_each_stage_is_measured_from_the_one_before_and_all_of_it_from_the_end(tmp_path: Path) -> None:
    # The first answer of the hour is left out, and three of the other four took 30 s.
    for minute, asked in ((50, 500), (40, 30), (30, 30), (20, 30), (10, 58)):
        put(tmp_path, str(minute), [delivered(minute, asked)])

    assert measured(tmp_path) == {
        "until the answer": Delay("until the answer", 30, 58, 4),
        "into the stream": Delay("into the stream", 0.25, 0.25, 4),
        "into the lake": Delay("into the lake", 2, 2, 4),
        "in all": Delay("in all", 32.25, 60.25, 4),
    }


def test_a_bar_counts_with_its_first_numbers_however_often_it_comes(tmp_path: Path) -> None:
    put(tmp_path, "first", [delivered(50, 30)])
    put(tmp_path, "repeated", [delivered(40, 20)], after=300)
    put(tmp_path, "new", [delivered(40, 20)])
    put(tmp_path, "revised", [delivered(40, 600)])

    assert measured(tmp_path)["in all"] == Delay("in all", 22.25, 22.25, 1)


def test_what_a_first_answer_brings_is_history_of_its_instrument_alone(tmp_path: Path) -> None:
    put(tmp_path, "ibm", [delivered(50, 30), delivered(40, 30), delivered(30, 31)])
    answer = [delivered(minute, 60 * minute - 90, instrument="MSFT") for minute in range(30, 1, -1)]
    put(tmp_path, "msft", answer)
    put(tmp_path, "msft-next", [delivered(1, 7, instrument="MSFT")])

    assert sorted(each.bars for each in measured(tmp_path).values()) == [3] * 4
    assert measured(tmp_path)["until the answer"].p50 == 30


@pytest.mark.parametrize("minute", [60, 61])
def test_a_bar_that_ended_more_than_an_hour_ago_is_not_counted(tmp_path: Path, minute: int) -> None:
    put(tmp_path, "first", [delivered(80, 1200 + 10)])
    put(tmp_path, "late", [delivered(minute, 120)])

    assert len(measured(tmp_path)) == (4 if minute == 60 else 0)


def test_an_arrival_that_nobody_told_leaves_out_what_needs_it(tmp_path: Path) -> None:
    put(tmp_path, "first", [delivered(50, 30)])
    put(tmp_path, "next", [delivered(40, 30, arrived_at=None)])

    assert set(measured(tmp_path)) == {"until the answer", "in all"}


def test_what_is_read_later_takes_longer(tmp_path: Path) -> None:
    put(tmp_path, "first", [delivered(50, 30)])
    bars = [delivered(40, 30), delivered(39, 30)]
    for each in bars:
        put(tmp_path, each["id"].replace("|", "-").replace(":", "-"), [each])
    first = datetime.fromisoformat(bars[0]["as_of"]).timestamp() + 2.25

    # The second was there before anybody looked.
    delays = measured(tmp_path, {bars[0]["id"]: first + 0.5})
    assert delays["until it is read"] == Delay("until it is read", 0.5, 0.5, 1)
    assert delays["in all"] == Delay("in all", 32.75, 32.75, 1)
    assert delays["into the lake"].bars == 2


def test_percentiles_are_values_that_were_measured() -> None:
    def arrival(number: int) -> Arrival:
        ended = NOW.timestamp() - 60
        return Arrival(str(number), ("IBM", "1min"), ended, ended + number, None, ended + number)

    # A first answer, and then delays of 1 s to 200 s: numpy.percentile(..., method="inverted_cdf").
    first, *_, last = measure_delays([arrival(number) for number in range(201)], NOW)
    assert (first.p50, first.p99, last.p50, last.p99) == (100, 198, 100, 198)


def test_only_the_lines_that_are_documents_tell(tmp_path: Path) -> None:
    documents = [delivered(50, 30), {"id": "x"}, delivered(40, 30) | {"interval": "2min"}]
    path = put(tmp_path, "0", [*documents, delivered(39, 30)])
    parquet = write_parquet(tmp_path, "2026-11-20", "0", [delivered(38, 30)])

    assert [each.bar for each in read_arrivals(path, 0)] == [documents[0]["id"], delivered(39, 30)["id"]]
    assert list(read_arrivals(parquet, 0)) == []
    assert list(read_arrivals(tmp_path / "gone.json.gz", 0)) == []
