"""The ledger against DynamoDB as moto plays it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from alert.errors import LedgerError
from alert.notice_ledger import Claim, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
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
def table(dynamodb: "DynamoDBClient", clock: Clock) -> Table:
    return Table("notices", dynamodb, clock)


def test_a_notice_is_granted_to_one(table: Table) -> None:
    assert [table.claim(KEY, 1030.0), table.claim(KEY, 1040.0)] == [Claim.GRANTED, Claim.HELD]


def test_a_notice_that_was_sent_is_never_granted_again(table: Table, clock: Clock) -> None:
    table.claim(KEY, 1030.0)
    table.confirm(KEY)
    clock.now = 5000.0

    assert table.claim(KEY, 5030.0) is Claim.SENT


def test_a_notice_that_was_given_back_is_granted_at_once(table: Table) -> None:
    table.claim(KEY, 1030.0)
    table.release(KEY)

    assert table.claim(KEY, 1030.0) is Claim.GRANTED


@pytest.mark.parametrize(("now", "claim"), [(1029.9, Claim.HELD), (1030.1, Claim.GRANTED)])
def test_what_an_invocation_left_that_died_is_granted_once_its_time_is_over(
    table: Table, clock: Clock, now: float, claim: Claim
) -> None:
    table.claim(KEY, 1030.0)
    clock.now = now

    assert table.claim(KEY, 1060.0) is claim


def test_each_channel_has_a_claim_of_its_own(table: Table) -> None:
    table.claim(KEY, 1030.0)

    assert table.claim("m1|teams:/prod/teams", 1030.0) is Claim.GRANTED


def test_rows_expire_after_thirty_days(table: Table, dynamodb: "DynamoDBClient") -> None:
    table.claim("claimed", 1030.0)
    table.claim("sent", 1030.0)
    table.confirm("sent")
    table.begin("arn", NOON)

    rows = dynamodb.scan(TableName="notices")["Items"]

    # 1,000 s and 30 days of 86,400 s
    assert {row["notice_key"]["S"]: row["expires_at"]["N"] for row in rows} == {
        "claimed": "2593000",
        "sent": "2593000",
        "alarm|arn": "2593000",
    }


#     begin ----- end   begin ---- end
#     12:00      12:10  12:20     12:30
def test_an_end_is_answered_with_its_own_beginning(table: Table) -> None:
    table.begin("arn", NOON)
    first = table.end("arn", NOON + 10 * MINUTE)
    table.begin("arn", NOON + 20 * MINUTE)
    second = table.end("arn", NOON + 30 * MINUTE)

    assert (first, second) == (NOON, NOON + 20 * MINUTE)


def test_an_end_at_the_moment_of_a_beginning_is_not_its_end(table: Table) -> None:
    table.begin("arn", NOON)

    assert table.end("arn", NOON) is None


def test_an_end_that_is_told_again_has_the_same_answer(table: Table) -> None:
    table.begin("arn", NOON)

    assert [table.end("arn", NOON + MINUTE), table.end("arn", NOON + MINUTE)] == [NOON, NOON]


def test_an_end_whose_beginning_was_not_told_has_no_answer(table: Table) -> None:
    assert table.end("arn", NOON) is None


def test_an_end_that_overtakes_its_beginning_is_not_answered_with_the_one_before(table: Table) -> None:
    table.begin("arn", NOON)
    table.end("arn", NOON + 10 * MINUTE)

    assert table.end("arn", NOON + 30 * MINUTE) is None


def test_a_beginning_that_comes_late_does_not_replace_a_later_one(table: Table) -> None:
    table.begin("arn", NOON + 20 * MINUTE)
    table.begin("arn", NOON)

    assert table.end("arn", NOON + 30 * MINUTE) == NOON + 20 * MINUTE


def test_a_beginning_that_is_told_again_does_not_open_what_has_ended(table: Table) -> None:
    table.begin("arn", NOON)
    table.end("arn", NOON + 10 * MINUTE)
    table.begin("arn", NOON)

    assert table.end("arn", NOON + 30 * MINUTE) is None


def test_a_beginning_that_is_told_again_after_its_end_is_answered_with_that_end(table: Table) -> None:
    first = table.begin("arn", NOON)
    again = table.begin("arn", NOON)
    table.end("arn", NOON + 10 * MINUTE)
    after = table.begin("arn", NOON)
    table.begin("arn", NOON + 20 * MINUTE)

    assert (first, again, after) == (None, None, NOON + 10 * MINUTE)
    assert table.begin("arn", NOON + 20 * MINUTE) is None


def test_each_alarm_has_a_beginning_of_its_own(table: Table) -> None:
    table.begin("arn", NOON)

    assert table.end("another", NOON + MINUTE) is None


def test_a_table_that_is_not_there_is_a_ledger_error(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    table = Table("elsewhere", dynamodb, clock)
    requests = (
        lambda: table.claim(KEY, 1030.0),
        lambda: table.confirm(KEY),
        lambda: table.release(KEY),
        lambda: table.begin("arn", NOON),
        lambda: table.end("arn", NOON),
    )

    for request in requests:
        with pytest.raises(LedgerError, match="the notice table cannot be used"):
            request()
