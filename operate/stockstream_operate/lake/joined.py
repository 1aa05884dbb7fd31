"""The finished days of a lake on this machine, joined: some sorted Parquet files that answer in place of all.

A copy of what the lake's files hold lies in `.joined` beside them: bars by the month in which they open,
those of this month by the day. All deliveries of a bar are in one of these files, so that its history is
worked out when the file is written, and not for each question. A day of arrival is joined when it is over,
and anew when its folder or a file in it has changed; `manifest.json` says of which folders the files are
made, and is replaced at the end. Whatever breaks a step off, the manifest before it still holds. Who
deletes `.joined` loses nothing but time.
"""
# ruff: noqa: S608  # what SQL is made of are the lake's own views, and names and days that are quoted

import fcntl
import hashlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple, Self
from uuid import uuid4

import duckdb

from stockstream_operate.lake.dialect import AT_TIMEZONE, SETTINGS, to_duckdb
from stockstream_operate.lake.duckdb_views import make_delivered, select_delivered
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import (
    day_of,
    find_day_names,
    find_days,
    find_files,
    find_folders,
    name_of,
    stat_files,
)
from stockstream_operate.lake.reading import name_aside, read_files
from stockstream_operate.lake.sql import DELIVERED, LakeSql, history_over
from stockstream_operate.whole_file import write_whole

FOLDER = ".joined"
_MANIFEST, _WRITING, _READING = "manifest.json", "writing.lock", "reading.lock"
# What is joined otherwise than before gets another number, and is joined anew.
_VERSION = 2
# A file that comes within one tick of the file system's clock does not change its folder's time again.
_SETTLED_NANOSECONDS = 2_000_000_000
_MONTH = len("2026-11")
# A file that is written over does not change its folder. To ask 390 files a day takes longer than an answer
# where years are joined: the newest days' are asked, so many files at each question.
_MOST_ASKED_FILES = 20_000
# Read-only, full, or put away by a new run.
_CANNOT_BE_WRITTEN = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
_TRY_SECONDS = 0.2

# Of the folders and the broken files of a day, below the lake's: when each was changed.
type Prints = dict[str, int]


class FilesPrint(NamedTuple):
    """What changes when one of a day's files does.

    Attributes:
        number: how many there are.
        size: of all together, in bytes.
        changed: the sum of when each was changed, in nanoseconds.
    """

    number: int
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """One of the Parquet files.

    Attributes:
        path: where it is.
        days: the days of arrival of its rows (`2026-11-20`).
    """

    path: Path
    days: frozenset[str]


@dataclass(frozen=True, slots=True)
class JoinedDay:
    """A day of arrival as it was joined.

    Attributes:
        prints: of its folders and its broken files.
        files: of all its files.
        troubles: what is wrong with which file, by its path below the lake's folder.
    """

    prints: Prints
    files: FilesPrint
    troubles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Joined:
    """What is joined.

    Attributes:
        lake: the lake's folder.
        files: by the month (`2026-11`) or day (`2026-11-20`) in which their bars open. The columns are those
            of `bars_delivered`, and `known_from` and `known_until` as in `bars_history`; of a repetition,
            which only `bars_delivered` has, both are null.
        days: the days of arrival that are in them, by their name (`2026-11-20`).
        outdated: those of them whose folders or files have changed since.
    """

    lake: Path
    files: Mapping[str, JoinedFile] = field(default_factory=dict)
    days: Mapping[str, JoinedDay] = field(default_factory=dict)
    outdated: frozenset[str] = frozenset()

    @property
    def covered(self) -> set[str]:
        """The days that need not be read from their own files."""
        return set(self.days) - self.outdated

    @property
    def troubles(self) -> dict[Path, str]:
        """What is wrong with which file of the days that are covered."""
        return {
            self.lake / file: reason
            for name in sorted(self.covered)
            for file, reason in self.days[name].troubles.items()
        }

    def unsettled(self, opened: Iterable[str]) -> set[str]:
        """The files whose histories are no longer true, where bars of these days have come beside them."""
        days = set(opened)
        return {
            key
            for key, file in self.files.items()
            if file.days & self.outdated or any(day.startswith(key) for day in days)
        }

    def select(self, columns: str, keys: Iterable[str]) -> str:
        """DuckDB's SELECT of columns of the rows in some files that are not outdated; at least one file."""
        return select_rows(columns, [self.files[key].path for key in sorted(keys)], self.outdated)


def select_rows(columns: str, files: Iterable[Path], but: Collection[str]) -> str:
    """DuckDB's SELECT of columns of joined files, but for the rows of some days of arrival."""
    listed = ", ".join(quoted(str(file)) for file in files)
    others = f" WHERE dt NOT IN ({', '.join(map(quoted, sorted(but)))})" if but else ""
    return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false){others}"


