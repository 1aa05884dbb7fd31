"""The files of a lake, each read once: the same answers as from the files themselves."""

import gzip
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file, write_parquet

from stockstream.splits import Split
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.result import LakeQueryError
from stockstream_operate.lake.splits import SPLITS_FILE, keep_splits
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page import kept_lake
from stockstream_operate.page.kept_lake import KeptLake, Progress

LAKE_SQL = make_lake_sql(Windows())
ALL = "SELECT * FROM {} ORDER BY instrument, open_time, as_of, arrived_at"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def kept(folder: Path) -> Iterator[KeptLake]:
    with KeptLake(folder, LAKE_SQL) as kept:
        yield kept


def bars(*minutes: int, day: int = 20, **fields: Any) -> list[dict[str, Any]]:
    return [document(f"2026-11-{day}T14:{minute:02}:00Z", 100 + minute, **fields) for minute in minutes]


def count(kept: KeptLake) -> int:
    return int(kept.query("SELECT count(*) FROM bars_latest").rows[0][0])


def test_answers_as_the_files_do(folder: Path, kept: KeptLake) -> None:
    write_file(folder, "2026-11-20", "0", bars(1, 2, 3))
    write_file(folder, "2026-11-20", "1", bars(2, as_of="2026-11-20T15:00:00.000Z"))
    write_parquet(folder, "2026-11-21", "0", bars(7, day=21, sma_5=1.5))

    assert kept.look()
    for view in LAKE_SQL.views:
        with LakeEngine(folder, LAKE_SQL) as engine:
            assert kept.query(ALL.format(view)) == engine.query(ALL.format(view)), view


def test_takes_the_splits_when_they_come_and_as_they_are_corrected(folder: Path, kept: KeptLake) -> None:
    write_file(folder, "2026-11-20", "0", [document("2026-11-20T14:30:00Z", 2500.0)])
    kept.look()
    told = "SELECT close FROM bars_adjusted"
    assert kept.query(told).rows == [(2500.0,)]

    keep_splits({"IBM": [Split("2026-11-23T05:00:00Z", 10, 1)]}, folder)
    assert kept.look()
    assert kept.query(told).rows == [(250.0,)]
    assert not kept.look()

    (folder / SPLITS_FILE).write_text('{"shares": "many"}\n')
    assert kept.look()
    assert kept.query(told).rows == [(250.0,)]
    assert "splits.json holds no splits" in kept.trouble

    keep_splits({}, folder)
    assert kept.look()
    assert (kept.query(told).rows, kept.trouble) == ([(2500.0,)], "")


def test_reads_what_comes_and_nothing_twice(folder: Path, kept: KeptLake) -> None:
    write_file(folder, "2026-11-20", "0", bars(1))
    assert kept.look()
    assert not kept.look()

    write_file(folder, "2026-11-20", "1", bars(2))
    assert kept.look()
    assert not kept.look()
    assert count(kept) == 2
    assert kept.query("SELECT count(*) FROM bars_delivered").rows == [(2,)]


def test_begins_with_the_newest_files(folder: Path, kept: KeptLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_lake, "FIRST_FILES", 1)
    for day in (19, 20, 21):
        write_file(folder, f"2026-11-{day}", "0", bars(1, day=day))

    assert kept.look()
    assert kept.progress == Progress(1, 3)
    assert kept.query(
        "SELECT CAST(max(open_time) AS date) = date '2026-11-21', count(*) FROM bars_latest"
    ).rows == [(True, 1)]
    assert kept.look()
    assert (kept.progress, count(kept)) == (Progress(3, 3), 3)


def test_waits_for_a_folder_and_follows_the_next_run(folder: Path, kept: KeptLake) -> None:
    assert not kept.look()
    assert count(kept) == 0

    write_file(folder, "2026-11-20", "0", bars(1, 2))
    assert kept.look()
    folder.rename(folder.with_name("lake.old"))
    assert kept.look()
    assert count(kept) == 0

    write_file(folder, "2026-11-20", "0", bars(5))
    assert kept.look()
    assert count(kept) == 1
    shutil.rmtree(folder.with_name("lake.old"))


