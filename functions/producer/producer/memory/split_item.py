"""The splits that a person has confirmed, as one item of the InstrumentTable. The producer only reads it."""

from typing import TYPE_CHECKING

from stockstream.splits import SPLITS_KEY, Split, read_splits

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SplitItem:
    """The item of the splits, which `stockstream split` writes.

    Args:
        client: boto3's DynamoDB client.
        table_name: the InstrumentTable's.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def read(self) -> dict[str, tuple[Split, ...]]:
        """The splits of each instrument by its name, the oldest first.

        Raises:
            SplitError: what is stored is no split; the text says what to do.
        """
        answer = self._client.get_item(
            TableName=self._table_name, Key={"key": {"S": SPLITS_KEY}}, ConsistentRead=True
        )
        return read_splits(answer.get("Item"))
