"""Joining the finished days of a lake on this machine, as joined.py says: a month of them at a time."""
# ruff: noqa: S608  # what SQL is made of are the lake's own views, and names and days that are quoted

import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby
from pathlib import Path
from uuid import uuid4

import duckdb

from stockstream_operate.lake.dialect import AT_TIMEZONE, SETTINGS, to_duckdb
from stockstream_operate.lake.duckdb_views import make_delivered, select_delivered
from stockstream_operate.lake.joined import (
    FOLDER,
    READING,
    Joined,
    JoinedDay,
    JoinedFile,
    Prints,
    folders_by_day,
    load_joined,
    locked,
    print_files,
    read_joined,
    select_rows,
    take_prints,
    write_joined,
)
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import (
    SETTLED_NANOSECONDS,
    day_of,
    find_days,
    find_files,
    find_folders,
    name_of,
)
from stockstream_operate.lake.reading import find_opened, name_aside, read_files
from stockstream_operate.lake.sql import DELIVERED, LakeSql, history_over

WRITING = "writing.lock"
# Read-only, full, or put away by a new run.
CANNOT_BE_WRITTEN = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
_MONTH = len("2026-11")


@contextmanager
def open_joined(
    lake: Path, lake_sql: LakeSql, today: str, say: Callable[[str], None] = lambda _sentence: None
) -> Iterator[Joined]:
    """Joins what is finished of a lake, and gives what is joined; within, the files stay.

    Where nothing can be written, nothing is joined.

    Args:
        lake: its folder.
        lake_sql: its views.
        today: the day of arrival that still grows, such as `2026-11-20`.
        say: gets a sentence before what takes more than a moment.
    """
    joining = Joining(lake, lake_sql, today)
    with ExitStack() as stack:
        joined = stack.enter_context(read_joined(lake, lake_sql))
        if joining.is_due(joined):
            stack.close()
            with suppress(*CANNOT_BE_WRITTEN):
                (lake / FOLDER).mkdir(exist_ok=True)
                with _locked_alone(lake, say):
                    for _ in joining.join(say):
                        pass
            joined = stack.enter_context(read_joined(lake, lake_sql))
        yield joined


