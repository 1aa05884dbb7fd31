"""Delivered files into a table of DuckDB, fast where they are many; a broken one costs its own rows alone."""
# ruff: noqa: S608  # what SQL is made of are the lake's own views, and names of files, which are quoted

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import duckdb

from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import TABLES, day_of, table_of
from stockstream_operate.lake.sql import JSON_TABLE, PARQUET_TABLE
from stockstream_operate.unpacking import UnpackError, unpack
from stockstream_operate.whole_file import is_full_in_words, naming

# DuckDB's types, by Glue's.
DUCKDB_TYPES = {"string": "VARCHAR", "double": "DOUBLE", "int": "INTEGER"}
# What tells a document from any other object.
_IDENTITY = {"id": str, "instrument": str, "interval": str, "open_time": str, "as_of": str}
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "double": (int, float), "int": int}

# Bytes of files that are read at a time; unpacked they are ten times as many.
_MOST_BYTES = 16_000_000
# Of one file, unpacked: a whole day of six hundred coins, which a run here makes one file of.
_MOST_UNPACKED = 2**30

# The files that DuckDB is to read, by table.
type Sources = Mapping[str, Sequence[Path]]


class BrokenFileError(Exception):
    """A file cannot be read; the text says why, as the rest of a sentence that begins with its name."""


def read_files(
    database: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    types: Mapping[str, str],
    select: Callable[[Sources], str],
    into: str,
    aside: Path,
) -> dict[Path, str]:
    """Adds what delivered files hold to a table.

    A file that goes meanwhile is as if it had never been.

    Args:
        database: has the table.
        files: as Firehose wrote them.
        types: the columns of a document, in Glue's words.
        select: DuckDB's SELECT of the rows of some files; `id` is among its columns.
        into: the table's name.
        aside: a folder that is not there yet, which DuckDB may read; it is gone afterwards.

    Returns:
        What is wrong with which file. Its lines that are documents were read nevertheless.
    """
    aside.mkdir(mode=0o700)
    try:
        reading = _Reading(database, types, select, into, aside)
        return {file: said for batch in _batches(files) for file, said in reading.read(batch).items()}
    finally:
        shutil.rmtree(aside)


def name_aside() -> Path:
    """A name for a folder of unpacked files."""
    return Path(gettempdir()).resolve() / f"stockstream-lake-{uuid4().hex}"


class _Reading:
    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        types: Mapping[str, str],
        select: Callable[[Sources], str],
        into: str,
        aside: Path,
    ) -> None:
        self._database = database
        self._types = types
        self._select = select
        self._into = into
        self._aside = aside

    def read(self, files: Sequence[Path]) -> dict[Path, str]:
        if not files:
            return {}
        try:
            self._insert(_gather(files, self._aside))
        except duckdb.InterruptException:
            raise
        except (BrokenFileError, duckdb.Error) as error:
            if len(files) == 1:
                if _is_no_fault_of_a_file(error):
                    raise
                return self._save(files[0], error)
            half = len(files) // 2
            return self.read(files[:half]) | self.read(files[half:])
        return {}

    def _save(self, file: Path, error: Exception) -> dict[Path, str]:
        """Reads what can be read of a broken file, and says what is wrong with it."""
        try:
            if table_of(file) == PARQUET_TABLE:
                return {file: f"is no Parquet file of documents: {_first_line(error)}"}
            lines, reason = _sound_lines(file, self._types)
            self._insert({JSON_TABLE: [_write(self._aside, day_of(file), lines)]})
        except FileNotFoundError:
            return {}
        except BrokenFileError as broken:
            return {file: str(broken)}
        except duckdb.Error as failure:
            if _is_no_fault_of_a_file(failure):
                raise
            return {file: f"cannot be read: {_first_line(failure)}"}
        return {file: reason}

    def _insert(self, sources: Sources) -> None:
        if any(sources.values()):
            named = " OR ".join(f"{name} IS NULL" for name in ("id", "instrument", "open_time", "as_of"))
            self._database.execute(
                f"INSERT INTO {self._into} SELECT * FROM ({self._select(sources)}) "
                f"WHERE CASE WHEN {named} THEN error('it holds what is no document') ELSE true END"
            )


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    """The files, as many at a time as can be unpacked in memory."""
    batch: list[Path] = []
    size = 0
    for file in files:
        batch.append(file)
        with suppress(FileNotFoundError):
            size += file.stat().st_size
        if size >= _MOST_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def select_files(table: str, files: Sequence[Path], types: Mapping[str, str]) -> str:
    """DuckDB's SELECT of what files hold, as the columns of a table of the lake and `dt`.

    Args:
        table: JSON_TABLE or PARQUET_TABLE, which says what the files are.
        files: each below its `dt=YYYY-MM-DD/`.
        types: of each column, in Glue's words.
    """
    columns = {name: DUCKDB_TYPES[kind] for name, kind in types.items()}
    fields = ", ".join(f'"{column}"' for column in columns)
    empty = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in columns.items())
    if not files:
        return f"SELECT {empty}, '' AS dt WHERE false"
    listed = f"[{', '.join(quoted(str(file)) for file in files)}]"
    if table == PARQUET_TABLE:
        # Files of other windows have other columns. As in Athena, a column is found by its name, and what
        # a file lacks is null: an empty table before them brings the columns that none of them has.
        source = (
            f"(SELECT {empty}, '' AS filename WHERE false UNION ALL BY NAME SELECT * FROM "
            f"read_parquet({listed}, filename = true, hive_partitioning = false, union_by_name = true))"
        )
    else:
        typed = ", ".join(f"{quoted(column)}: {quoted(kind)}" for column, kind in columns.items())
        source = (
            f"read_json({listed}, columns = {{{typed}}}, format = 'newline_delimited', filename = true, "
            "hive_partitioning = false)"
        )
    return f"SELECT {fields}, regexp_extract(filename, '.*/dt=([^/]+)/', 1) AS dt FROM {source}"


