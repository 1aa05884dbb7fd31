"""Filling: what becomes of each document, and each file read once."""

import io
import json
from typing import Any, cast

from stockstream_operate.search.fill import LakeFiles, Tally, route


def test_a_document_is_routed_as_the_pipeline_would() -> None:
    document = {
        "id": "fx:EUR/USD|1min|2026-11-30T23:59:00Z",
        "open_time": "2026-11-30T23:59:00Z",
        # 1 December 2026, 00:00:05.123 UTC: `date -ud '2026-12-01T00:00:05' +%s` says 1796083205
        "as_of": "2026-12-01T00:00:05.123Z",
    }

    assert route(document) == {
        "_index": "bars-2026-11",
        "_id": "fx:EUR/USD|1min|2026-11-30T23:59:00Z",
        "version": 1796083205123,
        "version_type": "external_gte",
    }


def test_a_tally_says_what_became_of_the_documents() -> None:
    tally = Tally(indexed=1200, outdated=3)
    tally.refused["400: no"] += 2

    assert str(tally) == "1,200 indexed, 3 older than what is there, 2 refused"


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
        return {"Body": io.BytesIO(self.files[Key])}


def test_reads_each_file_once_from_the_first_day_on() -> None:
    line = json.dumps({"schema": "enriched.v1", "id": "x"}).encode()
    s3 = FakeS3({"bars/dt=2026-11-19/a": line, "bars/dt=2026-11-20/b": line, "search/x": b""})
    files = LakeFiles(cast("Any", s3), "lake", "2026-11-20")

    assert files.list_new() == [("bars/dt=2026-11-20/b", len(line))]
    assert [*files.read("bars/dt=2026-11-20/b")] == [{"schema": "enriched.v1", "id": "x"}]
    s3.files["bars/dt=2026-11-21/c"] = line + b"\n" + line
    assert files.list_new() == [("bars/dt=2026-11-21/c", 2 * len(line) + 1)]
