"""A finished day of a stack's lake in one sorted Parquet file, in place of a file for each minute.

All that a day's folders hold goes into `bars-parquet/dt=.../compacted-NAME.parquet`, whose name follows from
the files that Firehose wrote. It is read back and compared before anything is deleted. The views show each
bar once, so that a day may stand in both forms, or in two such files: whatever ends the work, nothing is
missing, and the next time goes on.
"""
# ruff: noqa: S608  # what SQL is made of are fields of documents, and names of files, which are quoted

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from stockstream.errors import StockstreamError
from stockstream_operate.lake.dialect import SETTINGS
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import TABLES, is_seen, path_of, table_of
from stockstream_operate.lake.reading import Sources, lines_of, name_aside, read_files, select_files
from stockstream_operate.lake.sql import PARQUET_TABLE, LakeSql
from stockstream_operate.whole_file import naming

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAME, _ENDING = "compacted-", ".parquet"
_DELETED_AT_ONCE = 1000  # DeleteObjects takes no more


class CompactionError(StockstreamError):
    """A day's compacted file is not what its files hold; nothing of it was deleted."""


class Stored(NamedTuple):
    """A file in the bucket.

    Attributes:
        key: where it is.
        etag: of what it holds.
        size: in bytes.
    """

    key: str
    etag: str
    size: int

    @property
    def is_compacted(self) -> bool:
        """Whether it was made here, or lies in a folder that the stack's LakeCompaction made."""
        prefix, _, *below = self.key.split("/")
        is_made = below[0].startswith(_NAME) and (len(below) > 1 or below[0].endswith(_ENDING))
        return prefix == "bars-parquet" and is_made


class Compacted(NamedTuple):
    """What was done with a day.

    Attributes:
        day: its name (`2026-11-20`).
        before: the files that it had.
        after: the one that it has now; None where nothing could be read.
        deleted: how many of the former are gone.
        troubles: what is wrong with which file, by its key; these were left.
    """

    day: str
    before: Sequence[Stored]
    after: Stored | None
    deleted: int
    troubles: dict[str, str]


