"""The InstrumentTable: what the producer remembers of each instrument, one item each."""

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from producer.tail import Numbers, Tail
from stockstream.errors import StockstreamError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TailConflictError(StockstreamError):
    """Another run wrote the tail since this one read it."""


class VersionedTail(NamedTuple):
    """A tail, and how often it has been written; 0 is never."""

    tail: Tail
    version: int


class InstrumentTable:
    """The table of tails.

    Args:
        client: boto3's DynamoDB client.
        name: the table's name.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def read_tail(self, instrument: str, interval: str) -> VersionedTail:
        """The tail of an instrument; an empty one where nothing has been sent."""
        answer = self._client.get_item(
            TableName=self._name, Key={"key": {"S": _key(instrument, interval)}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return VersionedTail(Tail(), 0)
        return VersionedTail(_decode(item["tail"]["B"]), int(item["version"]["N"]))

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        """Writes the tail over the version that was read.

        Raises:
            TailConflictError: it is no longer that version; nothing was written.
        """
        version = read_version + 1
        try:
            self._client.put_item(
                TableName=self._name,
                Item={
                    "key": {"S": _key(instrument, interval)},
                    "tail": {"B": _encode(tail)},
                    "version": {"N": str(version)},
                },
                ConditionExpression="attribute_not_exists(version) OR version = :read",
                ExpressionAttributeValues={":read": {"N": str(read_version)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise TailConflictError(
                f"another run wrote the tail of {instrument} {interval} meanwhile"
            ) from None
        return VersionedTail(tail, version)


def _key(instrument: str, interval: str) -> str:
    return f"{instrument}|{interval}"


def _encode(tail: Tail) -> bytes:
    rows = [(time, *numbers) for time, numbers in tail.bars.items()]
    return zlib.compress(orjson.dumps([rows, sorted(tail.doubtful), tail.forgotten]), level=9)


def _decode(data: bytes) -> Tail:
    parts: tuple[list[list[Any]], list[str], bool] = orjson.loads(zlib.decompress(data))
    rows, doubtful, forgotten = parts
    return Tail({row[0]: Numbers(*row[1:]) for row in rows}, frozenset(doubtful), forgotten)
