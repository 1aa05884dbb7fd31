"""The files of a lake in S3 as an index is filled from them: those of Firehose, and days that are joined.

A day may stand in both forms, and may be joined while it is read here. Whoever joins a day writes the joined
file before the others go, so that each bar is read at least once; the index keeps its newest numbers.
"""
# ruff: noqa: S608  # what SQL is made of is the name of a file of this process, which is quoted

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import duckdb
from botocore.exceptions import ClientError

from stockstream.fields import DOCUMENT_SCHEMA
from stockstream_operate.lake.delivered import Document, LakeError, decode_file
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import TABLES, is_seen, table_of
from stockstream_operate.lake.sql import PARQUET_TABLE
from stockstream_operate.whole_file import naming

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"NoSuchKey", "404"}
_DAY = "dt"
# A joined day may hold more than there is memory for.
_ROWS_AT_ONCE = 1000


class LakeFiles:
    """The files of a lake, each once.

    Args:
        s3: the client.
        bucket: the bucket's name.
        fields: of a document; what else a Parquet file has a column for is left out where it is null.
        since: the first day of arrival to read, as YYYY-MM-DD; empty for all.

    Attributes:
        has_lost: whether a file went since the last listing; where it was joined, the next listing has it.
    """

    def __init__(self, s3: "S3Client", bucket: str, fields: Collection[str], since: str = "") -> None:
        self.has_lost = False
        self._s3 = s3
        self._bucket = bucket
        self._fields = fields
        self._since = since
        self._read: set[str] = set()

    def list_new(self) -> list[tuple[str, int]]:
        """The key and the bytes of each file that was not read yet, oldest day first."""
        self.has_lost = False
        # In this order: what is joined after the first was listed is in the second.
        found = [each for folder in TABLES for each in self._list(folder) if each[0] not in self._read]
        return sorted(found, key=lambda file: file[0].split("/")[1:])

    def read(self, key: str) -> Iterator[Document]:
        """The documents of a file; of a joined day each bar at its newest. None of one that has gone.

        Raises:
            LakeError: it holds something else.
        """
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            self.has_lost = True
            return
        if table_of(Path(key)) == PARQUET_TABLE:
            yield from _read_parquet(key, body, self._fields)
        else:
            yield from decode_file(key, body)
        self._read.add(key)

    def _list(self, folder: str) -> Iterator[tuple[str, int]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{folder}/", StartAfter=f"{folder}/dt={self._since}"
        )
        for page in pages:
            for each in page.get("Contents", []):
                if is_seen(each["Key"]):
                    yield each["Key"], each["Size"]


def _read_parquet(key: str, body: bytes, fields: Collection[str]) -> Iterator[Document]:
    with NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as database:
        with naming(Path(file.name)):
            file.write(body)
            file.flush()
        try:
            for row in _choose_newest(database, file.name):
                # A column is there for each document of the day, and not each had the field. That of the
                # folder's day, which Athena writes, is no field.
                document = {
                    name: value
                    for name, value in row
                    if name in fields or (value is not None and name != _DAY)
                }
                if document["schema"] != DOCUMENT_SCHEMA:
                    raise LakeError(f"{key} holds {document['schema']!r} and not {DOCUMENT_SCHEMA}.")
                yield document
        except duckdb.Error as error:
            raise LakeError(f"{key} is no Parquet file of documents: {str(error).splitlines()[0]}") from error


def _choose_newest(database: duckdb.DuckDBPyConnection, path: str) -> Iterator[Iterable[tuple[str, object]]]:
    """Each bar's newest document, as bars_latest chooses it."""
    answer = database.execute(
        f"SELECT * FROM read_parquet({quoted(path)}, hive_partitioning = false) QUALIFY row_number() "
        "OVER (PARTITION BY id ORDER BY as_of DESC, lookback_bars DESC, arrived_at) = 1 "
        'ORDER BY open_time, instrument, "interval"'
    )
    names = [name for name, *_ in answer.description or ()]
    if "schema" not in names:
        raise duckdb.InvalidInputException("it has no column schema")
    while rows := answer.fetchmany(_ROWS_AT_ONCE):
        yield from (zip(names, row, strict=True) for row in rows)
