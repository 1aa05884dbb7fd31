"""Tails that one call writes, each at the version that was read: against the emulator's DynamoDB."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from emulated_dynamodb import emulated_dynamodb
from long_tails import tail_after
from lost_answers import LostAnswers

from producer.handler import AWS_CONFIG
from producer.memory.batch_write import CALL_UPDATES, Update, update_items
from producer.memory.instrument_table import InstrumentTable, TailConflictError, TailWrite, VersionedTail
from producer.memory.tail import Tail

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAMES = [f"A{number}" for number in range(5)]


@pytest.fixture
def client() -> Iterator["DynamoDBClient"]:
    with emulated_dynamodb("instruments", AWS_CONFIG) as client:
        yield client


@pytest.fixture
def network(client: "DynamoDBClient") -> LostAnswers:
    return LostAnswers(client)


@pytest.fixture
def table(client: "DynamoDBClient") -> InstrumentTable:
    """A table that has a base and a head of each of the names."""
    table = InstrumentTable(client, "instruments")
    for name in NAMES:
        table.write_tail(name, "1min", tail_after(400), 0)
    return table


@pytest.fixture
def other_table(client: "DynamoDBClient") -> InstrumentTable:
    """The same table, as another sandbox of the function sees it."""
    return InstrumentTable(client, "instruments")


def next_writes(names: list[str] = NAMES, read_version: int = 1) -> list[TailWrite]:
    return [TailWrite(name, tail_after(401), read_version) for name in names]


def items(client: "DynamoDBClient") -> dict[str, Any]:
    return {item["key"]["S"]: item for item in client.scan(TableName="instruments")["Items"]}


def test_one_call_writes_the_tails_and_whoever_reads_them_finds_them(
    table: InstrumentTable, other_table: InstrumentTable, network: LostAnswers
) -> None:
    network.calls.clear()

    written = table.write_together(next_writes(), "1min")

    assert network.calls == ["BatchExecuteStatement"]
    assert written == [VersionedTail(tail_after(401), 2)] * len(NAMES)
    for reader in (table, other_table):
        tail_of = reader.read_tails(NAMES, "1min")
        assert [tail_of(name) for name in NAMES] == written


def test_a_call_takes_so_many_updates(client: "DynamoDBClient") -> None:
    heads = [{"key": {"S": f"A{number}"}, "version": {"N": "1"}} for number in range(CALL_UPDATES)]
    for head in heads:
        client.put_item(TableName="instruments", Item=head)

    updates = [Update({**head, "version": {"N": "2"}}, 1) for head in heads]

    assert update_items(client, "instruments", updates) == [True] * CALL_UPDATES
    assert update_items(client, "instruments", updates) == [False] * CALL_UPDATES
    assert {item["version"]["N"] for item in items(client).values()} == {"2"}


def test_what_is_written_together_is_what_would_be_written_alone(
    table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    table.write_together(next_writes(["A0"]), "1min")
    table.write_tail("A1", "1min", tail_after(401), 1)

    stored = items(client)
    assert stored["A0|1min"] == stored["A1|1min"] | {"key": {"S": "A0|1min"}}


def test_many_minutes_are_written_one_over_the_other(
    table: InstrumentTable, other_table: InstrumentTable
) -> None:
    names, versions = NAMES[:3], [1, 1, 1]
    for minutes in range(401, 500):
        writes = [
            TailWrite(name, tail_after(minutes), version)
            for name, version in zip(names, versions, strict=True)
        ]
        written = [
            tail or table.write_tail(write.instrument, "1min", write.tail, write.read_version)
            for write, tail in zip(writes, table.write_together(writes, "1min"), strict=True)
        ]
        versions = [version for _, version in written]

    tail_of = other_table.read_tails(names, "1min")
    assert [tail_of(name) for name in names] == [(tail_after(499), 100)] * 3


def test_a_rivals_tail_stays_and_keeps_no_other_from_being_written(
    table: InstrumentTable, other_table: InstrumentTable
) -> None:
    other_table.write_tail("A3", "1min", tail_after(420), 1)

    written = table.write_together(next_writes(), "1min")

    assert [name for name, tail in zip(NAMES, written, strict=True) if tail is None] == ["A3"]
    with pytest.raises(TailConflictError, match=r"A3\|1min"):
        table.write_tail("A3", "1min", tail_after(401), 1)
    assert other_table.read_tail("A3", "1min") == (tail_after(420), 2)
    assert other_table.read_tail("A4", "1min") == (tail_after(401), 2)


def test_a_tail_that_was_deleted_meanwhile_is_not_written(
    table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    client.delete_item(TableName="instruments", Key={"key": {"S": "A3|1min"}})

    written = table.write_together(next_writes(["A3", "A4"]), "1min")

    assert written == [None, (tail_after(401), 2)]
    assert "A3|1min" not in items(client)


@pytest.mark.parametrize("tail", [tail_after(3), tail_after(699)], ids=["stands alone", "needs a base"])
def test_a_head_whose_base_does_not_stay_is_left_to_be_written_by_itself(
    table: InstrumentTable, client: "DynamoDBClient", network: LostAnswers, tail: Tail
) -> None:
    before = items(client)
    network.calls.clear()

    assert table.write_together([TailWrite("A0", tail, 1), TailWrite("NEW", tail, 0)], "1min") == [None, None]

    assert network.calls == []
    assert items(client) == before
    assert table.write_tail("A0", "1min", tail, 1) == (tail, 2)


def test_no_head_stands_on_a_base_that_another_sandbox_replaced(
    table: InstrumentTable, other_table: InstrumentTable
) -> None:
    # Most bars are new, so that the other sandbox writes a base.
    other_table.write_tail("A0", "1min", tail_after(650), 1)

    assert table.write_together(next_writes(["A0"], read_version=2), "1min") == [None]
    assert other_table.read_tail("A0", "1min") == (tail_after(650), 2)


def test_tails_whose_answer_is_lost_are_known_to_be_written(
    table: InstrumentTable, other_table: InstrumentTable, network: LostAnswers
) -> None:
    network.calls.clear()
    network.lose("BatchExecuteStatement")

    written = table.write_together(next_writes(), "1min")

    # The SDK repeats the call, and now no statement's condition holds.
    assert network.calls == ["BatchExecuteStatement"] * 2
    assert written == [None] * len(NAMES)
    for name in NAMES:
        assert table.write_tail(name, "1min", tail_after(401), 1) == (tail_after(401), 2)
        assert other_table.read_tail(name, "1min") == (tail_after(401), 2)


def test_an_answer_that_does_not_say_what_became_of_each_tells_nothing(
    table: InstrumentTable, client: "DynamoDBClient"
) -> None:
    def cut(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"].pop()

    client.meta.events.register("after-call.dynamodb.BatchExecuteStatement", cut)

    assert table.write_together(next_writes(["A0", "A1"]), "1min") == [None, None]
    assert table.write_tail("A0", "1min", tail_after(401), 1) == (tail_after(401), 2)


def refuse(code: str) -> Callable[..., None]:
    def raise_it(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "refused"}}, "BatchExecuteStatement")

    return raise_it


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ThrottlingException"])
def test_where_dynamodb_takes_no_statements_each_tail_is_written_by_itself(
    table: InstrumentTable, other_table: InstrumentTable, client: "DynamoDBClient", code: str
) -> None:
    client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", refuse(code))

    assert table.write_together(next_writes(["A0", "A1"]), "1min") == [None, None]
    assert table.write_tail("A0", "1min", tail_after(401), 1) == (tail_after(401), 2)
    assert other_table.read_tail("A1", "1min") == (tail_after(400), 1)
