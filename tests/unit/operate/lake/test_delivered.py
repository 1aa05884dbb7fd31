"""The lake reader: files decoded, the latest answer kept, copies that people can open."""

import gzip
import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from full_disk import fill_disk

from stockstream_operate.lake.delivered import Document, Lake, LakeError, decode_file
from stockstream_operate.lake.parts import StrayKeyError


def document(minute: int = 0, as_of: str = "2026-11-20T21:00:00.000Z", **fields: object) -> Document:
    open_time = f"2026-11-20T20:{minute:02}:00Z"
    return {
        "schema": "enriched.v1",
        "id": f"IBM|1min|{open_time}",
        "as_of": as_of,
        "instrument": "IBM",
        "open_time": open_time,
        "close": 1.0,
        **fields,
    }


def lines(*documents: Document) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


class FakeS3:
    """The two calls that the lake makes, on a dictionary; two keys a page."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.read: list[str] = []

    def get_paginator(self, _name: str) -> "FakeS3":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803 (boto3's names)
        assert Bucket == "lake"
        keys = sorted(key for key in self.files if key.startswith(Prefix))
        pages: list[dict[str, Any]] = [
            {"Contents": [{"Key": key} for key in keys[i : i + 2]]} for i in range(0, len(keys), 2)
        ]
        return pages or [{}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        assert Bucket == "lake"
        self.read.append(Key)
        return {"Body": io.BytesIO(self.files[Key])}


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def lake(s3: FakeS3, tmp_path: Path) -> Lake:
    return Lake(cast("Any", s3), "lake", tmp_path)


def test_decodes_lines_compressed_or_not() -> None:
    two = lines(document(0), document(1))

    assert decode_file("a", two) == [document(0), document(1)]
    assert decode_file("a.gz", gzip.compress(two)) == [document(0), document(1)]


@pytest.mark.parametrize(
    "body",
    [b"hello", b"\x1f\x8bnot gzip", gzip.compress(lines(document()))[:-9], b'{"schema": "bar.v1"}', b"[1]"],
    ids=["text", "bad gzip", "cut gzip", "raw bar", "list"],
)
def test_names_a_file_that_holds_something_else(body: bytes) -> None:
    with pytest.raises(LakeError, match=r"bars/x\.json\.gz"):
        decode_file("bars/x.json.gz", body)


def test_names_a_file_that_unpacks_to_more_than_firehose_writes() -> None:
    with pytest.raises(LakeError, match=r"bars/x\.json\.gz holds more than 256 MB"):
        decode_file("bars/x.json.gz", gzip.compress(b"\n" * 2**24) * 20)


def test_reads_each_file_once_and_nothing_outside_bars(s3: FakeS3, lake: Lake) -> None:
    s3.files = {f"bars/{minute}": lines(document(minute)) for minute in range(3)}
    s3.files["processing-failed/x"] = b"{}"

    assert lake.read_new() == [document(0), document(1), document(2)]
    s3.files["bars/9"] = lines(document(9))
    assert lake.read_new() == [document(9)]
    assert lake.read_new() == []
    assert s3.read == ["bars/0", "bars/1", "bars/2", "bars/9"]


@pytest.mark.parametrize(
    "key",
    [
        "bars/../../outside",
        "bars/dt=2026-11-20/./x",
        "bars//etc/passwd",
        "bars/",
        "bars/a\0b",
        "bars/a\nb",
        "bars/..\\..\\outside",
        "bars/C:outside",
        f"bars/{'x' * 250}",
        "bars/link/outside",
    ],
    ids=repr,
)
def test_a_key_that_would_lead_out_of_the_folder_is_refused_by_name(
    s3: FakeS3, tmp_path: Path, key: str
) -> None:
    folder, elsewhere = tmp_path / "deep" / "lake", tmp_path / "elsewhere"
    (folder / "bars").mkdir(parents=True)
    elsewhere.mkdir()
    (folder / "bars" / "link").symlink_to(elsewhere)
    s3.files[key] = lines(document())

    with pytest.raises(StrayKeyError, match=r"in the bucket (is no name of a file here|would be written)"):
        Lake(cast("Any", s3), "lake", folder).read_new()

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "out of order"])
def test_keeps_the_latest_answer_of_each_bar(s3: FakeS3, lake: Lake, order: tuple[int, int]) -> None:
    told = (
        document(as_of="2026-11-20T21:00:00.000Z", close=1.0),
        document(as_of="2026-11-20T21:05:00.000Z", close=2.0),
    )
    s3.files = {"bars/1": lines(told[order[0]]), "bars/2": lines(told[order[1]])}
    lake.read_new()

    assert [each["close"] for each in lake.latest.values()] == [2.0]
    assert lake.newest["IBM"]["close"] == 2.0
    assert lake.bars["IBM"] == 1
    assert lake.count == 2


def test_the_newest_bar_is_the_newest_by_its_time_and_not_by_its_arrival(s3: FakeS3, lake: Lake) -> None:
    s3.files = {"bars/1": lines(document(5), document(3))}
    lake.read_new()

    assert lake.newest["IBM"] == document(5)
    assert lake.bars["IBM"] == 2


@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["compressed", "as the emulator leaves it"])
def test_a_copy_named_gz_is_gzip(s3: FakeS3, lake: Lake, tmp_path: Path, compress: Any) -> None:
    s3.files = {"bars/dt=2026-11-20/x.json.gz": compress(lines(document()))}
    lake.read_new()

    copy = tmp_path / "bars" / "dt=2026-11-20" / "x.json.gz"
    assert gzip.decompress(copy.read_bytes()) == lines(document())


def test_a_file_that_finds_no_room_is_copied_when_there_is_some(
    s3: FakeS3, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.files["bars/dt=2026-11-20/a.json.gz"] = lines(document())
    with monkeypatch.context() as patches:
        fill_disk(patches)
        with pytest.raises(OSError, match="No space left") as error:
            lake.read_new()
    assert error.value.filename == str(tmp_path / "bars" / "dt=2026-11-20" / "a.json.gz")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    assert lake.read_new() == [document()]
    assert (tmp_path / "bars" / "dt=2026-11-20" / "a.json.gz").is_file()
