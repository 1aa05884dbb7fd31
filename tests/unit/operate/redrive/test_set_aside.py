"""Error files: Firehose's entries, in every form that its documents show, and none of a file lost."""

import gzip
import json
import tracemalloc
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from stockstream_operate.redrive.set_aside import (
    MOST_BYTES,
    MOST_ENTRIES,
    EntryKind,
    SetAside,
    read_entries,
    write_entries,
)
from stockstream_operate.unpacking import UnpackError

KEY = "processing-failed/dt=2026-11-20/x"
# https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html and retry.html
REFUSED = {
    "attemptsMade": 4,
    "arrivalTimestamp": 1795208400123,
    "errorCode": "Lambda.FunctionError",
    "errorMessage": "The Lambda function returned an error.",
    "attemptEndingTimestamp": 1795208460000,
    "rawData": b64encode(b"one").decode(),
    "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:transform:$LATEST",
}
NOT_INDEXED = {
    "attemptsMade": "9",
    "arrivalTimestamp": "1795208400123",
    "errorCode": "400",
    "errorMessage": "mapper_parsing_exception",
    "esDocumentId": "49",
    "esIndexName": "bars",
    "rawData": b64encode(b"two").decode(),
}
NOT_CONVERTED = {
    "attemptsMade": 1,
    "arrivalTimestamp": 1795208400123,
    "lastErrorCode": "DataFormatConversion.InvalidSchema",
    "lastErrorMessage": "The schema is invalid.",
    "rawData": b64encode(b"three").decode(),
    "dataCatalogTable": {"databaseName": "stockstream", "tableName": "bars_parquet"},
}


def read(body: bytes, kind: EntryKind = EntryKind.RECORD) -> list[SetAside]:
    return read_entries(KEY, kind, body)


def line(fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_an_entry_says_what_firehose_knew() -> None:
    (entry,) = read(line(REFUSED))

    assert (entry.data, entry.error_code) == (b"one", "Lambda.FunctionError")
    assert entry.error_message == "The Lambda function returned an error."
    assert entry.arrived_at == datetime(2026, 11, 20, 21, 0, 0, 123000, tzinfo=UTC)


def test_an_entry_of_the_search_delivery_writes_numbers_as_texts() -> None:
    (entry,) = read(line(NOT_INDEXED), EntryKind.SEARCH_DOCUMENT)

    assert (entry.data, entry.error_code) == (b"two", "400")
    assert entry.arrived_at == datetime(2026, 11, 20, 21, 0, 0, 123000, tzinfo=UTC)


def test_an_entry_of_a_conversion_has_its_last_error() -> None:
    (entry,) = read(line(NOT_CONVERTED), EntryKind.LAKE_DOCUMENT)

    assert (entry.data, entry.error_code) == (b"three", "DataFormatConversion.InvalidSchema")
    assert entry.error_message == "The schema is invalid."


def test_the_error_of_a_conversion_is_read_as_the_guide_of_aws_spells_it_too() -> None:
    guide = {
        "ErrorCode": "DataFormatConversion.ParseError",
        "ErrorMessage": "Not a number.",
        "rawData": "dGhyZWU=",
    }

    (entry,) = read(line(guide), EntryKind.LAKE_DOCUMENT)

    assert (entry.data, entry.error_code) == (b"three", "DataFormatConversion.ParseError")
    assert entry.error_message == "Not a number."


def test_words_that_no_screen_can_show_are_made_readable() -> None:
    (entry,) = read(b'{"errorCode": "\\ud800", "errorMessage": "\xff"}')

    assert (entry.error_code, entry.error_message) == ("?", "?")


def test_the_same_record_has_the_same_name_however_often_it_was_set_aside() -> None:
    later = REFUSED | {"attemptsMade": 1, "arrivalTimestamp": 1795208500000}

    first, again, other = read(b"\n".join(map(line, (REFUSED, later, NOT_INDEXED))))

    assert first.name == again.name != other.name
    (document,) = read(line(REFUSED), EntryKind.SEARCH_DOCUMENT)
    assert document.name != first.name


@pytest.mark.parametrize("between", [b"\n", b"", b"\r\n", b" \n\n"], ids=repr)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_entries_stand_one_after_the_other_however_they_are_parted(between: bytes, compress: type) -> None:
    body = compress(between.join(map(line, (REFUSED, NOT_INDEXED, REFUSED))) + between)

    assert [entry.data for entry in read(body)] == [b"one", b"two", b"one"]


@pytest.mark.parametrize(
    "bad",
    [b"{cut off", b"\xff\xfe", b"[1]", b'{"rawData": "not base64!"}', b'{"rawData": 7}', b"{}"],
    ids=repr,
)
def test_what_is_no_entry_is_kept_as_one_without_data_and_costs_no_neighbour(bad: bytes) -> None:
    body = b"\n".join((line(REFUSED), bad, line(NOT_INDEXED)))

    entries = read(body)

    assert [entry.data for entry in entries] == [b"one", None, b"two"]
    assert write_entries(entries) == body + b"\n"


@pytest.mark.parametrize("body", [b"\x1f\x8bnot gzip", gzip.compress(line(REFUSED))[:-9]], ids=["bad", "cut"])
def test_a_file_that_cannot_be_unpacked_is_unreadable_and_not_empty(body: bytes) -> None:
    entries = read(body)

    assert entries
    assert {entry.data for entry in entries} == {None}


def test_a_few_bytes_that_unpack_to_more_than_firehose_writes_are_not_read() -> None:
    bomb = gzip.compress(b" " * 2**24) * 20  # 320 MB
    tracemalloc.start()
    try:
        with pytest.raises(UnpackError, match="holds more than 192 MB, and is not read"):
            read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(bomb) < 2**19
    assert peak < 1.5 * MOST_BYTES  # a bytearray grows by an eighth at a time


def test_more_entries_than_firehose_writes_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockstream_operate.redrive.set_aside.MOST_ENTRIES", MOST_ENTRIES // 100)

    assert len(read(gzip.compress(b"x\n" * 2_500))) == 2_500
    with pytest.raises(UnpackError, match="holds more than 2,500 entries"):
        read(gzip.compress(b"x\n" * 2_501))


def test_an_arrival_that_makes_no_sense_is_none() -> None:
    stamps = [None, "soon", 1e300, 10**30, "9" * 5000, True]

    entries = read(b"\n".join(line(REFUSED | {"arrivalTimestamp": stamp}) for stamp in stamps))

    assert [entry.arrived_at for entry in entries] == [None] * 6


def test_an_empty_file_has_no_entries() -> None:
    assert read(b"") == []
    assert read(b"\n \n") == []
