"""The error files in the lake bucket: listing them, reading one, and putting away what has been handled."""

import heapq
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockstream_local.set_aside import Kind, SetAside, digest, read_entries, write_entries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAKE_PREFIXES = {"processing-failed/": Kind.RECORD, "format-conversion-failed/": Kind.LAKE_DOCUMENT}
# Below it, the delivery to the search index has a folder for each type of error. Firehose's documents
# name the one of refused documents elasticsearch-failed, AmazonOpenSearchService-failed and _failed.
SEARCH_PREFIX = "search/"
_RECORDS_FOLDER, _FAILED = "processing-failed/", "failed/"
DONE_PREFIX = "redriven/"
# Another redrive, or Firehose itself, has changed the file since it was read, or put it away.
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """One file that Firehose wrote of what it could not deliver.

    Attributes:
        key: where it is.
        kind: what its entries hold.
        size: its bytes.
        order: by what the files sort from the oldest to the newest, whatever their folder is.
    """

    key: str
    kind: Kind
    size: int
    order: str


class ErrorFiles:
    """The error files of one bucket.

    Args:
        s3: boto3's client.
        bucket: the bucket's name.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def measure(self, since: str = "") -> int:
        """How many bytes the files have."""
        return sum(file.size for file in self.list_files(since))

    def list_files(self, since: str = "") -> Iterator[ErrorFile]:
        """The files of all kinds, by the day and then by the name that Firehose gave them; read page by page.

        Args:
            since: the first day, `YYYY-MM-DD`; empty for all.
        """
        folders = [*LAKE_PREFIXES.items(), *self._search_folders()]
        listings = [self._list_folder(folder, kind, since) for folder, kind in folders]
        return heapq.merge(*listings, key=lambda file: file.order)

    def read(self, file: ErrorFile) -> tuple[list[SetAside], str]:
        """A file's entries, and the version of it that they were read from; none if the file is gone."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=file.key)
        except self._s3.exceptions.NoSuchKey:
            return [], ""
        return read_entries(file.key, file.kind, answer["Body"].read()), answer["ETag"]

    def put_away(
        self, file: ErrorFile, version: str, entries: list[SetAside], handled: AbstractSet[int]
    ) -> bool:
        """Moves the handled entries to where the next redrive does not look.

        They are copied first, and only then taken out of the file, so that a crash costs a repetition.

        Args:
            file: the file that they are from.
            version: of the file, as read said.
            entries: all of the file.
            handled: the positions of those to move.

        Returns:
            Whether they were taken out; not so where the file has changed since it was read.
        """
        done = write_entries([entry for position, entry in enumerate(entries) if position in handled])
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
            return False
        return True

    def _search_folders(self) -> Iterator[tuple[str, Kind]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=SEARCH_PREFIX, Delimiter="/"
        )
        for page in pages:
            for listed in page.get("CommonPrefixes", []):
                folder = listed["Prefix"]
                if folder.endswith(_RECORDS_FOLDER):
                    yield folder, Kind.RECORD
                elif folder.endswith(_FAILED):
                    yield folder, Kind.SEARCH_DOCUMENT

    def _list_folder(self, folder: str, kind: Kind, since: str) -> Iterator[ErrorFile]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=folder, StartAfter=f"{folder}dt={since}" if since else ""
        )
        for page in pages:
            for listed in page.get("Contents", []):
                key = listed["Key"]
                if not key.endswith("/"):  # a folder that somebody made in the console
                    yield ErrorFile(key, kind, listed["Size"], key.removeprefix(folder))
