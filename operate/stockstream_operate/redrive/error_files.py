"""The error files in the lake bucket: listing them, reading one, and putting away what has been handled."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockstream_operate.redrive.set_aside import (
    MOST_BYTES,
    EntryKind,
    SetAside,
    digest,
    read_entries,
    write_entries,
)
from stockstream_operate.unpacking import TooLargeError, UnpackError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The delivery to the lake has the first two, the one to the search index has folders below the third.
PREFIXES = ("processing-failed/", "format-conversion-failed/", "search/")
DONE_PREFIX = "redriven/"
# AWS calls the folder of refused documents elasticsearch-failed, AmazonOpenSearchService-failed and
# AmazonOpenSearchService_failed. A day is dt=2026-11-20, or 2026/11/20 where no prefix says otherwise.
_KEY = re.compile(r"(?:search/)?([^/]+[-_]failed)/(?:dt=)?(\d{4})[-/](\d\d)[-/](\d\d)/.+", re.ASCII)
_KINDS = {"processing-failed": EntryKind.RECORD, "format-conversion-failed": EntryKind.LAKE_DOCUMENT}
# Another redrive, or Firehose itself, has changed the file since it was read, or put it away.
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """One file that Firehose wrote of what it could not deliver.

    Attributes:
        key: where it is.
        kind: what its entries hold.
        day: when Firehose received them, `YYYY-MM-DD` (UTC).
        size: its bytes.
    """

    key: str
    kind: EntryKind
    day: str
    size: int


class ErrorFiles:
    """The error files of one bucket.

    Args:
        s3: boto3's client.
        bucket: the bucket's name.

    Attributes:
        unread: the files that were not read, and why, as the rest of a sentence that begins with the name.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self.unread: dict[str, str] = {}
        self._s3 = s3
        self._bucket = bucket

    def list_files(self, since: str = "") -> list[ErrorFile]:
        """The files that are there now, from the oldest day to the newest.

        Args:
            since: the first day, `YYYY-MM-DD`; empty for all.
        """
        files = [file for prefix in PREFIXES for file in self._list(prefix) if file.day >= since]
        return sorted(files, key=lambda file: (file.day, file.key))

    def read(self, file: ErrorFile) -> tuple[list[SetAside], str]:
        """A file's entries, and the version of it that they were read from.

        There are none if the file is gone, or holds more than Firehose writes: that one stays, as `unread`.
        """
        if file.size > MOST_BYTES:
            self.unread[file.key] = str(TooLargeError(MOST_BYTES))
            return [], ""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=file.key)
        except self._s3.exceptions.NoSuchKey:
            return [], ""
        try:
            return read_entries(file.key, file.kind, answer["Body"].read()), answer["ETag"]
        except UnpackError as error:
            self.unread[file.key] = str(error)
            return [], ""

    def put_away(
        self, file: ErrorFile, version: str, entries: list[SetAside], handled: AbstractSet[int]
    ) -> None:
        """Moves the handled entries to where the next redrive does not look.

        They are copied first, and only then taken out of the file, so that a crash costs a repetition. And
        they are taken out only if the file is still as it was read: otherwise they are seen again.

        Args:
            file: the file that they are from.
            version: of the file, as read said.
            entries: all of the file.
            handled: the positions of those to move.
        """
        done = write_entries(entry for position, entry in enumerate(entries) if position in handled)
        rest = [entry for position, entry in enumerate(entries) if position not in handled]
        # A file that is handled in parts leaves each part under a name of its own.
        name = f"{DONE_PREFIX}{file.key}" + (f".{digest(done)}" if rest else "")
        self._s3.put_object(Bucket=self._bucket, Key=name, Body=done)
        try:
            if rest:
                body = write_entries(rest)
                self._s3.put_object(Bucket=self._bucket, Key=file.key, Body=body, IfMatch=version)
            else:
                self._s3.delete_object(Bucket=self._bucket, Key=file.key, IfMatch=version)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CHANGED:
                raise

    def _list(self, prefix: str) -> Iterator[ErrorFile]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            for listed in page.get("Contents", []):
                if match := _KEY.fullmatch(listed["Key"]):
                    kind = _KINDS.get(match[1], EntryKind.SEARCH_DOCUMENT)
                    yield ErrorFile(listed["Key"], kind, "-".join(match.groups()[1:]), listed["Size"])
