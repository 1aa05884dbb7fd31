"""What is new in a lake is told to who waits for it."""

import time
from collections.abc import Iterator
from datetime import datetime
from threading import Event

import pytest

from stockstream.windows import Windows
from stockstream_operate.lake.result import LakeQueryError, Result
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page.kept_lake import Progress
from stockstream_operate.page.lake_watch import AskedLake, LakeWatch

SECONDS = 30.0


class FakeLake:
    """A lake that has news when the test says so."""

    def __init__(self) -> None:
        self.lake_sql = make_lake_sql(Windows())
        self.progress = Progress(1, 1)
        self.trouble = ""
        self.error: Exception | None = None
        self.changes = 1
        self.looks = 0

    def look(self) -> bool:
        self.looks += 1
        if self.error:
            raise self.error
        changed, self.changes = self.changes > 0, 0
        return changed

    def query(self, _sql: str) -> Result:
        return Result(("one",), [(1,)])

    def receipt(self) -> str:
        return "It cost nothing."

    def delays(self, _now: datetime) -> tuple[()]:
        return ()


@pytest.fixture
def lake() -> FakeLake:
    return FakeLake()


@pytest.fixture
def stopped() -> Event:
    return Event()


@pytest.fixture
def watch(lake: FakeLake, stopped: Event) -> Iterator[LakeWatch]:
    with LakeWatch(lake, 0.01, lambda: not stopped.is_set()) as watch:
        yield watch


def test_the_first_look_is_over_before_anybody_asks(lake: FakeLake, watch: LakeWatch) -> None:
    assert lake.looks >= 1
    assert (watch.version, watch.runs, watch.trouble) == (1, True, "")


def test_who_waits_hears_of_news_and_of_nothing_else(lake: FakeLake, watch: LakeWatch) -> None:
    with watch.listen() as wait:
        first = wait(SECONDS)
        assert wait(0.05) == first

        lake.changes = 1
        assert wait(SECONDS) > first
    assert watch.version == 2


def test_a_pipeline_that_stops_is_news_though_nothing_came(watch: LakeWatch, stopped: Event) -> None:
    with watch.listen() as wait:
        first = wait(SECONDS)
        stopped.set()
        assert wait(SECONDS) > first
    assert (watch.runs, watch.version) == (False, 1)


def test_a_trouble_is_told_and_ends(lake: FakeLake, watch: LakeWatch) -> None:
    with watch.listen() as wait:
        first = wait(SECONDS)
        lake.error = LakeQueryError("The disk is gone.")
        second = wait(SECONDS)
        assert (second > first, watch.trouble) == (True, "The disk is gone.")
        lake.error = None
        wait(SECONDS)
    assert watch.trouble == ""


def test_what_is_billed_is_looked_at_only_for_somebody() -> None:
    lake = FakeLake()
    with LakeWatch(lake, 0.01, lambda: None, is_billed=True) as watch:
        time.sleep(0.1)
        assert lake.looks == 1
        with watch.listen() as wait:
            wait(SECONDS)
            lake.changes = 1
            wait(SECONDS)
        assert lake.looks > 1


def test_older_files_are_read_without_pause_and_told_once(lake: FakeLake) -> None:
    lake.progress = Progress(1, 5)
    with LakeWatch(lake, SECONDS, lambda: True) as watch, watch.listen() as wait:
        first = wait(SECONDS)
        lake.changes, lake.progress = 1, Progress(5, 5)
        assert wait(SECONDS) > first


def test_closing_ends_all_waiting(watch: LakeWatch) -> None:
    with watch.listen() as wait:
        wait(SECONDS)
        watch.close()
        began = time.monotonic()
        wait(SECONDS)
        assert time.monotonic() - began < SECONDS / 2
    assert watch.is_closing


def test_a_lake_in_aws_may_have_news_at_any_look(lake: FakeLake) -> None:
    asked = AskedLake(lake)

    assert asked.look()
    assert asked.query("SELECT 1") == lake.query("SELECT 1")
    assert (asked.lake_sql, asked.receipt(), asked.trouble) == (lake.lake_sql, lake.receipt(), "")
    assert asked.progress.read == asked.progress.known
