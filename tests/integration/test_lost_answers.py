"""A conditional write whose answer is lost, and which the SDK repeats: it must know itself, and no rival.

The clients have the functions' own timeouts and attempts; moto plays DynamoDB.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from lost_answers import LostAnswers
from moto import mock_aws

from alert.dependencies import AWS_CONFIG as ALERT_CONFIG
from alert.notice_ledger import Claim, NoticeTable
from producer.handler import AWS_CONFIG as PRODUCER_CONFIG
from producer.memory.instrument_table import InstrumentTable, TailConflictError
from producer.memory.ledger_item import LeaseHeldError, LedgerItem
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.planning.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
KEY = "m1|slack:/prod/slack"
BAR = {"2026-11-20T20:59:00Z": Ohlcv(221.17, 221.3, 221.0, 221.05, 10494.0)}
CHANCE = random.Random(20261120)
# So many different bars that a tail of them is a base and a head, which one transaction writes.
MANY_BARS = {
    f"2026-11-20T{15 + minute // 60}:{minute % 60:02}:00Z": Ohlcv(
        221.17, 221.3, 221.0, round(221 + CHANCE.random() / 4, 2), float(CHANCE.randint(1, 10**6))
    )
    for minute in range(299)
}
TAILS = [
    pytest.param(Tail(BAR), "PutItem", id="head"),
    pytest.param(Tail(MANY_BARS), "TransactWriteItems", id="both"),
]


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        client = boto3.client("dynamodb")
        for table, key in (("notices", "notice_key"), ("instruments", "key")):
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield


@pytest.fixture
def dynamodb(aws: None) -> "DynamoDBClient":  # noqa: ARG001 (its table is there)
    return boto3.client("dynamodb", config=PRODUCER_CONFIG)


@pytest.fixture
def network(dynamodb: "DynamoDBClient") -> LostAnswers:
    return LostAnswers(dynamodb)


@pytest.mark.usefixtures("aws")
def test_a_claim_whose_answer_is_lost_is_granted_and_still_keeps_others_away() -> None:
    client = boto3.client("dynamodb", config=ALERT_CONFIG)
    network = LostAnswers(client)
    table = NoticeTable("notices", client, lambda: 1000.0)
    network.lose("PutItem")

    claims = [table.claim(KEY, 1030.0), table.claim(KEY, 1030.0)]

    assert claims == [Claim.GRANTED, Claim.HELD]
    assert network.calls == 3 * ["PutItem"]


@pytest.mark.usefixtures("aws")
def test_a_claim_over_one_that_has_ended_is_granted_though_its_answer_is_lost() -> None:
    client = boto3.client("dynamodb", config=ALERT_CONFIG)
    network = LostAnswers(client)
    NoticeTable("notices", client, lambda: 1000.0).claim(KEY, 1030.0)
    network.lose("PutItem")

    assert NoticeTable("notices", client, lambda: 1031.0).claim(KEY, 1060.0) is Claim.GRANTED


def test_a_lease_whose_answer_is_lost_is_taken(dynamodb: "DynamoDBClient", network: LostAnswers) -> None:
    item = LedgerItem(dynamodb, "instruments", "replay")
    until = NOW + timedelta(seconds=42)
    network.lose("PutItem")

    held = item.write(Ledger(spent=5), until, 0)

    assert (held.version, network.calls) == (1, ["PutItem", "PutItem"])
    assert item.read() == held


def test_the_lease_of_a_run_that_wrote_the_very_same_is_not_ones_own(dynamodb: "DynamoDBClient") -> None:
    # The schedule calls twice now and then: both runs begin in one second and reserve the same.
    first, second = (LedgerItem(dynamodb, "instruments", "replay") for _ in range(2))
    first.write(Ledger(spent=5), NOW, 0)

    with pytest.raises(LeaseHeldError):
        second.write(Ledger(spent=5), NOW, 0)


def test_a_release_whose_answer_is_lost_counts_what_was_not_spent_back(
    dynamodb: "DynamoDBClient", network: LostAnswers
) -> None:
    item = LedgerItem(dynamodb, "instruments", "replay")
    held = item.write(Ledger(spent=5), NOW + timedelta(seconds=42), 0)
    network.lose("PutItem")

    item.write(Ledger(spent=1), NOW, held.version)

    assert (item.read().ledger.spent, item.read().held_until) == (1, NOW)


@pytest.mark.parametrize(("tail", "operation"), TAILS)
@pytest.mark.parametrize("version", [0, 1])
def test_a_tail_whose_answer_is_lost_is_written(
    dynamodb: "DynamoDBClient", network: LostAnswers, tail: Tail, operation: str, version: int
) -> None:
    table = InstrumentTable(dynamodb, "instruments")
    if version:
        table.write_tail("IBM", "1min", Tail(), 0)
    network.calls.clear()
    network.lose(operation)

    written = table.write_tail("IBM", "1min", tail, version)
    again = table.write_tail("IBM", "1min", tail, written.version)

    assert network.calls[:2] == [operation, operation]
    assert (written.version, again.version) == (version + 1, version + 2)
    assert InstrumentTable(dynamodb, "instruments").read_tail("IBM", "1min") == again


@pytest.mark.parametrize(("tail", "operation"), TAILS)
def test_a_rival_between_a_lost_answer_and_its_repetition_is_seen(
    dynamodb: "DynamoDBClient", tail: Tail, operation: str
) -> None:
    rival = InstrumentTable(boto3.client("dynamodb"), "instruments")
    network = LostAnswers(dynamodb)
    network.meanwhile = lambda: rival.write_tail("IBM", "1min", Tail(), 1)
    network.lose(operation)

    with pytest.raises(TailConflictError):
        InstrumentTable(dynamodb, "instruments").write_tail("IBM", "1min", tail, 0)
    assert network.calls == [operation, operation]
    assert rival.read_tail("IBM", "1min") == (Tail(), 2)
