from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from producer.instrument_table import InstrumentTable, TailConflictError
from producer.tail import Numbers, Tail

TAIL = Tail(
    bars={
        "2026-11-20T20:58:00Z": Numbers(0.1, 0.3, 0.1, 0.2, None),
        "2026-11-20T20:59:00Z": Numbers(221.17, 221.3, 221.0, 221.05, 10494.0),
    },
    doubtful=frozenset({"2026-11-20T20:58:00Z"}),
    forgotten=True,
)


@pytest.fixture
def table() -> Iterator[InstrumentTable]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="instruments",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        )
        yield InstrumentTable(client, "instruments")


def test_nothing_is_remembered_of_a_new_instrument(table: InstrumentTable) -> None:
    assert (Tail(), 0) == table.read_tail("IBM", "1min")


def test_reads_back_what_was_written(table: InstrumentTable) -> None:
    table.write_tail("IBM", "1min", TAIL, 0)

    assert table.read_tail("IBM", "1min") == (TAIL, 1)
    assert (Tail(), 0) == table.read_tail("IBM", "5min")


def test_writes_over_the_version_that_was_read(table: InstrumentTable) -> None:
    _, version = table.write_tail("IBM", "1min", Tail(), 0)
    table.write_tail("IBM", "1min", TAIL, version)

    assert table.read_tail("IBM", "1min") == (TAIL, 2)


@pytest.mark.parametrize("stale_version", [0, 1, 3])
def test_refuses_to_write_over_any_other_version(table: InstrumentTable, stale_version: int) -> None:
    for version in range(2):
        table.write_tail("IBM", "1min", TAIL, version)

    with pytest.raises(TailConflictError):
        table.write_tail("IBM", "1min", Tail(), stale_version)

    assert table.read_tail("IBM", "1min") == (TAIL, 2)
