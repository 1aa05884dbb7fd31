"""What is joined of a lake: it is what is read, it follows its days, and nothing piles up."""

import fcntl
import itertools
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from delivered_files import document, write_file, write_parquet
from full_disk import files_end_at, fill_disk

from stockstream.windows import Windows
from stockstream_operate.lake import joined as joined_module
from stockstream_operate.lake import joining
from stockstream_operate.lake.duckdb_views import make_delivered
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.joined import Joined, read_joined
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.joining_beside import JoiningBeside
from stockstream_operate.lake.result import LakeQueryError
from stockstream_operate.lake.sql import LakeSql, make_lake_sql
from stockstream_operate.whole_file import write_whole

LAKE_SQL = make_lake_sql(Windows())
TODAY = "2026-11-22"
LONG_AGO = 1_700_000_000_000_000_000


def bar(day: int, minute: int, close: float = 100.0, **fields: Any) -> dict[str, Any]:
    return document(f"2026-11-{day}T14:{minute:02}:00Z", close, **fields)


def settle(lake: Path, later: int = 0) -> None:
    """As if the last change were some time ago."""
    for folder in lake.glob("bars*/dt=*"):
        os.utime(folder, ns=(LONG_AGO + later, LONG_AGO + later))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two finished days, one of them in both formats with a bar of the other, and today."""
    folder = tmp_path / "lake"
    write_file(folder, "2026-11-20", "a", [bar(20, 1), bar(20, 1)])
    write_file(folder, "2026-11-20", "b", [bar(20, 2)])
    write_file(folder, "2026-11-21", "a", [bar(20, 2, 102.0, as_of="2026-11-21T09:00:00.000Z"), bar(21, 1)])
    write_parquet(folder, "2026-11-21", "a", [bar(21, 2)])
    write_file(folder, "2026-11-22", "a", [bar(22, 1)])
    settle(folder)
    return folder


def ask(lake: Path, sql: str, today: str = TODAY, lake_sql: LakeSql = LAKE_SQL) -> list[tuple[Any, ...]]:
    with open_joined(lake, lake_sql, today) as joined, LakeEngine(lake, lake_sql, joined=joined) as engine:
        return engine.query(sql).rows


def join(lake: Path, today: str = TODAY) -> Joined:
    with open_joined(lake, LAKE_SQL, today) as joined:
        return joined


def files(lake: Path) -> list[str]:
    return sorted(file.name[: -len("-.parquet") - 32] for file in lake.glob(".joined/*.parquet"))


BARS = "SELECT count(*), sum(close) FROM bars_latest"
OF_VIEWS = (
    "SELECT id, close FROM bars_latest",
    "SELECT id, close FROM bars_history",
    "SELECT id, close FROM bars_delivered",
)


def test_a_finished_days_files_are_not_opened_again(lake: Path) -> None:
    assert ask(lake, BARS) == [(5, 502.0)]

    for file in lake.glob("bars*/dt=2026-11-2[01]/*"):
        before = file.stat()
        file.write_bytes(b"?" * before.st_size)  # this would be said
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with open_joined(lake, LAKE_SQL, TODAY) as joined, LakeEngine(lake, joined=joined) as engine:
        assert joined.covered == {"2026-11-20", "2026-11-21"}
        assert engine.query(BARS).rows == [(5, 502.0)]
        assert engine.query("SELECT dt, count(*) FROM bars_delivered GROUP BY dt ORDER BY dt").rows == [
            ("2026-11-20", 3),
            ("2026-11-21", 3),
            ("2026-11-22", 1),
        ]
        assert engine.troubles == {}


def test_the_tables_of_the_files_are_the_files_nevertheless(lake: Path) -> None:
    assert ask(lake, "SELECT count(*) FROM bars") == [(6,)]
    assert ask(lake, "SELECT (SELECT count(*) FROM bars_parquet), count(*) FROM bars_latest") == [(1, 5)]


def test_a_file_that_comes_late_or_goes_is_seen_at_once_and_joined_when_its_day_has_settled(
    lake: Path,
) -> None:
    join(lake)
    late = write_file(lake, "2026-11-20", "late", [bar(20, 3, 103.0)])

    assert ask(lake, BARS) == [(6, 605.0)]
    assert join(lake).outdated == {"2026-11-20"}
    settle(lake, 1)
    assert ask(lake, BARS) == [(6, 605.0)]
    assert join(lake).outdated == frozenset()

    late.unlink()
    assert ask(lake, BARS) == [(5, 502.0)]
    settle(lake, 2)
    assert ask(lake, BARS) == [(5, 502.0)]
    assert join(lake).outdated == frozenset()


@pytest.mark.parametrize("is_longer", [True, False])
def test_a_file_that_is_written_over_is_seen_at_once(lake: Path, *, is_longer: bool) -> None:
    join(lake)
    file = lake / "bars" / "dt=2026-11-20" / "b.json.gz"
    before = file.stat()
    again = [bar(20, 2, 102.5), *([bar(20, 3, 103.0)] if is_longer else [])]
    lines = "".join(f"{json.dumps(each)}\n" for each in again)
    file.write_text(lines, encoding="utf-8")  # in its place: the folder does not change
    if is_longer:
        # As a copy that keeps the times of what it copies.
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    # Of the bar of 14:02 the other day has a later answer.
    assert ask(lake, BARS) == ([(6, 605.0)] if is_longer else [(5, 502.0)])
    assert ask(lake, "SELECT max(close) FROM bars_history WHERE known_until IS NOT NULL") == [(102.5,)]
    assert join(lake).outdated == frozenset()


def test_of_very_many_files_the_newest_days_are_asked(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    join(lake)
    monkeypatch.setattr(joined_module, "_MOST_ASKED_FILES", 2)
    for day in (20, 21):
        file = lake / "bars" / f"dt=2026-11-{day}" / "a.json.gz"
        file.write_text(json.dumps(bar(day, 9)), encoding="utf-8")

    with read_joined(lake, LAKE_SQL) as joined:
        assert joined.outdated == {"2026-11-21"}


class ProcessEndsError(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def end_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the process end before it puts the nth file or manifest onto the disk."""
    left = [step]

    def before[**Asked, Answer](doing: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        def do(*args: Asked.args, **named: Asked.kwargs) -> Answer:
            left[0] -= 1
            if left[0] < 0:
                raise ProcessEndsError
            return doing(*args, **named)

        return do

    monkeypatch.setattr(os, "fsync", before(os.fsync))
    for name in ("write_text", "replace", "unlink"):
        monkeypatch.setattr(Path, name, before(getattr(Path, name)))


def test_wherever_joining_ends_the_answers_are_the_files_and_the_next_time_goes_on(lake: Path) -> None:
    join(lake)
    write_file(
        lake, "2026-11-21", "late", [bar(21, 3, 103.0), bar(20, 1, 7.0, as_of="2026-11-21T10:00:00.000Z")]
    )
    settle(lake, 1)
    with LakeEngine(lake) as engine:
        expected = [sorted(engine.query(sql).rows) for sql in OF_VIEWS]
    kept, ended = {file: file.read_bytes() for file in lake.glob(".joined/*")}, 0
    for step in itertools.count():
        for file in lake.glob(".joined/*"):
            file.unlink()
        for file, held in kept.items():
            file.write_bytes(held)
        with pytest.MonkeyPatch.context() as patch:
            end_at(step, patch)
            with suppress(ProcessEndsError):
                join(lake, "2026-12-01")
                break
        ended += 1
        with read_joined(lake, LAKE_SQL) as left, LakeEngine(lake, joined=left) as engine:
            assert [sorted(engine.query(sql).rows) for sql in OF_VIEWS] == expected
        assert [sorted(ask(lake, sql, "2026-12-01")) for sql in OF_VIEWS] == expected

    assert ended >= 5
    assert files(lake) == ["2026-11"]


def test_a_revision_whose_file_goes_is_forgotten_at_once(lake: Path) -> None:
    join(lake)
    (lake / "bars" / "dt=2026-11-21" / "a.json.gz").unlink()

    assert join(lake).outdated == {"2026-11-21"}
    assert ask(lake, BARS) == [(4, 400.0)]


def test_a_day_that_is_still_changing_is_read_as_it_is(lake: Path) -> None:
    now = time.time_ns()
    os.utime(lake / "bars" / "dt=2026-11-20", ns=(now, now))

    assert join(lake).covered == {"2026-11-21"}
    assert ask(lake, BARS) == [(5, 502.0)]


def test_a_day_whose_folders_are_gone_is_gone(lake: Path) -> None:
    join(lake)
    (lake / "bars" / "dt=2026-11-20").rename(lake / "elsewhere")

    assert ask(lake, "SELECT DISTINCT dt FROM bars_delivered ORDER BY dt") == [
        ("2026-11-21",),
        ("2026-11-22",),
    ]
    assert join(lake).covered == {"2026-11-21"}


def test_months_that_are_over_become_one_file_and_nothing_piles_up(lake: Path) -> None:
    join(lake)
    assert files(lake) == ["2026-11-20", "2026-11-21"]

    assert join(lake, "2026-11-23").covered == {"2026-11-20", "2026-11-21", "2026-11-22"}
    assert files(lake) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    join(lake, "2026-12-01")
    assert files(lake) == ["2026-11"]
    assert ask(lake, BARS, "2026-12-01") == [(5, 502.0)]


def test_files_that_somebody_reads_are_deleted_later(lake: Path) -> None:
    with open_joined(lake, LAKE_SQL, TODAY) as reading, LakeEngine(lake, joined=reading) as engine:
        write_file(lake, "2026-11-21", "late", [bar(21, 3)])
        settle(lake, 1)
        assert ask(lake, BARS) == [(6, 602.0)]
        assert engine.query(BARS).rows == [(5, 502.0)]
        assert len(files(lake)) > 2

    join(lake, "2026-11-23")
    assert files(lake) == ["2026-11-20", "2026-11-21", "2026-11-22"]


def test_a_broken_file_is_named_each_time_until_it_is_mended_or_set_aside(lake: Path) -> None:
    broken = lake / "bars" / "dt=2026-11-20" / "broken.json.gz"
    broken.write_bytes(b"")
    os.utime(broken, ns=(LONG_AGO, LONG_AGO))
    settle(lake)
    for _ in range(2):
        with open_joined(lake, LAKE_SQL, TODAY) as joined, LakeEngine(lake, joined=joined) as engine:
            assert engine.troubles == {broken: "is empty."}
            assert "2026-11-20" in joined.covered

    broken.write_text(json.dumps(bar(20, 9)), encoding="utf-8")  # in its place: the folder does not change
    settle(lake)
    assert ask(lake, BARS) == [(6, 602.0)]


def test_other_columns_are_joined_anew(lake: Path) -> None:
    join(lake)

    other = make_lake_sql(Windows((3,), (12,)))
    assert ask(lake, "SELECT count(sma_3), count(*) FROM bars_latest", lake_sql=other) == [(0, 5)]


@pytest.mark.parametrize("left", ["{", "[]", "{}", '{"made_for": 1}'])
def test_a_manifest_that_says_nothing_is_written_anew(lake: Path, left: str) -> None:
    join(lake)
    (lake / ".joined" / "manifest.json").write_text(left, encoding="utf-8")

    assert ask(lake, BARS) == [(5, 502.0)]
    assert join(lake).covered == {"2026-11-20", "2026-11-21"}


def test_where_nothing_can_be_written_the_files_answer(lake: Path) -> None:
    (lake / ".joined").write_text("a file stands in the way", encoding="utf-8")

    assert ask(lake, BARS) == [(5, 502.0)]


def test_says_before_what_takes_long(lake: Path) -> None:
    said: list[str] = []
    with open_joined(lake, LAKE_SQL, TODAY, said.append):
        pass
    with open_joined(lake, LAKE_SQL, TODAY, said.append):
        pass

    assert said == ["Joining 2 finished days of the lake, once."]


def test_a_full_disk_joins_nothing_and_keeps_nothing_of_it(lake: Path) -> None:
    """What is cut off would keep the disk full, and the run that delivers from going on."""
    settle(lake)
    with files_end_at(4_000):  # the lake's files, unpacked, are smaller
        assert ask(lake, BARS) == [(5, 502.0)]
        assert join(lake).days == {}
    assert files(lake) == []

    assert set(join(lake).days) == {"2026-11-20", "2026-11-21"}
    assert ask(lake, BARS) == [(5, 502.0)]


def test_what_is_sound_of_a_broken_file_is_not_left_out_for_good_because_the_disk_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    broken = write_file(lake, "2026-11-19", "a", [bar(19, minute, 1.0 + minute / 7) for minute in range(60)])
    broken.write_bytes(broken.read_bytes()[:-90])
    settle(lake)
    with monkeypatch.context() as patches:
        fill_disk(patches, "documents.json")  # where it is unpacked
        with pytest.raises(LakeQueryError, match=r"documents\.json: No space left on device\. Make room"):
            ask(lake, BARS)

    ((found, _),) = ask(lake, BARS)
    assert 0 < found < 60


@pytest.fixture
def old_lake(lake: Path) -> Path:
    """The same with days of two months before it, one of them with a bar that is revised in the last."""
    write_file(lake, "2026-09-30", "a", [document("2026-09-30T14:01:00Z")])
    write_file(lake, "2026-10-30", "a", [document("2026-10-30T14:01:00Z")])
    revised = document("2026-10-30T14:01:00Z", 103.0, as_of="2026-11-20T09:00:00.000Z")
    write_file(lake, "2026-11-20", "c", [revised])
    settle(lake)
    return lake


def as_files(lake: Path) -> list[list[tuple[Any, ...]]]:
    with LakeEngine(lake, LAKE_SQL) as engine:
        return [sorted(engine.query(sql).rows) for sql in OF_VIEWS]


def as_joined(lake: Path) -> list[list[tuple[Any, ...]]]:
    with read_joined(lake, LAKE_SQL) as joined, LakeEngine(lake, LAKE_SQL, joined=joined) as engine:
        return [sorted(engine.query(sql).rows) for sql in OF_VIEWS]


def await_end(beside: JoiningBeside) -> None:
    for _ in range(1_000):
        if not beside.left:
            return
        time.sleep(0.02)
    raise AssertionError("it does not end")


def test_beside_a_run_the_newest_month_is_joined_first_and_every_reader_is_right_all_the_while(
    old_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, said, answers, steps = as_files(old_lake), list[str](), list[Any](), list[Any]()

    def look(path: Path, content: bytes) -> None:
        write_whole(path, content)
        answers.append(as_joined(old_lake))
        steps.append(sorted(json.loads(content)["days"]))

    monkeypatch.setattr(joined_module, "write_whole", look)
    with JoiningBeside(old_lake, LAKE_SQL, TODAY, said.append) as beside:
        assert beside.found == 4
        await_end(beside)

    november = ["2026-11-20", "2026-11-21"]
    assert steps == [november, ["2026-10-30", *november], ["2026-09-30", "2026-10-30", *november]]
    assert answers == 3 * [truth]
    assert said == [
        "Joining 4 finished days of the lake, once.",
        "The finished days of the lake are joined.",
    ]
    assert beside.awaited == frozenset()


def test_a_joined_file_that_is_damaged_is_named_beside_a_run(old_lake: Path) -> None:
    said = list[str]()
    with JoiningBeside(old_lake, LAKE_SQL, TODAY, said.append) as beside:
        await_end(beside)
    for file in (old_lake / joined_module.FOLDER).rglob("*.parquet"):
        file.write_bytes(b"PAR1 no more")
    write_file(old_lake, "2026-11-20", "late", [bar(20, 7)])
    settle(old_lake, later=1)
    said.clear()

    with JoiningBeside(old_lake, LAKE_SQL, TODAY, said.append) as beside:
        await_end(beside)

    (sentence,) = [each for each in said if "cannot be joined" in each]
    assert ".parquet" in sentence
    assert f"{old_lake / joined_module.FOLDER}, delete the folder" in sentence


def test_a_page_need_not_read_the_days_that_are_joined_beside_it_but_the_newest(
    old_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may wait for the newest day's bars: they are read from its files meanwhile."""
    goes_on = Event()

    def wait(lake_sql: LakeSql) -> str:
        goes_on.wait(20)
        return make_delivered(lake_sql)

    monkeypatch.setattr(joining, "make_delivered", wait)
    with JoiningBeside(old_lake, LAKE_SQL, TODAY, lambda _said: None) as beside:
        assert beside.awaited == {"2026-09-30", "2026-10-30", "2026-11-20"}
        assert beside.left == 4
        goes_on.set()
        await_end(beside)

    # The next time there is nothing to join, and no thread for it.
    with JoiningBeside(old_lake, LAKE_SQL, TODAY, lambda _said: None) as beside:
        assert (beside.found, beside.awaited) == (0, frozenset())


def test_what_is_joined_beside_a_run_ends_with_it_and_the_next_time_goes_on(
    old_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, begun = as_files(old_lake), Event()

    def work_for_hours(_sql: str) -> str:
        begun.set()
        return "SELECT sum(sin(range)) FROM range(1_000_000_000_000)"

    with monkeypatch.context() as slow, JoiningBeside(old_lake, LAKE_SQL, TODAY, lambda _said: None):
        slow.setattr(joining, "to_duckdb", work_for_hours)
        assert begun.wait(20)

    assert list((old_lake / ".joined").glob("manifest.json")) == []
    assert as_joined(old_lake) == truth
    assert set(join(old_lake).days) == {"2026-09-30", "2026-10-30", "2026-11-20", "2026-11-21"}


def test_who_finds_another_joining_waits_and_says_so_or_ends_when_it_has_to(lake: Path) -> None:
    said: list[str] = []
    (lake / ".joined").mkdir()
    with (lake / ".joined" / "writing.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with JoiningBeside(lake, LAKE_SQL, TODAY, said.append) as beside:
            time.sleep(0.5)
            assert beside.left == 2
        assert said == []

        def release(sentence: str) -> None:
            said.append(sentence)
            fcntl.flock(held, fcntl.LOCK_UN)

        with open_joined(lake, LAKE_SQL, TODAY, release) as joined:
            assert set(joined.days) == {"2026-11-20", "2026-11-21"}
    assert said[0] == "Finished days of the lake are being joined: waiting until they are."


def test_where_nothing_can_be_joined_beside_a_run_nothing_is_awaited(lake: Path) -> None:
    (lake / ".joined").write_text("a file in its place")

    with JoiningBeside(lake, LAKE_SQL, TODAY, lambda _said: None) as beside:
        await_end(beside)
        assert beside.awaited == frozenset()
