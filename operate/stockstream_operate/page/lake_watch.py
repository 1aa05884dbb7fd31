"""Notices what is new in a lake, and notifies those who wait for it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Condition, Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream_operate.lake.delays import Delay
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.sql import LakeSql
from stockstream_operate.page.kept_lake import Progress

if TYPE_CHECKING:
    from stockstream_operate.lake.access import QueryableLake

# What can go wrong with a lake that is read again and again; the text of each is for people.
LAKE_ERRORS = (StockstreamError, BotoCoreError, ClientError, OSError)
# After how long listeners are notified again, since the page says how old things are in minutes.
REPEAT_SECONDS = 30
# While older files are read: how often listeners are notified, and how long reading rests when one asks.
READING_SECONDS = 2
GIVE_WAY_SECONDS = 0.7


class WatchedLake(Protocol):
    """A QueryableLake that says whether there may be something new."""

    @property
    def lake_sql(self) -> LakeSql:
        """Its tables and views."""

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect."""

    def receipt(self) -> str:
        """What the questions so far have cost, for a person; empty where they cost nothing."""

    def delays(self, now: datetime) -> Sequence[Delay]:
        """How long the bars of the last hour took until they could be seen; nothing if it cannot say."""

    @property
    def progress(self) -> Progress:
        """How far its reading has come."""

    @property
    def trouble(self) -> str:
        """What of it cannot be read, and why; empty if all can."""

    def look(self) -> bool:
        """Whether there may be something new since the last look."""


class AskedLake:
    """A lake in AWS, where only a query, which Athena bills, says whether something is new."""

    def __init__(self, lake: "QueryableLake") -> None:
        self._lake = lake
        self.progress = Progress(0, 0)
        self.trouble = ""

    @property
    def lake_sql(self) -> LakeSql:
        """Its tables and views."""
        return self._lake.lake_sql

    def look(self) -> bool:
        """There may be."""
        return True

    def query(self, sql: str) -> Result:
        """The answer to one SELECT."""
        return self._lake.query(sql)

    def receipt(self) -> str:
        """What the questions have cost."""
        return self._lake.receipt()

    def delays(self, _now: datetime) -> Sequence[Delay]:
        """Nothing: what the stack measures of them is in CloudWatch."""
        return ()


class LakeWatch:
    """Looks again and again, in a thread of its own, from `with` to its end.

    Args:
        lake: what is looked at.
        pause_seconds: between two looks.
        find_runs: whether the pipeline runs here; None for a stack in AWS.
        is_billed: whether a look costs money, so that it is left out while nobody waits.

    Attributes:
        version: of what the lake holds; it grows when there may be something new.
        news: how often listeners were notified; they get this number.
        trouble: why the last look failed; empty if it did not.
        runs: what `find_runs` said last.
    """

    def __init__(
        self,
        lake: WatchedLake,
        pause_seconds: float,
        find_runs: Callable[[], bool | None],
        *,
        is_billed: bool = False,
    ) -> None:
        self.version = 0
        self.news = 0
        self.trouble = ""
        self.runs = find_runs()
        self._lake = lake
        self._pause_seconds = pause_seconds
        self._find_runs = find_runs
        self._is_billed = is_billed
        self._waiting = 0
        self._notified_at = time.monotonic()
        self._busy_until = 0.0
        self._unheard = False
        self._changed = Condition()
        self._closing = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        # The newest bars are there before anybody asks.
        self._notified_at = 0
        self._look()
        self.give_way()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._thread.join()

    @property
    def is_closing(self) -> bool:
        """Whether no notification will follow."""
        return self._closing.is_set()

    @property
    def is_heard(self) -> bool:
        """Whether somebody waits for news."""
        return self._waiting > 0

    def notify(self) -> None:
        """Notifies those who wait that there is something new beside the lake."""
        with self._changed:
            self.news += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the waiting of all."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()

    def give_way(self) -> None:
        """Lets older files wait for a moment, while a browser asks and draws."""
        self._busy_until = time.monotonic() + GIVE_WAY_SECONDS

    @contextmanager
    def listen(self) -> Iterator[Callable[[float], int]]:
        """Within: a function that waits for news, at most so many seconds, and gives their number so far."""
        known = -1

        def wait(seconds: float) -> int:
            nonlocal known
            with self._changed:
                self._changed.wait_for(lambda: self.news != known or self.is_closing, seconds)
                known = self.news
            return known

        with self._changed:
            self._waiting += 1
        try:
            yield wait
        finally:
            with self._changed:
                self._waiting -= 1

    def _watch(self) -> None:
        while not self._closing.wait(self._next_pause()):
            if not self._is_billed or self._waiting:
                self._look()

    def _next_pause(self) -> float:
        if not self._is_behind or self.trouble:
            return self._pause_seconds
        return max(0.01, self._busy_until - time.monotonic())

    @property
    def _is_behind(self) -> bool:
        """Whether there are older files to read."""
        read, known = self._lake.progress
        return read < known

    def _look(self) -> None:
        changed, trouble = False, ""
        try:
            changed = self._lake.look()
            trouble = self._lake.trouble
        except LAKE_ERRORS as error:
            trouble = str(error)
        self._unheard |= changed
        runs = self._find_runs()
        passed = time.monotonic() - self._notified_at
        # While older files are read, each of many looks finds some.
        is_worth_it = self._unheard and (passed > READING_SECONDS or not self._is_behind)
        is_other = (runs, trouble) != (self.runs, self.trouble)
        if not (is_worth_it or is_other or passed > REPEAT_SECONDS):
            return
        self.version += self._unheard
        self._unheard = False
        self.runs, self.trouble = runs, trouble
        with self._changed:
            self.news += 1
            self._notified_at = time.monotonic()
            self._changed.notify_all()
