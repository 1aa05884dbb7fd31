"""Which files are the lake: those that its two tables read in Athena, and no others."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from stockstream.errors import StockstreamError
from stockstream.reading import shorten
from stockstream_operate.lake.sql import JSON_TABLE, PARQUET_TABLE

# Where each table's files lie, as template.yaml says.
TABLES: Mapping[str, str] = {"bars": JSON_TABLE, "bars-parquet": PARQUET_TABLE}
_DAY = re.compile(r"dt=\d{4}-\d\d-\d\d", re.ASCII)
_UNSEEN = (".", "_")
# What means something to a file system, on Windows too: a way up, a drive, another separator.
_NO_NAME = re.compile(r"\.{0,2}|.*[\x00-\x1f\x7f\\:].*", re.DOTALL)
_LONGEST_NAME = 200
# A file that comes within one tick of the file system's clock does not change its folder's time again. A
# folder that was changed longer ago than this has no such file.
SETTLED_NANOSECONDS = 2_000_000_000
_MEND = "whoever may write to the bucket has put it there; delete it, or give it another name."


class StrayKeyError(StockstreamError):
    """A file in the bucket cannot be copied to this machine; the text names it and says what to do."""


def path_of(key: str, folder: Path) -> Path:
    """Where the copy of a file of the bucket lies on this machine: below a folder, whatever its key says.

    S3 takes any text for a key, and a file system does not: `bars/../../.bashrc` would be another's file.

    Args:
        key: in the bucket.
        folder: that all copies lie below.

    Raises:
        StrayKeyError: the copy would lie elsewhere.
    """
    names = key.split("/")
    if any(_NO_NAME.fullmatch(name) or len(name.encode(errors="replace")) > _LONGEST_NAME for name in names):
        raise StrayKeyError(f"{shorten(key)!r} in the bucket is no name of a file here: {_MEND}")
    path = folder / key
    # A link that somebody has put into the folder leads out of it, too.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StrayKeyError(f"{shorten(key)!r} in the bucket would be written outside of {folder}: {_MEND}")
    return path


def find_day_names(lake: Path) -> list[str]:
    """The folders of days of arrival below a lake's: `bars/dt=2026-11-20`, `bars-parquet/dt=...`."""
    return sorted(
        f"{prefix}/{entry.name}" for prefix in TABLES for entry in _list(lake / prefix) if _is_day(entry)
    )


def find_days(lake: Path) -> list[Path]:
    """The same folders, as paths."""
    return [lake / name for name in find_day_names(lake)]


def find_files(day: Path) -> list[Path]:
    """All files below a day's folder, whatever they end with, but those that begin with `.` or `_`."""
    found: list[Path] = []
    for entry in _list(day):
        if entry.is_dir():
            found += find_files(Path(entry.path))
        else:
            found.append(Path(entry.path))
    return sorted(found)


def stat_files(day: str) -> Iterator[os.stat_result]:
    """What the file system says of each of these files, without a path for each, which takes longer."""
    for entry in _list(day):
        with suppress(FileNotFoundError):
            if entry.is_dir():
                yield from stat_files(entry.path)
            else:
                yield entry.stat()


def is_seen(key: str) -> bool:
    """Whether Athena sees a file of the bucket: no part of its key begins with `.` or `_`.

    The console of S3 marks a folder by a file of no bytes whose key ends with `/`.
    """
    return not key.endswith("/") and not any(part.startswith(_UNSEEN) for part in key.split("/"))


def find_folders(day: Path) -> list[Path]:
    """A day's folder, and all below it in which its files may lie."""
    below = [Path(entry.path) for entry in _list(day) if entry.is_dir()]
    return [day, *(folder for each in below for folder in find_folders(each))]


def find_strays(lake: Path) -> dict[Path, str]:
    """What lies beside the folders of days, where neither Athena nor a command here looks, and why."""
    return {
        path: "lies in no folder of a day (dt=YYYY-MM-DD), and is no part of the lake here or in Athena."
        for prefix in TABLES
        for path in sorted(Path(entry.path) for entry in _list(lake / prefix) if not _is_day(entry))
    }


def identify(folder: Path) -> int | None:
    """What tells a lake's folder from the one of the next run; None where there is none."""
    try:
        return folder.stat().st_ino
    except FileNotFoundError:
        return None


def table_of(file: Path) -> str:
    """The table that reads a file: that of its folder, or where it lies in none, that of its ending."""
    for day in file.parents:
        if _DAY.fullmatch(day.name) and day.parent.name in TABLES:
            return TABLES[day.parent.name]
    return PARQUET_TABLE if file.suffix == ".parquet" else JSON_TABLE


def name_of(folder: Path) -> str:
    """The day of arrival whose folder it is (`2026-11-20`)."""
    return folder.name.removeprefix("dt=")


def day_of(file: Path) -> str:
    """The day of arrival that a file lies in; empty where it lies in none."""
    return next((name_of(folder) for folder in file.parents if folder.name.startswith("dt=")), "")


def say_troubles(troubles: Mapping[Path, str]) -> Iterator[str]:
    """A sentence for each file, which says what is wrong with it and what can be done."""
    for file, reason in troubles.items():
        yield (
            f"{file} {reason} What of it cannot be read is left out. "
            f"To leave the file out without a word, put a _ before its name."
        )


def _is_day(entry: os.DirEntry[str]) -> bool:
    return _DAY.fullmatch(entry.name) is not None and entry.is_dir()


def _list(folder: Path | str) -> Iterable[os.DirEntry[str]]:
    """What a folder holds that Athena would see; nothing where it is gone."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(_UNSEEN)]
    return []