class Joining:
    """Joins what is finished of a lake.

    Args:
        lake: its folder.
        lake_sql: its views.
        today: the day of arrival that still grows, such as `2026-11-20`.
    """

    def __init__(self, lake: Path, lake_sql: LakeSql, today: str) -> None:
        self._lake = lake
        self._folder = (lake / FOLDER).resolve()
        self._lake_sql = lake_sql
        self._today = today
        self._columns = ", ".join(f'"{name}"' for name in lake_sql.views[DELIVERED].columns)
        self._database: duckdb.DuckDBPyConnection | None = None

    def is_due(self, joined: Joined) -> bool:
        """Whether there is something to join."""
        return bool(self.find_wanted(joined)) or any(map(self._is_stale, joined.files))

    def join(self, say: Callable[[str], None]) -> Generator[frozenset[str]]:
        """Joins what is finished; nobody else may at the same time.

        Yields:
            The days that are still to be joined: first all, and then those that are left after each step.
        """
        joined = load_joined(self._lake, self._lake_sql)
        wanted = self.find_wanted(joined)
        if len(wanted) > 1:
            say(f"Joining {len(wanted):,} finished days of the lake, once.")
        # A month at a time: what is joined stays joined, whatever ends the work. The newest is wanted most.
        newest_first = sorted(wanted, reverse=True)
        batches = [frozenset(names) for _, names in groupby(newest_first, lambda name: name[:_MONTH])]
        left = frozenset(wanted)
        try:
            yield left
            for batch in batches or [left]:
                joined = self._join_days(joined, {name: wanted[name] for name in batch})
                left -= batch
                yield left
        finally:
            # Also what a full disk has cut off, which would keep it full.
            self._sweep(joined)

    def interrupt(self) -> None:
        """Ends the joining in another thread by duckdb.InterruptException; the step under way is lost."""
        if self._database:
            with suppress(duckdb.Error):  # that thread has closed it
                self._database.interrupt()

    def find_wanted(self, joined: Joined) -> dict[str, Prints]:
        """The days that are to be joined, and what their folders are now."""
        folders = folders_by_day(self._lake)
        latest = time.time_ns() - SETTLED_NANOSECONDS
        wanted = {}
        for name in {*folders, *joined.outdated} - joined.covered:
            if name < self._today:
                days = [self._lake / each for each in folders.get(name, ())]
                below = [folder for day in days for folder in find_folders(day)]
                prints = take_prints(self._lake, (str(each.relative_to(self._lake)) for each in below))
                if all(changed <= latest for changed in prints.values()):
                    wanted[name] = prints
        return wanted

    def _join_days(self, joined: Joined, batch: Mapping[str, Prints]) -> Joined:
        """Joins some days into the files of their bars, and says so in the manifest."""
        days = {name: day for name, day in joined.days.items() if name not in batch}
        with duckdb.connect() as database:
            self._database = database
            for statement in (*SETTINGS, AT_TIMEZONE, make_delivered(self._lake_sql)):
                database.execute(statement)
            folders = [day for day in find_days(self._lake) if name_of(day) in batch]
            # Taken before they are read: what is written over meanwhile is seen the next time.
            below = folders_by_day(self._lake)
            read = {name: print_files(self._lake, below.get(name, ())) for name in batch}
            troubles = self._read(database, [file for day in folders for file in find_files(day)])
            for name, prints in batch.items():
                of_day = {
                    str(file.relative_to(self._lake)): said
                    for file, said in troubles.items()
                    if day_of(file) == name
                }
                if prints:
                    days[name] = JoinedDay(prints | take_prints(self._lake, of_day), read[name], of_day)
            old = self._find_old(joined, batch, set(find_opened(database, DELIVERED)))
            if old:
                kept = select_rows(self._columns, [joined.files[key].path for key in old], batch)
                database.execute(f"INSERT INTO {DELIVERED} {kept}")
            written = self._write(database)
        others = {key: file for key, file in joined.files.items() if key not in old}
        joined = Joined(self._lake, others | written, days)
        write_joined(joined, self._lake_sql)
        return joined

    def _read(self, database: duckdb.DuckDBPyConnection, files: list[Path]) -> dict[Path, str]:
        return read_files(
            database,
            files,
            self._lake_sql.columns,
            lambda sources: select_delivered(self._lake_sql, sources),
            DELIVERED,
            name_aside(),
        )

    def _find_old(self, joined: Joined, batch: Collection[str], opened: Collection[str]) -> set[str]:
        """The files that are written anew: those of the same bars, and those of months that are over."""
        old = {
            key
            for key, file in joined.files.items()
            if self._is_stale(key) or not file.days.isdisjoint(batch)
        }
        while True:
            reached = {self._key(each) for each in (*opened, *old)} | old
            touched = {
                key
                for key in joined.files
                if any(key.startswith(each) or each.startswith(key) for each in reached)
            }
            if touched <= old:
                return old
            old |= touched

    def _write(self, database: duckdb.DuckDBPyConnection) -> dict[str, JoinedFile]:
        history = to_duckdb(history_over(self._lake_sql, DELIVERED, ["dt"]))
        database.execute(f"CREATE TABLE history AS {history}")
        repetitions = (
            f"SELECT {self._columns} FROM {DELIVERED} EXCEPT ALL SELECT {self._columns} FROM history"
        )
        counts = f"SELECT (SELECT count(*) FROM {DELIVERED}) = (SELECT count(*) FROM history)"
        if database.execute(counts).fetchall() == [(True,)]:  # without comparing them all
            repetitions = f"SELECT {self._columns} FROM {DELIVERED} WHERE false"
        database.execute(f"CREATE TABLE repetitions AS {repetitions}")
        database.execute(
            f"CREATE VIEW written AS SELECT {self._columns}, known_from, known_until FROM history "
            "UNION ALL SELECT *, NULL, NULL FROM repetitions"
        )
        by_key: dict[str, list[str]] = defaultdict(list)
        for day in find_opened(database, "written"):
            by_key[self._key(day)].append(day)
        written = {}
        for key, days in by_key.items():
            path = self._folder / f"{key}-{uuid4().hex}.parquet"
            rows = f"FROM written WHERE strftime(open_time, '%Y-%m-%d') IN ({', '.join(map(quoted, days))})"
            database.execute(
                f'COPY (SELECT * {rows} ORDER BY instrument, "interval", open_time, as_of) '
                f"TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
            )
            with path.open("rb") as file:
                os.fsync(file.fileno())  # the manifest that names it may reach the disk before it
            arrived = database.execute(f"SELECT DISTINCT dt {rows}").fetchall()
            written[key] = JoinedFile(path, frozenset(name for (name,) in arrived))
        return written

    def _sweep(self, joined: Joined) -> None:
        """Deletes files that no manifest names, unless somebody reads: then the next one does."""
        used = {file.path.name for file in joined.files.values()}
        with suppress(BlockingIOError), locked(self._folder / READING, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for file in self._folder.glob("*.parquet"):
                if file.name not in used:
                    file.unlink()

    def _key(self, day: str) -> str:
        """The key of the file that bars of a day belong into: the month's, or this month the day's."""
        return day[:_MONTH] if self._is_over(day) else day

    def _is_over(self, day: str) -> bool:
        return day[:_MONTH] < self._today[:_MONTH]

    def _is_stale(self, key: str) -> bool:
        return (len(key) == _MONTH) != self._is_over(key)


@contextmanager
def _locked_alone(lake: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Within, nobody else joins; waits for who does, and says so."""
    path = lake / FOLDER / WRITING
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            say("Finished days of the lake are being joined: waiting until they are.")
            stack.enter_context(locked(path, fcntl.LOCK_EX))
        yield
