"""The lake read back: delivered documents, and a copy of each file where people can open it."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stockstream.errors import StockstreamError
from stockstream.fields import DOCUMENT_SCHEMA
from stockstream_operate.lake.parts import path_of
from stockstream_operate.lake.sql import TEST_INSTRUMENT
from stockstream_operate.unpacking import GZIP_MAGIC, UnpackError, unpack
from stockstream_operate.whole_file import write_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "bars/"
# Of a file of documents: Firehose collects 64 MB of them before it compresses.
_MOST_BYTES = 2**28

type Document = dict[str, Any]


class LakeError(StockstreamError):
    """A file in the lake holds something else than documents; the text names it."""


class Lake:
    """The files below bars/ in a bucket.

    Args:
        s3: the client.
        bucket: the bucket's name.
        folder: where each file is copied to, under its own name.

    Attributes:
        latest: for each id the document with the latest as_of: the one that readers should see.
        newest: for each instrument the document of its newest bar.
        bars: how many different bars each instrument has.
        count: how many documents were delivered, repetitions included.
    """

    def __init__(self, s3: "S3Client", bucket: str, folder: Path) -> None:
        self.latest: dict[str, Document] = {}
        self.newest: dict[str, Document] = {}
        self.bars: Counter[str] = Counter()
        self.count = 0
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._seen: set[str] = set()

    def read_new(self) -> list[Document]:
        """The documents that were delivered since the last call.

        Raises:
            LakeError: a file holds anything but documents.
            StrayKeyError: a file cannot be copied here.
        """
        documents: list[Document] = []
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX):
            for listed in page.get("Contents", []):
                key = listed["Key"]
                if key not in self._seen:
                    body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                    decoded = decode_file(key, body)
                    documents += [each for each in decoded if each["instrument"] != TEST_INSTRUMENT]
                    self._keep(key, body)
                    self._seen.add(key)
        self.count += len(documents)
        for document in documents:
            self._remember(document)
        return documents

    def _remember(self, document: Document) -> None:
        known = self.latest.get(document["id"])
        if known and known["as_of"] > document["as_of"]:
            return
        instrument = document["instrument"]
        self.latest[document["id"]] = document
        self.bars[instrument] += known is None
        newest = self.newest.get(instrument)
        if newest is None or newest["open_time"] <= document["open_time"]:
            self.newest[instrument] = document

    def _keep(self, key: str, body: bytes) -> None:
        path = path_of(key, self._folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A query may read the folder at any moment.
        write_whole(path, as_named(key, body))


def as_named(key: str, body: bytes) -> bytes:
    """A file's bytes as its name says: the emulator's Firehose names files .gz and compresses none."""
    is_misnamed = key.endswith(".gz") and not body.startswith(GZIP_MAGIC)
    return gzip.compress(body, mtime=0) if is_misnamed else body


def decode_file(key: str, body: bytes) -> list[Document]:
    """The documents of one file: JSON lines, compressed or not.

    Raises:
        LakeError: it holds something else.
    """
    try:
        unpacked, is_whole = unpack(body, _MOST_BYTES)
    except UnpackError as error:
        raise LakeError(f"{key} {error}") from None
    if not is_whole:
        raise LakeError(f"{key} is cut off.")
    try:
        documents = [json.loads(line) for line in unpacked.splitlines()]
    except (ValueError, RecursionError) as error:
        raise LakeError(f"{key} holds no JSON lines: {error}") from error
    for document in documents:
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema != DOCUMENT_SCHEMA:
            # The emulator delivers the raw record where the transform raised.
            raise LakeError(
                f"{key} holds {schema!r} and not {DOCUMENT_SCHEMA}: the transform failed; see its log."
            )
    return documents
