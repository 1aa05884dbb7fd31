"""A day through the real transform into real files: the views show each bar once, and nothing too early."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest
from delivered_day import DeliveredDay, Document

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine

FIELDS = ", ".join(field.name for field in list_fields(Windows()) if field.name != "schema")
NOON_IN_NEW_YORK = datetime(2026, 11, 20, 17, 0)  # noqa: DTZ001 (UTC, as SQL has it)


@pytest.fixture(scope="module")
def day() -> DeliveredDay:
    return DeliveredDay(seed=20261120)


@pytest.fixture(scope="module")
def lake(day: DeliveredDay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeEngine]:
    folder = tmp_path_factory.mktemp("lake")
    day.write(folder)
    with LakeEngine(folder) as lake:
        yield lake


def read(lake: LakeEngine, sql: str) -> dict[str, Document]:
    """The documents that a reader sees, by their bar; each once."""
    answer = lake.query(sql)
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows), "a bar is there twice"
    return found


def test_the_day_is_as_bad_as_it_is_said_to_be(day: DeliveredDay, lake: LakeEngine) -> None:
    def count(sql: str) -> int:
        return int(lake.query(f"SELECT count(*) FROM ({sql})").rows[0][0])  # noqa: S608 (a test's own)

    bars = len(day.history)
    assert bars == 390 + 600 + 1080
    assert count("SELECT DISTINCT id FROM bars") == bars
    assert count("SELECT * FROM bars") == len(day.arrivals)
    assert bars // 3 - 3 <= count("SELECT id FROM bars GROUP BY id HAVING count(*) > count(DISTINCT as_of)")
    assert sum(len(known) > 1 for known in day.history.values()) == bars // 10
    assert lake.query("SELECT DISTINCT dt FROM bars ORDER BY dt").rows == [("2026-11-20",), ("2026-11-21",)]
    assert count("SELECT id, as_of FROM bars GROUP BY id, as_of HAVING count(DISTINCT dt) > 1") > 10
    assert count(
        "SELECT * FROM bars AS old JOIN bars AS new ON new.id = old.id "
        "AND new.as_of > old.as_of AND new.arrived_at < old.arrived_at"
    ) > 10  # fmt: skip
    # A file goes to the day of its oldest record.
    assert count("SELECT * FROM bars WHERE dt < substr(arrived_at, 1, 10)") > 0


def test_bars_latest_is_the_truth(day: DeliveredDay, lake: LakeEngine) -> None:
    assert read(lake, f"SELECT {FIELDS} FROM bars_latest") == day.latest  # noqa: S608 (a test's own)


def test_the_view_as_of_noon_is_what_was_known_at_noon(day: DeliveredDay, lake: LakeEngine) -> None:
    known = day.known_at(NOON_IN_NEW_YORK)
    changed_since = [bar for bar in known if known[bar] != day.latest[bar]]
    query = lake.lake_sql.queries["as known at a moment"].sql
    assert "2026-11-20 17:00:00" in query  # what people edit

    assert len(changed_since) > 10
    assert read(lake, f"SELECT {FIELDS} FROM ({query})") == known  # noqa: S608 (a test's own)


def test_each_set_of_numbers_is_known_until_the_next_begins(day: DeliveredDay, lake: LakeEngine) -> None:
    expected = set()
    for bar, known in day.history.items():
        moments = sorted(known)
        expected |= {(bar, start, end) for start, end in pairwise([*moments, None])}

    rows = lake.query("SELECT id, known_from, known_until FROM bars_history").rows

    assert len(rows) == len(expected)
    assert expected == set(rows)


def test_the_bars_since_a_day_are_right_without_the_files_of_earlier_days(
    day: DeliveredDay, lake: LakeEngine
) -> None:
    query = lake.lake_sql.queries["bars since a day, from its files alone"].sql
    assert "dt >= '2026-11-19'" in query
    later = query.replace("2026-11-20 00:00:00", "2026-11-21 00:00:00").replace("2026-11-19", "2026-11-20")

    expected = {bar: known for bar, known in day.latest.items() if bar.split("|")[2] >= "2026-11-21"}

    assert len(expected) == 360
    assert read(lake, f"SELECT {FIELDS} FROM ({query})") == day.latest  # noqa: S608 (a test's own)
    assert read(lake, f"SELECT {FIELDS} FROM ({later})") == expected  # noqa: S608 (a test's own)