@contextmanager
def open_joined(
    lake: Path, lake_sql: LakeSql, today: str, tell: Callable[[str], None] = lambda _sentence: None
) -> Iterator[Joined]:
    """Joins what is finished of a lake, and gives what is joined; within, the files stay.

    Where nothing can be written, nothing is joined.

    Args:
        lake: its folder.
        lake_sql: its views.
        today: the day of arrival that still grows, such as `2026-11-20`.
        tell: is told before what takes more than a moment.
    """
    joining = _Joining(lake, lake_sql, today)
    with ExitStack() as stack:
        joined = stack.enter_context(read_joined(lake, lake_sql))
        if joining.is_due(joined):
            stack.close()
            with suppress(*_CANNOT_BE_WRITTEN):
                (lake / FOLDER).mkdir(exist_ok=True)
                with _locked_alone(lake, tell):
                    for _ in joining.join(tell):
                        pass
            joined = stack.enter_context(read_joined(lake, lake_sql))
        yield joined


class JoiningBeside:
    """Joins what is finished of a lake in a thread of its own, from `with` to its end.

    A run or a page need not wait for it. The newest month comes first, and each is there when it is joined.
    What is not joined at the end is joined the next time.

    Args:
        lake: its folder.
        lake_sql: its views.
        today: the day of arrival that still grows, such as `2026-11-20`.
        tell: is told, from that thread, when much is begun and when it is done.

    Attributes:
        awaited: the days that come by themselves, so that their many files need not be read; without the
            newest, since somebody may wait for its bars.
        found: how many days there were to join.
        left: how many of them are not joined yet.
    """

    def __init__(self, lake: Path, lake_sql: LakeSql, today: str, tell: Callable[[str], None]) -> None:
        self.awaited: frozenset[str] = frozenset()
        self.found = self.left = 0
        self._lake = lake
        self._lake_sql = lake_sql
        self._joining = _Joining(lake, lake_sql, today)
        self._tell = tell
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
            with suppress(*_CANNOT_BE_WRITTEN, duckdb.InterruptException):
                (self._lake / FOLDER).mkdir(exist_ok=True)
                while not self._closing.wait(_TRY_SECONDS):
                    # Another process may be joining for a minute, and this one has to end when it is to.
                    with (
                        suppress(BlockingIOError),
                        _locked(self._lake / FOLDER / _WRITING, fcntl.LOCK_EX | fcntl.LOCK_NB),
                    ):
                        self._join()
                        return
        except duckdb.Error as error:
            self._tell(
                f"The finished days cannot be joined: {str(error).splitlines()[0]} If that names a file in "
                f"{self._lake / FOLDER}, delete the folder: it is made again from the delivered files."
            )
        finally:
            # Whatever ended it: what is not joined is read as it is.
            self.awaited, self.left = frozenset(), 0

    def _join(self) -> None:
        with closing(self._joining.join(self._tell)) as steps:
            for left in steps:
                self.awaited, self.left = _without_newest(left), len(left)
                if self._closing.is_set():
                    return
        if self.found > 1:
            self._tell("The finished days of the lake are joined.")


def _without_newest(names: Iterable[str]) -> frozenset[str]:
    return frozenset(sorted(names)[:-1])


