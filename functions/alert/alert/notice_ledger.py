"""The ledger of notices: which channel has had which notice.

SNS and Lambda both deliver at least once, and a channel that fails makes the whole event come again. So each
notice is claimed for each channel by a conditional write, and a repetition goes only to the channels that
have not had it. The SDK repeats that write when its answer is lost, and would take the row of its first
attempt for another invocation's: so a row carries a token of the call that wrote it.

Why not Powertools' idempotency: it refuses to run when its table cannot be reached, which is when notices
matter most; and its hashed keys would not show a person what was sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import LedgerError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef as Value

# SNS goes on trying to reach Lambda for 23 days.
KEEP = timedelta(days=30)


class Claim(Enum):
    """What the ledger answers to a claim."""

    GRANTED = auto()
    SENT = auto()  # the channel has had it
    HELD = auto()  # another invocation is sending it right now


class NoticeLedger(Protocol):
    """Which channel has had which notice; each method raises LedgerError if the ledger cannot be reached."""

    def claim(self, key: str, until: float) -> Claim:
        """Claims a notice for a channel; a claim that is granted lasts until then (seconds since 1970)."""

    def confirm(self, key: str) -> None:
        """Says that a claimed notice was sent."""

    def release(self, key: str) -> None:
        """Gives a claim back, so that the next attempt need not wait."""


@dataclass(frozen=True, slots=True)
class NoticeTable:
    """The ledger in a DynamoDB table: `notice_key` is its key, and `expires_at` its time to live.

    Attributes:
        name: the table's name.
        clock: seconds since 1970.
    """

    name: str
    dynamodb: "DynamoDBClient"
    clock: Callable[[], float]

    def claim(self, key: str, until: float) -> Claim:
        """Grants a notice that no invocation has claimed, or whose claim has run out: its invocation died."""
        token: Value = {"B": token_bytes(8)}
        with _reached():
            try:
                self.dynamodb.put_item(
                    TableName=self.name,
                    Item={
                        "notice_key": {"S": key},
                        "held_until": {"N": str(until)},
                        "token": token,
                        "expires_at": self._expiry(),
                    },
                    ConditionExpression="attribute_not_exists(notice_key) OR held_until < :now",
                    ExpressionAttributeValues={":now": {"N": str(self.clock())}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException as refusal:
                row = cast("dict[str, Any]", refusal.response).get("Item")
                if row and row.get("token") == token:
                    return Claim.GRANTED
                # The row of a notice that was sent has no held_until. Without a row, assume that it is held.
                return Claim.SENT if row and "held_until" not in row else Claim.HELD
        return Claim.GRANTED

    def confirm(self, key: str) -> None:
        """Writes the row without held_until: the notice was sent."""
        with _reached():
            self.dynamodb.put_item(
                TableName=self.name, Item={"notice_key": {"S": key}, "expires_at": self._expiry()}
            )

    def release(self, key: str) -> None:
        """Deletes the row. It is still this invocation's: a claim lasts as long as its invocation may."""
        with _reached():
            self.dynamodb.delete_item(TableName=self.name, Key={"notice_key": {"S": key}})

    def _expiry(self) -> "Value":
        return {"N": str(int(self.clock() + KEEP.total_seconds()))}


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LedgerError(f"the notice table cannot be used: {error}") from error
