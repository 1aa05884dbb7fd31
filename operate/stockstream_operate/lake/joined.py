"""The finished days of a lake on this machine, joined: some sorted Parquet files that answer in place of all.

A copy of what the lake's files hold lies in `.joined` beside them: bars by the month in which they open,
those of this month by the day. All deliveries of a bar are in one of these files, so that its history is
worked out when the file is written, and not for each question. joining.py joins a day of arrival when it is
over, and again when its folder or a file in it has changed. `manifest.json` says of which folders the files
are made, and is replaced at the end of each step: if a step breaks off, the manifest before it still holds.
Deleting `.joined` costs nothing but time.
"""
# ruff: noqa: S608  # what SQL is made of are the lake's own views, and names and days that are quoted

import fcntl
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import find_day_names, stat_files
from stockstream_operate.lake.sql import LakeSql
from stockstream_operate.whole_file import write_whole

FOLDER = ".joined"
_MANIFEST, READING = "manifest.json", "reading.lock"
# What is joined otherwise than before gets another number, and is joined anew.
_VERSION = 2
# A file that is written over does not change its folder. To ask 390 files a day takes longer than an answer
# where years are joined: the newest days' are asked, so many files at each question.
_MOST_ASKED_FILES = 20_000

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
def read_joined(lake: Path, lake_sql: LakeSql) -> Iterator[Joined]:
    """What is joined of a lake as it is; within, the files stay."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(lake / FOLDER / READING, fcntl.LOCK_SH))
            joined = load_joined(lake, lake_sql)
        except OSError:  # nothing is joined, or a new run has put it away
            joined = Joined(lake)
        yield joined


def load_joined(lake: Path, lake_sql: LakeSql) -> Joined:
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
    folders = folders_by_day(lake)
    changed = {
        name
        for name, day in days.items()
        if take_prints(lake, {*folders.get(name, ()), *day.prints}) != day.prints
    }
    left = _MOST_ASKED_FILES
    for name in sorted(set(days) - changed, reverse=True):
        left -= days[name].files.number
        if left < 0:
            break
        if print_files(lake, folders.get(name, ())) != days[name].files:
            changed.add(name)
    return Joined(lake, files, days, frozenset(changed))


def write_joined(joined: Joined, lake_sql: LakeSql) -> None:
    """Writes the manifest, in place of the one that is there.

    Args:
        joined: what is joined, in files that are written.
        lake_sql: the views that it was made for.

    Raises:
        OSError: it cannot be written; its `filename` says which.
    """
    manifest = {
        "made_for": _made_for(lake_sql),
        "files": {
            key: {"name": file.path.name, "days": sorted(file.days)} for key, file in joined.files.items()
        },
        "days": {
            name: {"prints": day.prints, "files": day.files, "troubles": day.troubles}
            for name, day in joined.days.items()
        },
    }
    write_whole((joined.lake / FOLDER).resolve() / _MANIFEST, json.dumps(manifest).encode())


def folders_by_day(lake: Path) -> dict[str, list[str]]:
    """The folders of each day of arrival, as find_day_names names them."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in find_day_names(lake):
        found[folder.partition("=")[2]].append(folder)
    return dict(found)


def take_prints(lake: Path, names: Iterable[str]) -> Prints:
    """When each of these was changed that is there, by its path below the lake's folder."""
    prints = {}
    for name in names:
        with suppress(FileNotFoundError):
            prints[name] = os.stat(f"{lake}/{name}").st_mtime_ns  # noqa: PTH116 (a path takes ten times as long)
    return prints


def print_files(lake: Path, folders: Iterable[str]) -> FilesPrint:
    """The print of all files in a day's folders."""
    number = size = changed = 0
    for folder in folders:
        for stat in stat_files(f"{lake}/{folder}"):
            number, size, changed = number + 1, size + stat.st_size, changed + stat.st_mtime_ns
    return FilesPrint(number, size, changed)


def _made_for(lake_sql: LakeSql) -> str:
    made_for = [str(_VERSION), *lake_sql.columns, *(view.sql for view in lake_sql.views.values())]
    return hashlib.sha256("\n".join(made_for).encode()).hexdigest()


def find_version(lake: Path) -> tuple[int, int] | None:
    """Identifies the manifest, and so what is joined: another one has another version. None without one."""
    try:
        stat = (lake / FOLDER / _MANIFEST).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Holds the lock of a file; it is made if it is not there.

    Args:
        path: the file.
        how: as flock has it.

    Raises:
        BlockingIOError: LOCK_NB is asked for, and another holds it.
        OSError: the file cannot be made.
    """
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