@contextmanager
def read_joined(lake: Path, lake_sql: LakeSql) -> Iterator[Joined]:
    """What is joined of a lake as it is; within, the files stay."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(lake / FOLDER / _READING, fcntl.LOCK_SH))
            joined = _load(lake, lake_sql)
        except OSError:  # nothing is joined, or a new run has put it away
            joined = Joined(lake)
        yield joined


def _load(lake: Path, lake_sql: LakeSql) -> Joined:
    """What the manifest says; nothing where what is there was made for other views."""
    try:
        read = json.loads((lake / FOLDER / _MANIFEST).read_text(encoding="utf-8"))
        if read["made_for"] != _made_for(lake_sql):
            return Joined(lake)
        folder = (lake / FOLDER).resolve()  # DuckDB is allowed to read that
        files = {
            key: JoinedFile(folder / each["name"], frozenset(each["days"]))
            for key, each in read["files"].items()
        }
        days = {
            name: JoinedDay(day["prints"], FilesPrint(*day["files"]), day["troubles"])
            for name, day in read["days"].items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return Joined(lake)
    folders = _folders_by_day(lake)
    changed = {
        name
        for name, day in days.items()
        if _take_prints(lake, {*folders.get(name, ()), *day.prints}) != day.prints
    }
    left = _MOST_ASKED_FILES
    for name in sorted(set(days) - changed, reverse=True):
        left -= days[name].files.number
        if left < 0:
            break
        if _print_files(lake, folders.get(name, ())) != days[name].files:
            changed.add(name)
    return Joined(lake, files, days, frozenset(changed))


class _Joining:
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

    def join(self, tell: Callable[[str], None]) -> Generator[frozenset[str]]:
        """Joins what is finished; nobody else may at the same time.

        Yields:
            The days that are still to be joined: first all, and then those that are left after each step.
        """
        joined = _load(self._lake, self._lake_sql)
        wanted = self.find_wanted(joined)
        if len(wanted) > 1:
            tell(f"Joining {len(wanted):,} finished days of the lake, once.")
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
        """Ends what another thread joins, with duckdb.InterruptException; nothing of that step counts."""
        if self._database:
            with suppress(duckdb.Error):  # that thread has closed it
                self._database.interrupt()

    def find_wanted(self, joined: Joined) -> dict[str, Prints]:
        """The days that are to be joined, and what their folders are now."""
        folders = _folders_by_day(self._lake)
        latest = time.time_ns() - _SETTLED_NANOSECONDS
        wanted = {}
        for name in {*folders, *joined.outdated} - joined.covered:
            if name < self._today:
                days = [self._lake / each for each in folders.get(name, ())]
                below = [folder for day in days for folder in find_folders(day)]
                prints = _take_prints(self._lake, (str(each.relative_to(self._lake)) for each in below))
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
            below = _folders_by_day(self._lake)
            read = {name: _print_files(self._lake, below.get(name, ())) for name in batch}
            troubles = self._read(database, [file for day in folders for file in find_files(day)])
            for name, prints in batch.items():
                of_day = {
                    str(file.relative_to(self._lake)): said
                    for file, said in troubles.items()
                    if day_of(file) == name
                }
                if prints:
                    days[name] = JoinedDay(prints | _take_prints(self._lake, of_day), read[name], of_day)
            old = self._find_old(joined, batch, set(find_opened(database, DELIVERED)))
            if old:
                kept = select_rows(self._columns, [joined.files[key].path for key in old], batch)
                database.execute(f"INSERT INTO {DELIVERED} {kept}")
            written = self._write(database)
        others = {key: file for key, file in joined.files.items() if key not in old}
        return self._commit(Joined(self._lake, others | written, days))

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

    def _commit(self, joined: Joined) -> Joined:
        manifest = {
            "made_for": _made_for(self._lake_sql),
            "files": {
                key: {"name": file.path.name, "days": sorted(file.days)} for key, file in joined.files.items()
            },
            "days": {
                name: {"prints": day.prints, "files": day.files, "troubles": day.troubles}
                for name, day in joined.days.items()
            },
        }
        write_whole(self._folder / _MANIFEST, json.dumps(manifest).encode())
        return joined

    def _sweep(self, joined: Joined) -> None:
        """Deletes files that no manifest names, unless somebody reads: then the next one does."""
        used = {file.path.name for file in joined.files.values()}
        with suppress(BlockingIOError), _locked(self._folder / _READING, fcntl.LOCK_EX | fcntl.LOCK_NB):
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


def find_opened(database: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The days (UTC, `2026-11-20`) in which the bars of a table open."""
    rows = database.execute(f"SELECT DISTINCT strftime(open_time, '%Y-%m-%d') AS day FROM {table}").fetchall()
    return sorted(day for (day,) in rows)


def _folders_by_day(lake: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for folder in find_day_names(lake):
        found[folder.partition("=")[2]].append(folder)
    return dict(found)


def _take_prints(lake: Path, names: Iterable[str]) -> Prints:
    prints = {}
    for name in names:
        with suppress(FileNotFoundError):
            prints[name] = os.stat(f"{lake}/{name}").st_mtime_ns  # noqa: PTH116 (a path takes ten times as long)
    return prints


def _print_files(lake: Path, folders: Iterable[str]) -> FilesPrint:
    number = size = changed = 0
    for folder in folders:
        for told in stat_files(f"{lake}/{folder}"):
            number, size, changed = number + 1, size + told.st_size, changed + told.st_mtime_ns
    return FilesPrint(number, size, changed)


def _made_for(lake_sql: LakeSql) -> str:
    made_for = [str(_VERSION), *lake_sql.columns, *(view.sql for view in lake_sql.views.values())]
    return hashlib.sha256("\n".join(made_for).encode()).hexdigest()


def find_version(lake: Path) -> tuple[int, int] | None:
    """What is another whenever something was joined; None where nothing is."""
    try:
        told = (lake / FOLDER / _MANIFEST).stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns


@contextmanager
def _locked_alone(lake: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Within, nobody else joins; waits for who does, and says so."""
    path = lake / FOLDER / _WRITING
    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            tell("Finished days of the lake are being joined: waiting until they are.")
            stack.enter_context(_locked(path, fcntl.LOCK_EX))
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
