"""The ledger's item in the InstrumentTable, and the lease that keeps two runs apart.

The lease is one for all instruments of a partition. One for each would add a write for every bar, which would
double what the producer pays DynamoDB.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from producer.memory.batch_read import read_items
from producer.planning.division import take_over
from producer.planning.ledger import Ledger
from stockstream.errors import StockstreamError
from stockstream.instrument_table import HELD_UNTIL, ledger_key
from stockstream.partitions import WHOLE, Partition, every_partition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class LeaseHeldError(StockstreamError):
    """Another run holds the ledger, or has written it since it was read; nothing was written."""


class VersionedLedger(NamedTuple):
    """The ledger as it was read or written.

    Attributes:
        ledger: what has been asked.
        version: counts the writes; 0 is never.
        held_until: when the lease of the run that wrote it ends, in UTC.
    """

    ledger: Ledger
    version: int = 0
    held_until: datetime = datetime.min.replace(tzinfo=UTC)


class LedgerItem:
    """The ledger of a partition's requests to one source.

    A new container looks for the ledgers of a former division among another number of partitions. Where those
    that had these instruments are newer than the partition's own, it begins with them, until it has written
    its own.

    Args:
        client: boto3's DynamoDB client.
        table_name: the InstrumentTable's.
        source: whose requests are counted.
        partition: whose instruments are asked for.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, source: str, partition: Partition = WHOLE
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._partition = partition
        self._key = ledger_key(source, partition)
        self._all_keys = {
            ledger_key(source, each): each for each in every_partition() if each.meets(partition)
        }
        self._is_current = False

    def read(self) -> VersionedLedger:
        """The ledger; an empty one where nothing has been asked."""
        if not self._is_current:
            return self._read_or_take_over()
        answer = self._client.get_item(
            TableName=self._table_name, Key={"key": {"S": self._key}}, ConsistentRead=True
        )
        return _decode(answer["Item"]) if "Item" in answer else VersionedLedger(Ledger())

    def _read_or_take_over(self) -> VersionedLedger:
        items = read_items(self._client, self._table_name, self._all_keys)
        known = {self._all_keys[key]: _decode(item) for key, item in items.items()}
        own = known.get(self._partition, VersionedLedger(Ledger()))
        newest_first = sorted(known, key=lambda each: known[each].held_until, reverse=True)
        held_until = max((each.held_until for each in known.values()), default=own.held_until)
        if held_until == own.held_until:
            self._is_current = True
            return own
        # A run of the former division may still be at work: its lease holds for this partition, too.
        ledger = take_over(self._partition, {each: known[each].ledger for each in newest_first})
        return VersionedLedger(ledger, own.version, held_until)

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        """Writes the ledger over the version that was read, and holds it or lets it go.

        The SDK repeats a write whose answer is lost, and then finds the version that it has written itself. A
        token of the call tells it from another run's, which may have written the same in the same second.

        Args:
            ledger: what has been asked.
            held_until: when the lease ends; any moment that has passed for letting go.
            read_version: the version that was read.

        Raises:
            LeaseHeldError: it is no longer that version.
        """
        token = {"B": token_bytes(8)}
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item={
                    "key": {"S": self._key},
                    "ledger": {"B": zlib.compress(orjson.dumps(ledger.to_dict()))},
                    HELD_UNTIL: {"N": str(int(held_until.timestamp()))},
                    "version": {"N": str(read_version + 1)},
                    "token": token,
                },
                ConditionExpression="attribute_not_exists(version) OR version = :read",
                ExpressionAttributeValues={":read": {"N": str(read_version)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            if cast("dict[str, Any]", refusal.response).get("Item", {}).get("token") != token:
                raise LeaseHeldError("another run has taken the ledger meanwhile") from None
        self._is_current = True
        return VersionedLedger(ledger, read_version + 1, held_until)


def _decode(item: Mapping[str, Any]) -> VersionedLedger:
    ledger = Ledger.from_dict(orjson.loads(zlib.decompress(item["ledger"]["B"])))
    held_until = datetime.fromtimestamp(int(item[HELD_UNTIL]["N"]), UTC)
    return VersionedLedger(ledger, int(item["version"]["N"]), held_until)