def test_a_file_without_compression_or_a_last_line_break_is_read(folder: Path, kept: KeptLake) -> None:
    path = write_file(folder, "2026-11-20", "0", bars(1))
    path.write_bytes(gzip.decompress(path.read_bytes()).rstrip())
    write_file(folder, "2026-11-20", "1", bars(2))

    assert kept.look()
    assert count(kept) == 2


def test_takes_finished_days_from_what_is_joined_and_the_others_from_their_files(
    folder: Path, kept: KeptLake
) -> None:
    write_file(folder, "2026-11-19", "0", bars(1, 1, day=19))
    broken = write_file(folder, "2026-11-19", "broken", bars(3, day=19))
    broken.write_bytes(b"")
    write_parquet(folder, "2026-11-20", "0", bars(2))
    write_file(folder, "2026-11-21", "0", bars(7, day=21))
    for day in folder.glob("bars*/dt=*"):
        os.utime(day, (1_700_000_000, 1_700_000_000))
    with open_joined(folder, LAKE_SQL, "2026-11-21"), LakeEngine(folder, LAKE_SQL) as engine:
        expected = {view: engine.query(ALL.format(view)) for view in LAKE_SQL.views}
    replaced = {file: file.read_bytes() for file in folder.glob("bars*/dt=2026-11-[12][09]/0.*")}
    assert len(replaced) == 2
    for file, content in replaced.items():
        replace(file, b"?" * len(content))  # would be trouble if it were opened

    assert kept.look()
    assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == expected
    assert kept.progress == Progress(1, 1)
    assert kept.trouble == f"{broken} is empty."
    assert not kept.look()

    for file, content in replaced.items():
        replace(file, content)
    write_file(folder, "2026-11-20", "late", bars(9))
    assert kept.look()
    assert kept.progress == Progress(3, 3)
    assert kept.query("SELECT count(*) FROM bars_delivered").rows == [(5,)]


def replace(file: Path, content: bytes) -> None:
    """Writes a file over so that nothing outside it shows."""
    at = file.stat().st_mtime_ns
    file.write_bytes(content)
    os.utime(file, ns=(at, at))


def join(folder: Path, today: str) -> None:
    """Joins the days before a day, as another command would a while later."""
    for day in folder.glob("bars*/dt=*"):
        # Not what has just changed, and not the time that the folder had at the last joining.
        changed = day.stat().st_mtime - 10
        os.utime(day, (changed, changed))
    with open_joined(folder, LAKE_SQL, today):
        pass


def as_the_files_say(folder: Path) -> dict[str, Any]:
    with LakeEngine(folder, LAKE_SQL) as engine:
        return {view: engine.query(ALL.format(view)) for view in LAKE_SQL.views}


def test_a_bar_of_a_joined_day_that_comes_today_has_one_history(folder: Path, kept: KeptLake) -> None:
    write_file(folder, "2026-11-19", "0", bars(1, 2, day=19))
    write_file(folder, "2026-11-20", "0", bars(1, 2))
    join(folder, "2026-11-21")
    kept.look()
    # A revision, a repetition of what is joined, and a bar of another day.
    revised = bars(2, as_of="2026-11-21T09:00:00.000Z", sma_5=1.5)
    repeated = bars(1, arrived_at="2026-11-21T09:00:00.000Z")
    write_file(folder, "2026-11-21", "0", [*revised, *repeated, *bars(1, day=21)])

    assert kept.look()
    assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)
    assert kept.query("SELECT count(*) FROM bars_history WHERE known_until IS NOT NULL").rows == [(1,)]


def test_follows_what_others_join_meanwhile(folder: Path, kept: KeptLake) -> None:
    for day in (18, 19, 20):
        write_file(folder, f"2026-11-{day}", "0", bars(1, 2, day=day))
    join(folder, "2026-11-20")
    kept.look()
    assert kept.progress == Progress(1, 1)
    write_file(folder, "2026-11-19", "late", bars(3, day=19))
    kept.look()
    assert kept.progress == Progress(3, 3)
    assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)

    # Each day is joined now, also those of which the files were read.
    join(folder, "2026-11-21")
    assert kept.look()
    assert kept.progress == Progress(0, 0)
    assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)

    write_parquet(folder, "2026-11-20", "late", bars(4))
    assert kept.look()
    assert kept.progress == Progress(2, 2)
    assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)


