"""The ledger of notices: which channel has had which notice, and when an alarm went to ALARM.

SNS and Lambda both deliver at least once, and a channel that fails makes the whole event come again. So each
notice is claimed for each channel by a conditional write, and a repetition goes only to who has not had it.
The SDK repeats that write when its answer is lost, and would take the row of its first attempt for a rival's:
so a row carries a token of the call that wrote it.

Why not Powertools' idempotency: it refuses to run when its table cannot be reached, and an alert function
must speak up then more than ever; and its hashed keys would not tell a person what was sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import LedgerError
from stockstream.times import format_instant, parse_instant

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef as Value

# SNS goes on trying to reach Lambda for 23 days.
KEEP = timedelta(days=30)


class Claim(Enum):
    """What the ledger says to who wants to send a notice."""

    GRANTED = auto()
    SENT = auto()  # the channel has had it
    HELD = auto()  # another invocation is sending it right now


class NoticeLedger(Protocol):
    """Who has had which notice; each method raises LedgerError if it cannot be reached."""

    def claim(self, key: str, until: float) -> Claim:
        """Asks for a notice on a channel; whoever is granted it holds it until then (seconds since 1970)."""

    def confirm(self, key: str) -> None:
        """Says that a claimed notice was sent."""

    def release(self, key: str) -> None:
        """Gives a claim back, so that the next attempt need not wait."""

    def begin(self, alarm: str, at: datetime) -> datetime | None:
        """Remembers when an alarm began; answers when it ended, if it is over already."""

    def end(self, alarm: str, at: datetime) -> datetime | None:
        """When the alarm that ended at this moment had begun; None if nobody remembers."""


@dataclass(frozen=True, slots=True)
class Table:
    """The ledger in a DynamoDB table: `notice_key` is its key, and `expires_at` its time to live.

    Attributes:
        name: the table's name.
        clock: seconds since 1970.
    """

    name: str
    dynamodb: "DynamoDBClient"
    clock: Callable[[], float]

    def claim(self, key: str, until: float) -> Claim:
        """Takes what nobody has, or what an invocation left that died."""
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
                # Whoever sent a notice holds it no longer. With no row to see, the careful answer is to wait.
                return Claim.SENT if row and "held_until" not in row else Claim.HELD
        return Claim.GRANTED

    def confirm(self, key: str) -> None:
        """Leaves a row that nobody holds."""
        with _reached():
            self.dynamodb.put_item(
                TableName=self.name, Item={"notice_key": {"S": key}, "expires_at": self._expiry()}
            )

    def release(self, key: str) -> None:
        """Deletes the row; nobody else can have claimed it: a claim lasts as long as its invocation may."""
        with _reached():
            self.dynamodb.delete_item(TableName=self.name, Key={"notice_key": {"S": key}})

    def begin(self, alarm: str, at: datetime) -> datetime | None:
        """Keeps the latest beginning, whatever the order in which SNS tells of them."""
        began = {"S": format_instant(at)}
        with _reached():
            try:
                self.dynamodb.update_item(
                    TableName=self.name,
                    Key={"notice_key": {"S": f"alarm|{alarm}"}},
                    UpdateExpression="SET began = :at, expires_at = :expiry REMOVE ended",
                    ConditionExpression="attribute_not_exists(began) OR began < :at",
                    ExpressionAttributeValues={":at": began, ":expiry": self._expiry()},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException as refusal:
                row = cast("dict[str, Any]", refusal.response).get("Item", {})
                if row.get("began") == began and "ended" in row:
                    return parse_instant(row["ended"]["S"])
        return None

    def end(self, alarm: str, at: datetime) -> datetime | None:
        """Answers the same each time that it is asked about one end, and never about the one before."""
        with _reached():
            try:
                answer = self.dynamodb.update_item(
                    TableName=self.name,
                    Key={"notice_key": {"S": f"alarm|{alarm}"}},
                    UpdateExpression="SET ended = :at",
                    ConditionExpression="began < :at AND (attribute_not_exists(ended) OR ended = :at)",
                    ExpressionAttributeValues={":at": {"S": format_instant(at)}},
                    ReturnValues="ALL_NEW",
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException:
                return None
        return parse_instant(answer["Attributes"]["began"]["S"])

    def _expiry(self) -> "Value":
        return {"N": str(int(self.clock() + KEEP.total_seconds()))}


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LedgerError(f"the notice table cannot be used: {error}") from error
