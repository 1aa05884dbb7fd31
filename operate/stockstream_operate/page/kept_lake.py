"""The lake on this machine as the page asks it again and again: what is joined answers from its files.

Of finished days the joined files are read, and of them what a question needs. The delivered files of the
other days are read once each, the newest first, and kept in the table `came`. The views are the lake's own.
"""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import NamedTuple, Self

import duckdb

from stockstream_operate.lake.delays import Delay
from stockstream_operate.lake.dialect import AT_TIMEZONE, SETTINGS, to_duckdb
from stockstream_operate.lake.duckdb_views import (
    MAKE_SPLITS,
    add_splits,
    make_delivered,
    make_views_beside,
    select_delivered,
)
from stockstream_operate.lake.joined import Joined, find_version, read_joined
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import (
    SETTLED_NANOSECONDS,
    day_of,
    find_days,
    find_files,
    identify,
    name_of,
)
from stockstream_operate.lake.reading import find_opened, name_aside, read_files
from stockstream_operate.lake.result import LakeQueryError, Result, in_words
from stockstream_operate.lake.splits import SPLITS_FILE, SPLITS_TABLE
from stockstream_operate.lake.sql import LakeSql
from stockstream_operate.page.seen_arrivals import SeenArrivals

# The first files are few, so that the newest bars are there at once.
FIRST_FILES, MORE_FILES = 200, 500
_CAME, _COMING = "came", "coming"
# The joined files never change: what lies where in them need not be read for each question.
_KEEP_FOOTERS = "SET parquet_metadata_cache = true"


class Progress(NamedTuple):
    """How far the reading of the files that are not joined has come.

    Attributes:
        read: how many files were read.
        known: how many there are.
    """

    read: int
    known: int