def test_does_not_read_what_is_being_joined_and_takes_it_when_it_is(folder: Path) -> None:
    for day in (18, 19, 20, 21):
        write_file(folder, f"2026-11-{day}", "0", bars(1, 2, day=day))
    write_file(folder, "2026-11-21", "1", bars(2, as_of="2026-11-21T09:00:00.000Z"))
    awaited = {"2026-11-18", "2026-11-19"}
    with KeptLake(folder, LAKE_SQL, lambda: awaited) as kept:
        kept.look()
        assert kept.progress == Progress(3, 3)
        assert kept.query("SELECT min(trading_day) FROM bars_latest").rows == [(date(2026, 11, 20),)]

        join(folder, "2026-11-21")
        assert kept.look()
        assert kept.progress == Progress(2, 2)
        assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)

        # What could not be joined is read in the end.
        write_file(folder, "2026-11-18", "late", bars(3, day=18))
        kept.look()
        assert kept.progress == Progress(2, 2)
        awaited.clear()
        kept.look()
        assert {view: kept.query(ALL.format(view)) for view in LAKE_SQL.views} == as_the_files_say(folder)


@pytest.mark.parametrize(
    ("how", "said"),
    [("cut off", "is cut off."), ("no JSON", "holds no documents of the lake, one a line in JSON.")],
)
def test_a_broken_file_is_named_and_keeps_no_other_out(
    folder: Path, kept: KeptLake, how: str, said: str
) -> None:
    for name in "0123":
        write_file(folder, "2026-11-20", name, bars(int(name)))
    assert kept.trouble == ""
    broken = write_file(folder, "2026-11-20", "4", bars(4))
    broken.write_bytes(broken.read_bytes()[:-4] if how == "cut off" else gzip.compress(b"<html>\n"))

    assert kept.look()
    assert kept.trouble == f"{broken} {said}"
    assert count(kept) == (5 if how == "cut off" else 4)
    assert not kept.look()


def test_a_question_that_makes_no_sense_is_told_in_words(kept: KeptLake) -> None:
    with pytest.raises(LakeQueryError, match="nowhere"):
        kept.query("SELECT * FROM nowhere")
    assert kept.receipt() == ""


def test_knows_how_long_what_came_while_it_looked_was_on_its_way(folder: Path, kept: KeptLake) -> None:
    now = datetime.now(UTC)
    ends = [now - timedelta(minutes=number) for number in (3, 2, 1)]
    documents = [
        document(
            format_time(end - timedelta(minutes=1)),
            as_of=format_instant(end.replace(microsecond=0) + timedelta(seconds=20)),
        )
        for end in ends
    ]
    for name, each in enumerate(documents[:2]):
        write_file(folder, f"{now:%Y-%m-%d}", f"{name}", [each])
    kept.look()
    assert {each.stage: each.bars for each in kept.delays(now)} == {
        "until the answer": 1,
        "into the stream": 1,
        "into the lake": 1,
    }

    write_file(folder, f"{now:%Y-%m-%d}", "2", documents[2:])
    kept.look()
    delays = {each.stage: each for each in kept.delays(now)}
    assert (delays["until the answer"].bars, delays["until the answer"].p99) == (2, 20)
    revised = documents[1] | {"as_of": format_instant(now), "arrived_at": format_instant(now)}
    write_file(folder, f"{now:%Y-%m-%d}", "revised", [revised])
    kept.look()
    assert {each.stage: each for each in kept.delays(now)} == delays
    # What was there before the first look is not known to have been read.
    assert delays["until it is read"].bars == delays["in all"].bars == 1
    assert 0 <= delays["until it is read"].p50 < 60
    assert 60 <= delays["in all"].p50 < 180
