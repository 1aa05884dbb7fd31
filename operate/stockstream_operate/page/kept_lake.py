"""The delivered files on this machine, each read once and kept in memory: the page asks again and again.

Here the view `bars_delivered` is a table that the new files are added to, the newest files first;
of finished days, what is joined already is taken in place of their files. The views on it are the lake's own.
"""

import time
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import NamedTuple, Self

import duckdb

from stockstream_operate.lake.engine import (
    AT_TIMEZONE,
    MAKE_SPLITS,
    SETTINGS,
    LakeQueryError,
    Result,
    add_splits,
    in_words,
    make_delivered,
    select_delivered,
    to_duckdb,
)
from stockstream_operate.lake.joined import read_joined
from stockstream_operate.lake.parts import find_days, find_files, name_of
from stockstream_operate.lake.reading import name_aside, read_files
from stockstream_operate.lake.splits import SPLITS_FILE, SPLITS_TABLE
from stockstream_operate.lake.sql import DELIVERED, LakeSql

# The first files are few, so that the newest bars are there at once.
FIRST_FILES, MORE_FILES = 200, 500
_SETTLED_NANOSECONDS = 2_000_000_000


class Progress(NamedTuple):
    """How far the reading has come.

    Attributes:
        read: how many files were read.
        known: how many there are.
    """

    read: int
    known: int


class KeptLake:
    """A lake on this machine whose files are read once. `with` closes it at its end.

    One thread may call `look`, and any number `query` at the same time.

    Args:
        folder: where a run keeps its files; it may come later, go, or be another one at the next look.
        lake_sql: the lake's tables and views.
    """

    def __init__(self, folder: Path, lake_sql: LakeSql) -> None:
        self.lake_sql = lake_sql
        self._folder = folder
        self._lock = Lock()
        self._identity: int | None = None
        self._days: dict[Path, int] = {}
        self._unread: dict[Path, None] = {}
        self._read: set[Path] = set()
        self._broken: dict[Path, str] = {}
        self._splits_changed: int | None = None
        self._database = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._database.close()

    @property
    def progress(self) -> Progress:
        """How many of the files that the last look has seen were read."""
        return Progress(len(self._read), len(self._read) + len(self._unread))

    @property
    def trouble(self) -> str:
        """Which files cannot be read, and why; empty if all can."""
        if not self._broken:
            return ""
        file, reason = next(iter(self._broken.items()))
        others = len(self._broken) - 1
        return f"{file} {reason}" + (f" {others} more cannot be read either." if others else "")

    def look(self) -> bool:
        """Reads files that are new, as many as are quickly read; whether what is known has changed."""
        identity = _identity(self._folder)
        changed = identity != self._identity and bool(self._read)
        if identity != self._identity:
            # Another run has begun: its lake is another one.
            self._start_anew(identity)
        if identity is None:
            return changed
        changed |= self._take_splits()
        if not self._days:
            changed |= self._take_joined()
        self._find_files()
        # Days and names say when a file came.
        newest_first = sorted(self._unread, key=lambda file: (file.parent.name, file.name), reverse=True)
        chosen = newest_first[: MORE_FILES if self._read else FIRST_FILES]
        if chosen:
            self._add(chosen)
            self._read.update(chosen)
            for file in chosen:
                del self._unread[file]
        return changed or bool(chosen)

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect.

        Raises:
            LakeQueryError: it cannot be answered.
        """
        with self._lock:
            cursor = self._database.cursor()
        with cursor, in_words():
            answer = cursor.execute(to_duckdb(sql))
            rows = answer.fetchall()
            return Result(tuple(column[0] for column in answer.description or ()), rows)

    def receipt(self) -> str:
        """Nothing: this machine does the work."""
        return ""

    def _begin(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect()
        for setting in (*SETTINGS, AT_TIMEZONE):
            database.execute(setting)
        _, *others = self.lake_sql.views.values()
        database.execute(make_delivered(self.lake_sql))
        database.execute(MAKE_SPLITS)
        for each in others:
            database.execute(f'CREATE VIEW "{each.name}" AS {to_duckdb(each.sql)}')
        return database

    def _start_anew(self, identity: int | None) -> None:
        self._identity = identity
        self._days, self._unread, self._read, self._broken = {}, {}, set(), {}
        self._splits_changed = None
        # The old one closes itself when the last question to it is answered.
        with self._lock:
            self._database = self._begin()

    def _take_splits(self) -> bool:
        """Reads the splits anew where their file has changed; whether it has."""
        file = self._folder / SPLITS_FILE
        try:
            changed = file.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed == self._splits_changed:
            return False
        with self._lock:
            cursor = self._database.cursor()
        with cursor:
            try:
                with in_words():
                    cursor.execute(f"BEGIN; DELETE FROM {SPLITS_TABLE}; {add_splits(file)}; COMMIT")  # noqa: S608 (our own names)
                self._broken.pop(file, None)
            except LakeQueryError as error:
                cursor.execute("ROLLBACK")
                self._broken[file] = f"holds no splits: {str(error).splitlines()[0]}."
        self._splits_changed = changed
        return True

    def _take_joined(self) -> bool:
        """Adds what is joined already of finished days, in place of their files; whether there is any."""
        # Before it is looked at what is joined: a day that a file comes to meanwhile is not taken.
        files = {day: find_files(day) for day in find_days(self._folder)}
        with read_joined(self._folder, self.lake_sql) as joined:
            if not joined.files:
                return False
            with self._lock:
                cursor = self._database.cursor()
            columns = ", ".join(f'"{name}"' for name in self.lake_sql.views[DELIVERED].columns)
            with cursor, in_words():
                cursor.execute(f"INSERT INTO {DELIVERED} {joined.select(columns, joined.files)}")
            self._read.update(*(found for day, found in files.items() if name_of(day) in joined.covered))
            self._broken |= joined.troubles
        return True

    def _find_files(self) -> None:
        """Looks into the folders that have changed; a day's folder changes whenever a file comes."""
        for day in find_days(self._folder):
            try:
                changed = day.stat().st_mtime_ns
                if self._days.get(day) == changed:
                    continue
                files = find_files(day)
            except FileNotFoundError:  # a new run has put it away meanwhile
                continue
            # A file that comes within one tick of the file system's clock does not change the time again.
            if time.time_ns() - changed > _SETTLED_NANOSECONDS:
                self._days[day] = changed
            self._unread |= dict.fromkeys(file for file in files if file not in self._read)

    def _add(self, files: list[Path]) -> None:
        """Adds what files hold; one that cannot be read is named, and does not keep the others out."""
        with self._lock:
            cursor = self._database.cursor()
        with cursor, in_words():
            self._broken |= read_files(
                cursor,
                files,
                self.lake_sql.columns,
                lambda sources: select_delivered(self.lake_sql, sources),
                DELIVERED,
                name_aside(),
            )


def _identity(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except FileNotFoundError:
        return None