class Compaction:
    """Compacts days of one lake.

    Args:
        s3: the client.
        bucket: the lake's.
        lake_sql: the lake's tables.
        deletes_raw: whether the files that Firehose wrote go, once the compacted one was compared with them.
    """

    def __init__(self, s3: "S3Client", bucket: str, lake_sql: LakeSql, *, deletes_raw: bool) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lake_sql = lake_sql
        self._deletes_raw = deletes_raw

    def find_days(self, first: str | None, today: date) -> list[str]:
        """The days of arrival before today that the lake has, the oldest first.

        Args:
            first: the first one that is wanted, such as `2026-11-20`; None for all.
            today: the day (UTC) that still grows.
        """
        found = set()
        pages = self._s3.get_paginator("list_objects_v2")
        for prefix in TABLES:
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{prefix}/dt=", Delimiter="/"):
                found |= {
                    each["Prefix"].split("dt=")[1].rstrip("/") for each in page.get("CommonPrefixes", [])
                }
        return sorted(day for day in found if (first is None or day >= first) and day < str(today))

    def compact(self, day: str) -> Compacted | None:
        """Compacts one day; None where nothing was left to do.

        Raises:
            CompactionError: what was written is not what was read.
            StrayKeyError: a file cannot be copied here to be read.
        """
        stored = self._list(day)
        raw = [each for each in stored if not each.is_compacted]
        compacted = [each for each in stored if each.is_compacted]
        name = f"bars-parquet/dt={day}/{_NAME}{_digest(raw or compacted)}{_ENDING}"
        is_there = any(each.key == name for each in compacted)
        if len(compacted) <= 1 and (not raw or (is_there and not self._deletes_raw)):
            return None
        with TemporaryDirectory(prefix="stockstream-compact-") as aside:
            folder = Path(aside)
            kept = {each.key: self._fetch(each.key, folder) for each in stored if each.key != name}
            with duckdb.connect() as database:
                for setting in SETTINGS:
                    database.execute(setting)
                troubles = self._read(database, list(kept.values()))
                broken = {key: troubles[path] for key, path in kept.items() if path in troubles}
                if not database.execute("SELECT count(*) FROM documents").fetchall()[0][0]:
                    return Compacted(day, stored, None, 0, broken)
                if not is_there:
                    path = _write(database, folder)
                    self._s3.put_object(Bucket=self._bucket, Key=name, Body=path.read_bytes())
                self._compare(database, name, folder)
        gone = [
            each.key
            for each in stored
            if each.key != name and each.key not in broken and (each.is_compacted or self._deletes_raw)
        ]
        self._delete(gone)
        (after,) = [each for each in self._list(day) if each.key == name]
        return Compacted(day, stored, after, len(gone), broken)

    def _list(self, day: str) -> list[Stored]:
        pages = self._s3.get_paginator("list_objects_v2")
        return [
            Stored(listed["Key"], listed["ETag"], listed["Size"])
            for prefix in TABLES
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{prefix}/dt={day}/")
            for listed in page.get("Contents", [])
            if is_seen(listed["Key"])
        ]

    def _fetch(self, key: str, folder: Path) -> Path:
        path = path_of(key, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        with naming(path):
            path.write_bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        return path

    def _read(self, database: duckdb.DuckDBPyConnection, files: list[Path]) -> dict[Path, str]:
        """Reads all fields that the files have, also those of windows that the stack no longer has."""
        types = {**self._lake_sql.columns, **_find_types(database, files), **self._lake_sql.columns}

        def select(sources: Sources) -> str:
            return " UNION ALL ".join(
                select_files(table, sources.get(table, ()), types) for table in TABLES.values()
            )

        database.execute(f"CREATE TABLE documents AS {select({})}")
        return read_files(database, files, types, select, "documents", name_aside())

    def _compare(self, database: duckdb.DuckDBPyConnection, key: str, folder: Path) -> None:
        """Compares the file as it is in the bucket with all that was read."""
        path = self._fetch(key, folder)
        columns = [name for (name, *_) in database.execute("DESCRIBE documents").fetchall() if name != "dt"]
        listed = ", ".join(f'"{column}"' for column in columns)
        try:
            database.execute(
                f"CREATE VIEW written AS SELECT {listed} FROM "
                f"read_parquet({quoted(str(path))}, hive_partitioning = false)"
            )
            missing = f"SELECT {listed} FROM documents EXCEPT SELECT {listed} FROM written"
            strange = f"SELECT {listed} FROM written EXCEPT SELECT {listed} FROM documents"
            counts = database.execute(
                f"SELECT (SELECT count(*) FROM ({missing})), (SELECT count(*) FROM ({strange}))"
            ).fetchall()[0]
        except duckdb.Error as error:
            raise CompactionError(f"{key} cannot be read back, and nothing was deleted: {error}") from error
        if counts != (0, 0):
            raise CompactionError(
                f"{key} lacks {counts[0]} rows of its day's files and has {counts[1]} others. "
                "Nothing was deleted: delete that file, and start again."
            )

    def _delete(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            chosen = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
            answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": chosen})  # type: ignore[typeddict-item]
            for refused in answer.get("Errors", []):
                raise CompactionError(
                    f"{refused.get('Key')} was not deleted ({refused.get('Code')}): "
                    f"{refused.get('Message')}. The day stands in both forms, which the views allow for; "
                    "start again when it may be deleted."
                )


def _digest(files: Collection[Stored]) -> str:
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()[:16]


def _write(database: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    path = folder / "compacted.parquet"
    database.execute(
        "COPY (SELECT DISTINCT * EXCLUDE (dt) FROM documents "
        'ORDER BY instrument, "interval", open_time, as_of, arrived_at) '
        f"TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return path


def _find_types(database: duckdb.DuckDBPyConnection, files: Iterable[Path]) -> dict[str, str]:
    """The fields of documents and their types, in Glue's words."""
    types: dict[str, str] = {}
    for file in files:
        if table_of(file) == PARQUET_TABLE:
            try:
                described = database.execute(
                    f"DESCRIBE SELECT * FROM read_parquet({quoted(str(file))}, hive_partitioning = false)"
                ).fetchall()
            except duckdb.Error:  # it is named when it is read
                continue
            types |= {name: "string" if kind == "VARCHAR" else "double" for name, kind, *_ in described}
        else:
            for line in lines_of(file):
                types |= _types_of(line)
    # The folder's day, which DuckDB takes for a column.
    types.pop("dt", None)
    return types


def _types_of(line: bytes) -> dict[str, str]:
    try:
        document = json.loads(line)
    except ValueError:  # it is named when it is read
        return {}
    return {
        name: "string" if isinstance(value, str) else "double"
        for name, value in (document.items() if isinstance(document, dict) else ())
        if value is not None
    }
