"""The ledger against DynamoDB as moto plays it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from alert.errors import LedgerError
from alert.notice_ledger import Claim, NoticeTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "m1|slack:/prod/slack"


class Clock:
    """A clock that stands still until somebody sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="notices",
            KeySchema=[{"AttributeName": "notice_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "notice_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def table(dynamodb: "DynamoDBClient", clock: Clock) -> NoticeTable:
    return NoticeTable("notices", dynamodb, clock)


def test_a_notice_is_granted_to_one(table: NoticeTable) -> None:
    assert [table.claim(KEY, 1030.0), table.claim(KEY, 1040.0)] == [Claim.GRANTED, Claim.HELD]


def test_a_notice_that_was_sent_is_never_granted_again(table: NoticeTable, clock: Clock) -> None:
    table.claim(KEY, 1030.0)
    table.confirm(KEY)
    clock.now = 5000.0

    assert table.claim(KEY, 5030.0) is Claim.SENT


def test_a_notice_that_was_given_back_is_granted_at_once(table: NoticeTable) -> None:
    table.claim(KEY, 1030.0)
    table.release(KEY)

    assert table.claim(KEY, 1030.0) is Claim.GRANTED


@pytest.mark.parametrize(("now", "claim"), [(1029.9, Claim.HELD), (1030.1, Claim.GRANTED)])
def test_what_an_invocation_left_that_died_is_granted_once_its_time_is_over(
    table: NoticeTable, clock: Clock, now: float, claim: Claim
) -> None:
    table.claim(KEY, 1030.0)
    clock.now = now

    assert table.claim(KEY, 1060.0) is claim


def test_each_channel_has_a_claim_of_its_own(table: NoticeTable) -> None:
    table.claim(KEY, 1030.0)

    assert table.claim("m1|teams:/prod/teams", 1030.0) is Claim.GRANTED


def test_rows_expire_after_thirty_days(table: NoticeTable, dynamodb: "DynamoDBClient") -> None:
    table.claim("claimed", 1030.0)
    table.claim("sent", 1030.0)
    table.confirm("sent")

    rows = dynamodb.scan(TableName="notices")["Items"]

    # 1,000 s and 30 days of 86,400 s
    assert {row["notice_key"]["S"]: row["expires_at"]["N"] for row in rows} == {
        "claimed": "2593000",
        "sent": "2593000",
    }


def test_a_table_that_is_not_there_is_a_ledger_error(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    table = NoticeTable("elsewhere", dynamodb, clock)
    requests = (
        lambda: table.claim(KEY, 1030.0),
        lambda: table.confirm(KEY),
        lambda: table.release(KEY),
    )

    for request in requests:
        with pytest.raises(LedgerError, match="the notice table cannot be used"):
            request()
