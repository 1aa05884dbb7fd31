"""What is joined of a lake: it is what is read, it follows its days, and nothing piles up."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file, write_parquet
from full_disk import files_end_at, fill_disk

from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine, LakeQueryError
from stockstream_operate.lake.joined import Joined, open_joined
from stockstream_operate.lake.sql import LakeSql, make_lake_sql

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


def test_a_finished_days_files_are_not_opened_again(lake: Path) -> None:
    assert ask(lake, BARS) == [(5, 502.0)]

    for file in lake.glob("bars*/dt=2026-11-2[01]/*"):
        file.write_bytes(b"this would be said")  # the folder does not change
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
