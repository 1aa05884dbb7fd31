"""The delivered files on this machine, each read once and kept in memory: the page asks again and again.

`stockstream query` opens every file for every question, at a millisecond or two a file.
Here the view `bars_delivered` is a table that the new files are added to, the newest files first;
the views on it are the lake's own.
"""
# ruff: noqa: S608  # what SQL is made of are the lake's own views, and files of this process

import gzip
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import TracebackType
from typing import NamedTuple, Self

import duckdb

from stockstream_operate.lake.engine import (
    AT_TIMEZONE,
    SETTINGS,
    LakeQueryError,
    Result,
    in_words,
    select_files,
    to_duckdb,
)
from stockstream_operate.lake.sql import JSON_TABLE, PARQUET_TABLE, LakeSql

# The first files are few, so that the newest bars are there at once.
FIRST_FILES, MORE_FILES = 200, 500
_DELIVERED = "bars_delivered"
_KINDS = {".json.gz": JSON_TABLE, ".parquet": PARQUET_TABLE}
_SETTLED_NANOSECONDS = 2_000_000_000
_GZIP_MAGIC = b"\x1f\x8b"


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
        return f"{file} holds no documents: {reason}" + (f" {others} more are like it." if others else "")

    def look(self) -> bool:
        """Reads files that are new, as many as are quickly read; whether what is known has changed."""
        identity = _identity(self._folder)
        changed = identity != self._identity and bool(self._read)
        if identity != self._identity:
            # Another run has begun: its lake is another one.
            self._start_anew(identity)
        if identity is None:
            return changed
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
        view, *others = self.lake_sql.views.values()
        for name in _KINDS.values():
            database.execute(f"CREATE VIEW {name} AS {self._no_documents}")
        database.execute(f"CREATE VIEW read_now AS {to_duckdb(view.sql)}")
        database.execute(f"CREATE TABLE {_DELIVERED} AS SELECT * FROM read_now")
        for each in others:
            database.execute(f'CREATE VIEW "{each.name}" AS {to_duckdb(each.sql)}')
        return database

    @property
    def _no_documents(self) -> str:
        columns = [*self.lake_sql.columns.items(), ("dt", "string")]
        types = {"string": "VARCHAR", "double": "DOUBLE", "int": "INTEGER"}
        return (
            "SELECT "
            + ", ".join(f'CAST(NULL AS {types[kind]}) AS "{name}"' for name, kind in columns)
            + " WHERE false"
        )

    def _start_anew(self, identity: int | None) -> None:
        self._identity = identity
        self._days, self._unread, self._read, self._broken = {}, {}, set(), {}
        # The old one closes itself when the last question to it is answered.
        with self._lock:
            self._database = self._begin()

    def _find_files(self) -> None:
        """Looks into the folders that have changed; a day's folder changes whenever a file comes."""
        for day in _list(self._folder.glob("*/dt=*")):
            try:
                changed = day.stat().st_mtime_ns
                if self._days.get(day) == changed:
                    continue
                found = list(day.iterdir())
            except FileNotFoundError:  # a new run has put it away meanwhile
                continue
            # A file that comes within one tick of the file system's clock does not change the time again.
            if time.time_ns() - changed > _SETTLED_NANOSECONDS:
                self._days[day] = changed
            files = [file for file in found if file.name.endswith(tuple(_KINDS))]
            self._unread |= dict.fromkeys(file for file in files if file not in self._read)

    def _add(self, files: list[Path]) -> None:
        """Adds what files hold; one that cannot be read is named, and does not keep the others out."""
        try:
            with TemporaryDirectory(prefix="stockstream-page-") as name:
                self._insert(_gather(files, Path(name)))
        except LakeQueryError as error:
            if len(files) == 1:
                self._broken[files[0]] = str(error)
                return
            half = len(files) // 2
            self._add(files[:half])
            self._add(files[half:])

    def _insert(self, sources: Mapping[str, list[str]]) -> None:
        with self._lock:
            cursor = self._database.cursor()
        with cursor, in_words():
            for table, files in sources.items():
                select = select_files(table, files, self.lake_sql.columns) if files else self._no_documents
                cursor.execute(f"CREATE OR REPLACE VIEW {table} AS {select}")
            cursor.execute(f"INSERT INTO {_DELIVERED} SELECT * FROM read_now")


def _identity(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except FileNotFoundError:
        return None


def _list(paths: Iterator[Path]) -> list[Path]:
    try:
        return list(paths)
    except FileNotFoundError:
        return []


def _gather(files: Iterable[Path], folder: Path) -> Mapping[str, list[str]]:
    """One file a day in place of many, since DuckDB takes a millisecond to open one; by table."""
    lines: dict[str, list[bytes]] = defaultdict(list)
    sources: dict[str, list[str]] = {table: [] for table in _KINDS.values()}
    for file in files:
        with suppress(FileNotFoundError):  # a new run has put it away meanwhile
            if file.name.endswith(".parquet"):
                sources[PARQUET_TABLE].append(str(file.resolve(strict=True)))
            else:
                lines[file.parent.name].append(_read_lines(file))
    for day, parts in lines.items():
        path = folder / day / "documents.json"
        path.parent.mkdir()
        path.write_bytes(b"".join(parts))
        sources[JSON_TABLE].append(str(path))
    return sources


def _read_lines(file: Path) -> bytes:
    read = file.read_bytes()
    try:
        lines = gzip.decompress(read) if read.startswith(_GZIP_MAGIC) else read
    except (EOFError, OSError, zlib.error) as error:
        raise LakeQueryError(f"it cannot be unpacked ({error}).") from error
    return lines if lines.endswith(b"\n") else lines + b"\n"
