"""The table against moto's DynamoDB."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.model import OperationModel
from long_tails import tail_after
from moto import mock_aws

from producer.memory.instrument_table import InstrumentTable, TailConflictError, TailUnreachableError
from producer.memory.tail import Tail
from producer.memory.tail_codec import UnreadableTailError
from producer.ohlcv import Ohlcv

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TAIL = Tail(
    bars={
        "2026-11-20T20:58:00Z": Ohlcv(0.1, 0.3, 0.1, 0.2, None),
        "2026-11-20T20:59:00Z": Ohlcv(221.17, 221.3, 221.0, 221.05, 10494.0),
    },
    doubtful=frozenset({"2026-11-20T20:58:00Z"}),
    forgotten=True,
)


@pytest.fixture
def client() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="instruments",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        )
        yield client


@pytest.fixture
def table(client: "DynamoDBClient") -> InstrumentTable:
    return InstrumentTable(client, "instruments")


@pytest.fixture
def other_table(client: "DynamoDBClient") -> InstrumentTable:
    """The same table, as another sandbox of the function sees it."""
    return InstrumentTable(client, "instruments")


@pytest.fixture
def calls(client: "DynamoDBClient") -> list[str]:
    """The operations that were called, and each item's key."""
    made: list[str] = []

    def note(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        asked = params.get("RequestItems", {}).get("instruments", {}).get("Keys", [])
        made.append(" ".join([model.name, *(each["key"]["S"] for each in asked)]))

    client.meta.events.register("provide-client-params.dynamodb.*", note)
    return made


def items(client: "DynamoDBClient") -> dict[str, Any]:
    return {item["key"]["S"]: item for item in client.scan(TableName="instruments")["Items"]}


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


@pytest.mark.parametrize("tail", [Tail(), tail_after(299)], ids=["in one item", "in two items"])
@pytest.mark.parametrize("stale_version", [0, 1, 3])
def test_refuses_to_write_over_any_other_version(
    table: InstrumentTable, stale_version: int, tail: Tail
) -> None:
    for version in range(2):
        table.write_tail("IBM", "1min", TAIL, version)

    with pytest.raises(TailConflictError, match=r"IBM\|1min"):
        table.write_tail("IBM", "1min", tail, stale_version)

    assert table.read_tail("IBM", "1min") == (TAIL, 2)


def test_every_bar_of_a_long_day_is_read_back_exactly_whoever_reads(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    version = 0
    for minutes in range(250, 550):
        _, version = table.write_tail("IBM", "1min", tail_after(minutes), version)
        if minutes % 50 == 0:
            assert other_table.read_tail("IBM", "1min") == (tail_after(minutes), version)
            assert InstrumentTable(client, "instruments").read_tail("IBM", "1min").tail == tail_after(minutes)

    assert set(items(client)) == {"IBM|1min", "IBM|1min|base"}


def test_two_sandboxes_take_turns_and_each_sees_what_the_other_wrote(
    table: InstrumentTable, other_table: InstrumentTable
) -> None:
    for minutes in range(200, 500, 3):
        writer, reader = (table, other_table) if minutes % 2 else (other_table, table)
        _, version = writer.read_tail("IBM", "1min")
        writer.write_tail("IBM", "1min", tail_after(minutes), version)
        assert reader.read_tail("IBM", "1min").tail == tail_after(minutes)


def test_a_sandbox_that_slept_does_not_write_over_what_others_wrote(
    table: InstrumentTable, other_table: InstrumentTable
) -> None:
    _, asleep = table.write_tail("IBM", "1min", tail_after(300), 0)
    _, version = other_table.read_tail("IBM", "1min")
    for minutes in range(301, 500):
        _, version = other_table.write_tail("IBM", "1min", tail_after(minutes), version)

    with pytest.raises(TailConflictError):
        table.write_tail("IBM", "1min", tail_after(301), asleep)

    assert table.read_tail("IBM", "1min") == (tail_after(499), version)


def test_a_head_never_stands_on_a_base_that_another_sandbox_replaced(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    table.write_tail("IBM", "1min", tail_after(400), 0)
    # Most bars are new, so that the other sandbox writes a base.
    _, version = other_table.write_tail("IBM", "1min", tail_after(650), 1)

    # Stands on the base of the first write if it is still believed in, and fits into one head.
    table.write_tail("IBM", "1min", tail_after(401), version)

    assert InstrumentTable(client, "instruments").read_tail("IBM", "1min") == (tail_after(401), 3)


def test_a_crash_before_the_write_leaves_the_tail_as_it_was(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    _, version = table.write_tail("IBM", "1min", tail_after(299), 0)
    before = items(client)

    def crash(**_: object) -> None:
        raise RuntimeError

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", crash)
    with pytest.raises(RuntimeError):
        table.write_tail("IBM", "1min", tail_after(650), version)

    assert before == items(client)
    assert table.read_tail("IBM", "1min") == other_table.read_tail("IBM", "1min") == (tail_after(299), 1)


def test_most_writes_write_the_head_alone(table: InstrumentTable, calls: list[str]) -> None:
    version = 0
    for minutes in range(300, 600):
        _, version = table.write_tail("IBM", "1min", tail_after(minutes), version)

    assert calls.count("PutItem") + calls.count("TransactWriteItems") == 300
    assert calls.count("TransactWriteItems") < 6


def test_a_warm_function_reads_the_head_alone_and_a_cold_one_the_base_too(
    table: InstrumentTable, other_table: InstrumentTable, calls: list[str]
) -> None:
    table.write_tail("IBM", "1min", tail_after(299), 0)
    calls.clear()

    table.read_tail("IBM", "1min")
    assert calls == ["BatchGetItem IBM|1min"]

    other_table.read_tail("IBM", "1min")
    assert calls == ["BatchGetItem IBM|1min"] * 2 + ["BatchGetItem IBM|1min|base"]


def test_the_tails_of_many_are_read_together_each_at_its_version(
    table: InstrumentTable, other_table: InstrumentTable, calls: list[str]
) -> None:
    names = [f"A{number}" for number in range(120)]
    for number, name in enumerate(names[:110]):
        table.write_tail(name, "1min", tail_after(200 + number), 0)
    table.write_tail("A7", "1min", tail_after(400), 1)
    calls.clear()

    for reader, most_calls in ((other_table, 4), (other_table, 2), (table, 2)):
        tail_of = reader.read_tails(names, "1min")
        assert [call.partition(" ")[0] for call in calls] == ["BatchGetItem"] * most_calls
        calls.clear()
        for number, name in enumerate(names):
            expected = (tail_after(200 + number), 1) if number < 110 else (Tail(), 0)
            assert tail_of(name) == ((tail_after(400), 2) if name == "A7" else expected)


def test_a_tail_that_cannot_be_read_keeps_no_other_from_being_read(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    for name in ("IBM", "MSFT", "NVDA"):
        table.write_tail(name, "1min", tail_after(299), 0)
    client.delete_item(TableName="instruments", Key={"key": {"S": "MSFT|1min|base"}})

    tail_of = other_table.read_tails(["IBM", "MSFT", "NVDA"], "1min")

    assert tail_of("IBM") == tail_of("NVDA") == (tail_after(299), 1)
    with pytest.raises(UnreadableTailError, match=r"MSFT\|1min .* base"):
        tail_of("MSFT")


def test_a_reader_that_meets_a_new_base_reads_the_head_again(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    table.write_tail("IBM", "1min", tail_after(299), 0)
    reader = InstrumentTable(client, "instruments")
    reads = iter([False, True])

    def replace_between_the_reads(**_: object) -> None:
        if next(reads, False):
            client.meta.events.unregister("before-call.dynamodb.BatchGetItem", replace_between_the_reads)
            other_table.write_tail("IBM", "1min", tail_after(600), 1)

    client.meta.events.register("before-call.dynamodb.BatchGetItem", replace_between_the_reads)

    assert reader.read_tail("IBM", "1min") == (tail_after(600), 2)


def test_a_missing_base_is_an_error_that_says_what_to_do(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    table.write_tail("IBM", "1min", tail_after(299), 0)
    client.delete_item(TableName="instruments", Key={"key": {"S": "IBM|1min|base"}})

    with pytest.raises(UnreadableTailError, match=r"IBM\|1min of the table instruments .* base .* Delete it"):
        other_table.read_tail("IBM", "1min")

    client.delete_item(TableName="instruments", Key={"key": {"S": "IBM|1min"}})
    assert (Tail(), 0) == other_table.read_tail("IBM", "1min")
    other_table.write_tail("IBM", "1min", tail_after(299), 0)
    assert table.read_tail("IBM", "1min") == (tail_after(299), 1)


def test_a_head_of_another_layout_is_an_error_that_says_what_to_do(
    table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    client.put_item(
        TableName="instruments",
        Item={"key": {"S": "IBM|1min"}, "version": {"N": "7"}, "changes": {"B": b"\x02"}},
    )

    with pytest.raises(UnreadableTailError, match=r"its bytes are no tail.* Delete it"):
        table.read_tail("IBM", "1min")


def test_a_tail_that_was_deleted_meanwhile_is_not_written(
    table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    _, version = table.write_tail("IBM", "1min", TAIL, 0)
    client.delete_item(TableName="instruments", Key={"key": {"S": "IBM|1min"}})

    with pytest.raises(TailConflictError):
        table.write_tail("IBM", "1min", TAIL, version)

    assert (Tail(), 0) == table.read_tail("IBM", "1min")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("TransactionConflict", TailConflictError), ("ThrottlingError", TailUnreachableError)],
)
def test_a_transaction_that_meets_another_is_a_conflict_and_a_throttled_one_is_not(
    table: InstrumentTable, client: "DynamoDBClient", reason: str, expected: type[Exception]
) -> None:
    def cancel(**_: object) -> None:
        answer: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": [{"Code": reason}, {"Code": "None"}],
        }
        raise client.exceptions.TransactionCanceledException(answer, "TransactWriteItems")

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", cancel)

    with pytest.raises(expected):
        table.write_tail("IBM", "1min", tail_after(299), 0)


@pytest.mark.parametrize("tail", [Tail(), tail_after(299)], ids=["in one item", "in two items"])
def test_a_table_that_is_not_there_is_an_error_with_the_tails_name(
    client: "DynamoDBClient", tail: Tail
) -> None:
    table = InstrumentTable(client, "elsewhere")

    with pytest.raises(
        TailUnreachableError, match=r"the tail IBM\|1min cannot be reached: .*ResourceNotFound"
    ):
        table.read_tail("IBM", "1min")
    with pytest.raises(
        TailUnreachableError, match=r"the tail IBM\|1min cannot be reached: .*ResourceNotFound"
    ):
        table.write_tail("IBM", "1min", tail, 0)
