"""Joining the finished days of a lake beside a run or a page, which need not wait for it."""

import fcntl
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import duckdb

from stockstream_operate.lake.joined import FOLDER, locked, read_joined
from stockstream_operate.lake.joining import CANNOT_BE_WRITTEN, WRITING, Joining
from stockstream_operate.lake.sql import LakeSql

_TRY_SECONDS = 0.2


class JoiningBeside:
    """Joins what is finished of a lake in a thread of its own, from `with` to its end.

    A run or a page need not wait for it. The newest month comes first, and each is there when it is joined.
    What is not joined at the end is joined the next time.

    Args:
        lake: its folder.
        lake_sql: its views.
        today: the day of arrival that still grows, such as `2026-11-20`.
        say: gets a sentence, from that thread, when much is begun and when it is done.

    Attributes:
        awaited: the days that come by themselves, so that their many files need not be read; without the
            newest, since somebody may wait for its bars.
        found: how many days there were to join.
        left: how many of them are not joined yet.
    """

    def __init__(self, lake: Path, lake_sql: LakeSql, today: str, say: Callable[[str], None]) -> None:
        self.awaited: frozenset[str] = frozenset()
        self.found = self.left = 0
        self._lake = lake
        self._lake_sql = lake_sql
        self._joining = Joining(lake, lake_sql, today)
        self._say = say
        self._closing = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        with read_joined(self._lake, self._lake_sql) as joined:
            is_due, wanted = self._joining.is_due(joined), self._joining.find_wanted(joined)
        self.found = self.left = len(wanted)
        self.awaited = _without_newest(wanted)
        if is_due:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        while self._thread.is_alive():
            self._joining.interrupt()
            self._thread.join(_TRY_SECONDS)

    def _run(self) -> None:
        try:
            with suppress(*CANNOT_BE_WRITTEN, duckdb.InterruptException):
                (self._lake / FOLDER).mkdir(exist_ok=True)
                while not self._closing.wait(_TRY_SECONDS):
                    # Another process may be joining for a minute, and this one has to end when it is to.
                    with (
                        suppress(BlockingIOError),
                        locked(self._lake / FOLDER / WRITING, fcntl.LOCK_EX | fcntl.LOCK_NB),
                    ):
                        self._join()
                        return
        except duckdb.Error as error:
            self._say(
                f"The finished days cannot be joined: {str(error).splitlines()[0]} If that names a file in "
                f"{self._lake / FOLDER}, delete the folder: it is made again from the delivered files."
            )
        finally:
            # Whatever ended it: what is not joined is read as it is.
            self.awaited, self.left = frozenset(), 0

    def _join(self) -> None:
        with closing(self._joining.join(self._say)) as steps:
            for left in steps:
                self.awaited, self.left = _without_newest(left), len(left)
                if self._closing.is_set():
                    return
        if self.found > 1:
            self._say("The finished days of the lake are joined.")


def _without_newest(names: Iterable[str]) -> frozenset[str]:
    return frozenset(sorted(names)[:-1])