def _gather(files: Sequence[Path], folder: Path) -> Sources:
    """One file a day in place of many, since DuckDB takes a millisecond to open one."""
    lines: dict[str, list[bytes]] = defaultdict(list)
    room = _MOST_UNPACKED
    sources: dict[str, list[Path]] = {table: [] for table in TABLES.values()}
    for file in files:
        with suppress(FileNotFoundError):  # a new run has put it away meanwhile
            if table_of(file) == PARQUET_TABLE:
                sources[PARQUET_TABLE].append(file.resolve(strict=True))
                continue
            unpacked, is_whole = _unpack(file, room)
            room -= len(unpacked)
            if not unpacked or not is_whole:
                raise BrokenFileError("has to be read line by line")
            lines[day_of(file)].append(unpacked if unpacked.endswith(b"\n") else unpacked + b"\n")
    sources[JSON_TABLE] = [_write(folder, day, b"".join(parts)) for day, parts in lines.items()]
    return sources


def _write(folder: Path, day: str, lines: bytes) -> Path:
    path = folder / f"dt={day}" / "documents.json"
    path.parent.mkdir(exist_ok=True)
    with naming(path):
        path.write_bytes(lines)
    return path


def lines_of(file: Path) -> list[bytes]:
    """What can be unpacked of a file, compressed or not, line by line."""
    try:
        return _unpack(file, _MOST_UNPACKED)[0].splitlines()
    except BrokenFileError:
        return []


def _unpack(file: Path, most_bytes: int) -> tuple[bytes, bool]:
    """What a file holds, compressed or not, and whether that is all of it.

    Raises:
        BrokenFileError: it may not be read, was changed since it was compressed, or holds more than can be
            read here.
        FileNotFoundError: a new run has put it away meanwhile.
    """
    try:
        return unpack(file.read_bytes(), most_bytes)
    except UnpackError as error:
        raise BrokenFileError(str(error)) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BrokenFileError(f"cannot be read: {error.strerror}.") from None


def _sound_lines(file: Path, types: Mapping[str, str]) -> tuple[bytes, str]:
    """The lines of a file that are documents, and what is wrong with the others.

    Raises:
        BrokenFileError: there is no such line.
    """
    unpacked, is_whole = _unpack(file, _MOST_UNPACKED)
    if not unpacked:
        raise BrokenFileError("is empty." if is_whole else "is cut off at its beginning.")
    lines = unpacked.splitlines()
    sound = [line for line in lines if _is_document(line, types)]
    broken = [str(number) for number, line in enumerate(lines, 1) if not _is_document(line, types)]
    if not sound:
        raise BrokenFileError("holds no documents of the lake, one a line in JSON.")
    troubles = ["is cut off."] if not is_whole else []
    if broken:
        troubles.append(f"has {len(broken)} of {len(lines)} lines that are no documents (line {broken[0]}).")
    return b"".join(chain.from_iterable((line, b"\n") for line in sound)), " ".join(troubles)


def _is_document(line: bytes, types: Mapping[str, str]) -> bool:
    try:
        document = json.loads(line)
        return (
            isinstance(document, dict)
            and all(isinstance(document.get(name), kind) for name, kind in _IDENTITY.items())
            and all(_has_type(document.get(name), kind) for name, kind in types.items())
            and all(datetime.fromisoformat(document[name]).tzinfo for name in ("open_time", "as_of"))
        )
    except ValueError:
        return False


def _has_type(value: Any, kind: str) -> bool:  # noqa: ANN401 (JSON holds anything)
    return value is None or (isinstance(value, _PYTHON_TYPES[kind]) and not isinstance(value, bool))


def _is_no_fault_of_a_file(error: Exception) -> bool:
    """Whether there is no room on the disk or in memory, or somebody ends the work: the file may be sound."""
    unread = (duckdb.OutOfMemoryException, duckdb.InterruptException)
    return isinstance(error, unread) or is_full_in_words(str(error))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def find_opened(database: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The days (UTC, `2026-11-20`) in which the bars of a table open, in their order."""
    rows = database.execute(f"SELECT DISTINCT strftime(open_time, '%Y-%m-%d') AS day FROM {table}").fetchall()
    return sorted(day for (day,) in rows)
