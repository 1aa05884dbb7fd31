"""The item in the InstrumentTable that keeps the last good list of instruments, where a file lists them."""

import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ReportedList(NamedTuple):
    """The version of the file that was last reported on, and the list that was followed then.

    Attributes:
        mark: the version's ETag in S3, or the error's code if it could not be read; empty if there has been
            no file.
        names: the last good list; empty if there has been none.
    """

    mark: str = ""
    names: tuple[str, ...] = ()


class ListItem:
    """The item. It holds the names alone, without the file's comments: 10,000 take about 40 KB.

    Args:
        client: boto3's DynamoDB client.
        table_name: the InstrumentTable's.
        source: the provider: another one may refuse other lines.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, source: str) -> None:
        self._client = client
        self._table_name = table_name
        self._key = f"instruments|{source}"

    def read(self) -> ReportedList:
        """What is remembered.

        Raises:
            BotoCoreError, ClientError: DynamoDB fails.
        """
        item = self._client.get_item(TableName=self._table_name, Key={"key": {"S": self._key}}).get("Item")
        if item is None:
            return ReportedList()
        return ReportedList(item["mark"]["S"], tuple(zlib.decompress(item["names"]["B"]).decode().split()))

    def write(self, reported: ReportedList) -> None:
        """Writes it. Two runs that write at once write the same, or the next run corrects it.

        Raises:
            BotoCoreError, ClientError: DynamoDB fails.
        """
        self._client.put_item(
            TableName=self._table_name,
            Item={
                "key": {"S": self._key},
                "mark": {"S": reported.mark},
                "names": {"B": zlib.compress("\n".join(reported.names).encode())},
            },
        )
