"""A stack is asked about itself while somebody looks, and what it says is told when it is other."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from stockstream.windows import Windows
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page import stack_watch
from stockstream_operate.page.kept_lake import Progress
from stockstream_operate.page.lake_watch import LakeWatch
from stockstream_operate.page.stack_watch import RunReporter, StackWatch
from stockstream_operate.stack import StackError
from stockstream_operate.stack_report import StackReport

SECONDS = 30.0


class SilentLake:
    """A lake that nothing comes to."""

    lake_sql = make_lake_sql(Windows())
    progress = Progress(0, 0)
    trouble = ""

    def look(self) -> bool:
        return False

    def query(self, _sql: str) -> Result:
        return Result((), [])

    def receipt(self) -> str:
        return ""

    def delays(self, _now: datetime) -> tuple[()]:
        return ()


class FakeStack:
    """Says what the test lets it say."""

    def __init__(self) -> None:
        self.numbers = {"requests": 1.0}
        self.error = ""
        self.asked = 0

    def __call__(self, _now: datetime) -> StackReport:
        self.asked += 1
        if self.error:
            raise StackError(self.error)
        return StackReport(numbers=dict(self.numbers))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    monkeypatch.setattr(stack_watch, "NOTICE_SECONDS", 0.01)
    return FakeStack()


@pytest.fixture
def watch() -> Iterator[LakeWatch]:
    with LakeWatch(SilentLake(), 60, lambda: True) as watch:
        yield watch


def wait_until_asked(stack: FakeStack, times: int) -> None:
    end = time.monotonic() + SECONDS
    while stack.asked < times:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_nobody_is_asked_while_nobody_looks(stack: FakeStack, watch: LakeWatch) -> None:
    with StackWatch(stack, 0.01, watch):
        time.sleep(0.2)
        assert stack.asked == 0

        with watch.listen():
            wait_until_asked(stack, 1)


def test_what_is_other_is_told_and_what_is_the_same_is_not(stack: FakeStack, watch: LakeWatch) -> None:
    with watch.listen() as wait, StackWatch(stack, 0.01, watch) as reports:
        first = wait(SECONDS)
        while reports.report != StackReport(numbers={"requests": 1.0}):
            first = wait(SECONDS)
        asked = stack.asked
        wait_until_asked(stack, asked + 3)
        assert wait(0.05) in {first, first + 1}

        stack.numbers = {"requests": 2.0}
        wait(SECONDS)
        assert reports.report.numbers == {"requests": 2.0}


def test_a_stack_that_does_not_answer_is_said_and_asked_again(stack: FakeStack, watch: LakeWatch) -> None:
    stack.error = "The stack is being made."
    with watch.listen(), StackWatch(stack, 0.01, watch) as reports:
        wait_until_asked(stack, 2)
        (trouble,) = reports.report.troubles
        assert "The stack is being made." in trouble

        stack.error = ""
        wait_until_asked(stack, stack.asked + 2)
        assert reports.report.troubles == ()


def test_where_nothing_runs_nothing_is_known(tmp_path: Path) -> None:
    report = RunReporter(tmp_path)(datetime.now().astimezone())

    assert report == StackReport()
