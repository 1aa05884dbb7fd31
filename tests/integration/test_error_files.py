"""The error files of a bucket, on moto's S3: which they are, and in which order."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from stockstream_operate.redrive.error_files import ErrorFiles
from stockstream_operate.redrive.set_aside import EntryKind

LAKE, SEARCH = "processing-failed/dt=2026-11-{}/x", "search/processing-failed/dt=2026-11-{}/x"
CONVERSIONS = "format-conversion-failed/dt=2026-11-{}/x"
DOCUMENTS = "search/AmazonOpenSearchService-failed/dt=2026-11-{}/x"
# As Firehose puts a prefix that says nothing of days and errors.
UNSORTED = "search/AmazonOpenSearchService_failed/2026/11/{}/21/x"


@pytest.fixture
def files() -> Iterator[ErrorFiles]:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="the-lake")
        others = ("bars/dt=2026-11-20/x", "redriven/processing-failed/x", "search/x", "processing-failed/")
        for key in (
            *others,
            LAKE.format(21),
            LAKE.format(19),
            SEARCH.format(20),
            DOCUMENTS.format(18),
            UNSORTED.format(22),
            CONVERSIONS.format(17),
        ):
            s3.put_object(Bucket="the-lake", Key=key, Body=b"{}")
        yield ErrorFiles(s3, "the-lake")


def test_the_files_of_all_kinds_come_from_the_oldest_day_to_the_newest(files: ErrorFiles) -> None:
    assert [(file.key, file.kind) for file in files.list_files()] == [
        (CONVERSIONS.format(17), EntryKind.LAKE_DOCUMENT),
        (DOCUMENTS.format(18), EntryKind.SEARCH_DOCUMENT),
        (LAKE.format(19), EntryKind.RECORD),
        (SEARCH.format(20), EntryKind.RECORD),
        (LAKE.format(21), EntryKind.RECORD),
        (UNSORTED.format(22), EntryKind.SEARCH_DOCUMENT),
    ]
    assert {file.size for file in files.list_files()} == {2}


def test_a_day_and_those_after_it_can_be_asked_for(files: ErrorFiles) -> None:
    assert [file.day for file in files.list_files("2026-11-20")] == ["2026-11-20", "2026-11-21", "2026-11-22"]


def test_a_file_that_is_gone_has_no_entries(files: ErrorFiles) -> None:
    (first, *_) = files.list_files()
    entries, version = files.read(first)
    assert len(entries) == 1
    files.put_away(first, version, entries, {0})

    assert files.read(first) == ([], "")
    files.put_away(first, version, entries, {0})  # another one was faster