class KeptLake:
    """A lake on this machine whose delivered files are read once. `with` closes it at its end.

    One thread may call `look`, and any number `query` at the same time.

    Args:
        folder: where a run keeps its files; it may come later, go, or be another one at the next look.
        lake_sql: the lake's tables and views.
        find_awaited: gives the days of arrival that are being joined, and need not be read before.
    """

    def __init__(
        self, folder: Path, lake_sql: LakeSql, find_awaited: Callable[[], Collection[str]] = tuple
    ) -> None:
        self.lake_sql = lake_sql
        self._folder = folder
        self._find_awaited = find_awaited
        self._lock = Lock()
        self._identity: int | None = None
        self._days: dict[Path, int] = {}
        self._unread: dict[Path, None] = {}
        self._read: set[Path] = set()
        self._broken: dict[Path, str] = {}
        # While it is held, nobody sweeps the joined files away.
        self._holding = ExitStack()
        self._joined = Joined(folder)
        self._joined_version: tuple[int, int] | None = None
        self._unsettled: set[str] = set()
        self._arrivals = SeenArrivals()
        self._splits_changed: int | None = None
        self._database = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._database.close()
        self._holding.close()

    @property
    def progress(self) -> Progress:
        """How many of the files that are not joined, and that the last look has seen, were read."""
        return Progress(len(self._read), len(self._read) + len(self._unread))

    @property
    def trouble(self) -> str:
        """Which files cannot be read, and why; empty if all can."""
        broken = self._joined.troubles | self._broken
        if not broken:
            return ""
        file, reason = next(iter(broken.items()))
        others = len(broken) - 1
        return f"{file} {reason}" + (f" {others} more cannot be read either." if others else "")

    def look(self) -> bool:
        """Reads files that are new, as many as are quickly read; whether what is known has changed."""
        self._arrivals.begin()
        identity = identify(self._folder)
        changed = identity != self._identity and bool(self._read or self._joined.files)
        if identity != self._identity:
            # Another run has begun: its lake is another one.
            self._start_anew(identity)
        if identity is None:
            return changed
        changed |= self._take_splits()
        changed |= self._find_files()
        # Days and names say when a file came.
        newest_first = sorted(self._unread, key=lambda file: (file.parent.name, file.name), reverse=True)
        chosen = newest_first[: MORE_FILES if self._read else FIRST_FILES]
        if chosen:
            self._add(chosen)
            self._arrivals.add(chosen)
            self._read.update(chosen)
            for file in chosen:
                del self._unread[file]
        return changed or bool(chosen)

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect.

        Raises:
            LakeQueryError: it cannot be answered.
        """
        with self._cursor() as cursor, in_words():
            answer = cursor.execute(to_duckdb(sql))
            rows = answer.fetchall()
            return Result(tuple(column[0] for column in answer.description or ()), rows)

    def receipt(self) -> str:
        """Nothing: this machine does the work."""
        return ""

    def delays(self, now: datetime) -> list[Delay]:
        """How long the bars of the last hour took until they could be seen here."""
        return self._arrivals.delays(now)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._database.cursor()

    def _begin(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect()
        tables = (make_delivered(self.lake_sql, name) for name in (_CAME, _COMING))
        for statement in (*SETTINGS, AT_TIMEZONE, _KEEP_FOOTERS, MAKE_SPLITS, *tables):
            database.execute(statement)
        self._make_views(database)
        return database

    def _make_views(self, database: duckdb.DuckDBPyConnection) -> None:
        for statement in make_views_beside(self.lake_sql, self._joined, self._unsettled, came=_CAME):
            database.execute(statement)

    def _start_anew(self, identity: int | None) -> None:
        self._identity = identity
        self._days, self._unread, self._read, self._broken = {}, {}, set(), {}
        self._splits_changed = None
        self._arrivals.forget()
        self._hold_joined()
        # The old one closes itself when the last question to it is answered.
        database = self._begin()
        with self._lock:
            self._database = database

    def _take_splits(self) -> bool:
        """Reads the splits anew where their file has changed; whether it has."""
        file = self._folder / SPLITS_FILE
        try:
            changed = file.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed == self._splits_changed:
            return False
        with self._cursor() as cursor:
            try:
                with in_words():
                    cursor.execute(f"BEGIN; DELETE FROM {SPLITS_TABLE}; {add_splits(file)}; COMMIT")  # noqa: S608 (our own names)
                self._broken.pop(file, None)
            except LakeQueryError as error:
                cursor.execute("ROLLBACK")
                self._broken[file] = f"holds no splits: {str(error).splitlines()[0]}."
        self._splits_changed = changed
        return True

    def _hold_joined(self) -> None:
        """Takes what is joined now; what was held before may go."""
        self._joined_version = find_version(self._folder)
        # Before what is joined is read: a day to which a file comes meanwhile is looked into again.
        changed = {day: _changed(day) for day in find_days(self._folder)}
        with ExitStack() as holding:
            self._joined = holding.enter_context(read_joined(self._folder, self.lake_sql))
            self._holding, before = holding.pop_all(), self._holding
        before.close()
        covered = self._joined.covered
        self._days = {day: at for day, at in changed.items() if at and name_of(day) in covered}
        self._unsettled = self._joined.unsettled(())

    def _find_files(self) -> bool:
        """Looks into the folders that have changed; whether what is joined has changed.

        A day's folder changes whenever a file comes.
        """
        # Before what is joined is read: by then, a day that is no longer awaited is joined.
        awaited = self._find_awaited()
        days = {day: _changed(day) for day in find_days(self._folder)}
        renewed = (
            self._of_joined(days) != self._of_joined(self._days)
            or find_version(self._folder) != self._joined_version
        )
        if renewed:
            self._renew_joined()
        for day, changed in days.items():
            if changed is None or self._days.get(day) == changed or self._is_joined(day):
                continue
            if name_of(day) in awaited:
                continue
            try:
                files = find_files(day)
            except FileNotFoundError:  # a new run has put it away meanwhile
                continue
            if time.time_ns() - changed > SETTLED_NANOSECONDS:
                self._days[day] = changed
            self._unread |= dict.fromkeys(file for file in files if file not in self._read)
        return renewed

    def _is_joined(self, day: Path) -> bool:
        name = name_of(day)
        return name in self._joined.days and name not in self._joined.outdated

    def _of_joined(self, days: Mapping[Path, int | None]) -> dict[Path, int | None]:
        return {day: changed for day, changed in days.items() if self._is_joined(day)}

    def _renew_joined(self) -> None:
        """Takes what is joined now; a day of it that has changed is then read file by file."""
        self._hold_joined()
        covered = self._joined.covered
        with self._cursor() as cursor, in_words():
            cursor.begin()
            days = ", ".join(map(quoted, sorted(covered)))
            cursor.execute(f"DELETE FROM {_CAME} WHERE dt IN ({days or quoted('')})")  # noqa: S608 (days)
            self._unsettled = self._joined.unsettled(find_opened(cursor, _CAME))
            self._make_views(cursor)
            cursor.commit()
        self._read = {file for file in self._read if day_of(file) not in covered}
        self._unread = {file: None for file in self._unread if day_of(file) not in covered}

    def _add(self, files: list[Path]) -> None:
        """Adds what files hold; one that cannot be read is named, and does not keep the others out."""
        with self._cursor() as cursor, in_words():
            self._broken |= read_files(
                cursor,
                files,
                self.lake_sql.columns,
                lambda sources: select_delivered(self.lake_sql, sources),
                _COMING,
                name_aside(),
            )
            # In one step, so that nobody sees a bar beside a history that does not know of it.
            cursor.begin()
            cursor.execute(f"INSERT INTO {_CAME} SELECT * FROM {_COMING}")  # noqa: S608 (constants)
            cursor.execute(f"TRUNCATE {_COMING}")
            unsettled = self._joined.unsettled(find_opened(cursor, _CAME))
            if unsettled != self._unsettled:
                self._unsettled = unsettled
                self._make_views(cursor)
            cursor.commit()


def _changed(day: Path) -> int | None:
    """When a day's folder was changed; None where a new run has put it away."""
    try:
        return day.stat().st_mtime_ns
    except FileNotFoundError:
        return None
