"""The lake's files as an index is filled from them: each once, in both forms, and joined meanwhile."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from botocore.exceptions import ClientError
from delivered_files import document, write_file, write_parquet

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_operate.lake.delivered import LakeError
from stockstream_operate.search.lake_files import LakeFiles

DAY = "2026-11-20"
FIELDS = {field.name for field in list_fields(Windows())}
LINE = json.dumps({"schema": "enriched.v1", "id": "x"}).encode()


class FakeS3:
    """The two calls that LakeFiles makes, on a dictionary."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def get_paginator(self, _name: str) -> "FakeS3":
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str) -> list[dict[str, Any]]:  # noqa: N803 (boto3's)
        assert Bucket == "lake"
        keys = sorted(key for key in self.files if key.startswith(Prefix) and key > StartAfter)
        return [{"Contents": [{"Key": key, "Size": len(self.files[key])}]} for key in keys] or [{}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        assert Bucket == "lake"
        if Key not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.files[Key])}


def open_files(files: dict[str, bytes], since: str = "") -> tuple[FakeS3, LakeFiles]:
    s3 = FakeS3(files)
    return s3, LakeFiles(cast("Any", s3), "lake", FIELDS, since)


def read_all(files: LakeFiles) -> dict[str, list[dict[str, Any]]]:
    """What is new: the documents of each file, without what is null."""
    return {
        key: [{name: value for name, value in each.items() if value is not None} for each in files.read(key)]
        for key, _ in files.list_new()
    }


def without_nulls(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if value is not None} for each in documents]


def test_reads_each_file_once_from_the_first_day_on() -> None:
    s3, files = open_files({"bars/dt=2026-11-19/a": LINE, "bars/dt=2026-11-20/b": LINE, "search/x": b""}, DAY)

    assert files.list_new() == [("bars/dt=2026-11-20/b", len(LINE))]
    assert [*files.read("bars/dt=2026-11-20/b")] == [{"schema": "enriched.v1", "id": "x"}]
    s3.files["bars/dt=2026-11-21/c"] = LINE + b"\n" + LINE
    assert files.list_new() == [("bars/dt=2026-11-21/c", 2 * len(LINE) + 1)]


def test_leaves_out_what_athena_does_not_see() -> None:
    _, files = open_files({f"bars/dt={DAY}/": b"", f"bars-parquet/dt={DAY}/_notes.txt": b"no Parquet"})

    assert files.list_new() == []


def test_both_forms_are_read_the_oldest_day_first_and_each_bar_of_a_file_at_its_newest(
    tmp_path: Path,
) -> None:
    old, new = document(f"{DAY}T14:30:00Z"), document(f"{DAY}T14:30:00Z", 101.0, as_of=f"{DAY}T15:00:00.000Z")
    other = document(f"{DAY}T14:31:00Z", volume=None, sma_5=100.5)
    # Delivered twice: the one that looked back further is the one that the views show.
    again = other | {"lookback_bars": 7, "sma_5": 100.25}
    joined = write_parquet(tmp_path, "2026-11-21", "compacted-1", [new, other, old, again])
    later = document("2026-11-22T14:30:00Z")
    single = write_file(tmp_path, "2026-11-20", "a", [old])
    last = write_file(tmp_path, "2026-11-22", "b", [later])
    _, files = open_files(
        {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in (joined, single, last)}
    )

    assert [*read_all(files).items()] == [
        ("bars/dt=2026-11-20/a.json.gz", without_nulls([old])),
        ("bars-parquet/dt=2026-11-21/compacted-1.parquet", without_nulls([new, again])),
        ("bars/dt=2026-11-22/b.json.gz", without_nulls([later])),
    ]
    assert files.list_new() == []


def test_a_document_of_a_joined_day_has_the_fields_that_it_had(tmp_path: Path) -> None:
    """The index refuses what it does not know, even where it is null; Athena writes the folder's day, too."""
    wide = document(f"{DAY}T14:30:00Z") | {"sma_7": 3.5}
    path = write_parquet(tmp_path, DAY, "compacted-1", [wide, document(f"{DAY}T14:31:00Z")])
    with duckdb.connect() as database:
        columns = database.read_parquet(str(path), hive_partitioning=False).columns
    assert {"dt", "sma_7"} <= set(columns)
    key = f"bars-parquet/dt={DAY}/compacted-night/0"
    _, files = open_files({key: path.read_bytes()})

    first, second = files.read(key)

    assert first == wide
    assert second == document(f"{DAY}T14:31:00Z")


def test_what_is_joined_while_it_is_read_is_read_from_the_joined_file(tmp_path: Path) -> None:
    bar = document(f"{DAY}T14:30:00Z")
    single, joined = write_file(tmp_path, DAY, "a", [bar]), write_parquet(tmp_path, DAY, "compacted-1", [bar])
    s3, files = open_files({f"bars/dt={DAY}/a.json.gz": single.read_bytes()})
    ((key, _),) = files.list_new()
    s3.files = {f"bars-parquet/dt={DAY}/compacted-1.parquet": joined.read_bytes()}

    assert ([*files.read(key)], files.has_lost) == ([], True)
    assert [*read_all(files).values()] == [without_nulls([bar])]
    assert not files.has_lost


@pytest.mark.parametrize(
    "columns", ["1 AS id", "'x' AS id, '' AS as_of, 1 AS lookback_bars, 'other.v1' AS schema"]
)
def test_a_parquet_file_of_anything_else_is_named(tmp_path: Path, columns: str) -> None:
    path = tmp_path / "x.parquet"
    more = ", '' AS arrived_at, '' AS open_time, '' AS instrument, '' AS \"interval\""
    with duckdb.connect() as database:
        database.sql(f"SELECT {columns}{more}").write_parquet(str(path))
    key = f"bars-parquet/dt={DAY}/x.parquet"
    _, files = open_files({key: path.read_bytes()})

    with pytest.raises(LakeError, match=key):
        list(files.read(key))


def test_a_cut_parquet_file_is_named() -> None:
    key = f"bars-parquet/dt={DAY}/x.parquet"
    _, files = open_files({key: b"PAR1"})

    with pytest.raises(LakeError, match=f"{key} is no Parquet file of documents"):
        list(files.read(key))
