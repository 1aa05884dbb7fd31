"""The item in the InstrumentTable that remembers the last good list of instruments of a file."""

import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RememberedList(NamedTuple):
    """What is remembered of the file.

    Attributes:
        mark: the version that was reported last (S3's ETag), or why it could not be read; empty where it was
            never there.
        names: the last good list; empty where there was none.
    """

    mark: str = ""
    names: tuple[str, ...] = ()


class ListItem:
    """The item. It has the names and not the file, whose comments need no copy: 10,000 take about 40 KB.

    Args:
        client: boto3's DynamoDB client.
        table_name: the InstrumentTable's.
        source: whose bars are followed: another provider may refuse other lines.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, source: str) -> None:
        self._client = client
        self._table_name = table_name
        self._key = f"instruments|{source}"

    def read(self) -> RememberedList:
        """What is remembered.

        Raises:
            BotoCoreError, ClientError: DynamoDB fails.
        """
        item = self._client.get_item(TableName=self._table_name, Key={"key": {"S": self._key}}).get("Item")
        if item is None:
            return RememberedList()
        return RememberedList(item["mark"]["S"], tuple(zlib.decompress(item["names"]["B"]).decode().split()))

    def write(self, remembered: RememberedList) -> None:
        """Remembers it. Two runs that write at once write the same, or the next run puts it right.

        Raises:
            BotoCoreError, ClientError: DynamoDB fails.
        """
        self._client.put_item(
            TableName=self._table_name,
            Item={
                "key": {"S": self._key},
                "mark": {"S": remembered.mark},
                "names": {"B": zlib.compress("\n".join(remembered.names).encode())},
            },
        )
