"""Reading many items of a table in few calls."""

import random
import time
from collections.abc import Callable, Collection
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# What one BatchGetItem takes:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
CALL_KEYS = 100
# How many answers in a row may leave all keys unprocessed. After one with items the count begins anew.
_FRUITLESS_CALLS = 3
_PAUSE_SECONDS = 0.1


def read_items(
    client: "DynamoDBClient",
    table: str,
    keys: Collection[str],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, dict[str, Any]]:
    """The items with these keys, read consistently; missing ones are left out.

    Args:
        client: boto3's DynamoDB client.
        table: its name; its key is the string `key`.
        keys: any number.
        sleep: waits, in seconds.

    Raises:
        ClientError: DynamoDB refuses, or leaves keys out again and again.
    """
    found: dict[str, dict[str, Any]] = {}
    for call in batched(dict.fromkeys(keys), CALL_KEYS, strict=False):
        waiting: list[Any] = [{"key": {"S": key}} for key in call]
        fruitless = 0
        while waiting:
            answer = client.batch_get_item(RequestItems={table: {"Keys": waiting, "ConsistentRead": True}})
            items = answer["Responses"].get(table, [])
            found |= {item["key"]["S"]: item for item in items}
            # DynamoDB leaves out what would make the answer too long, or exceed its capacity.
            left: Any = answer.get("UnprocessedKeys", {})
            waiting = left[table]["Keys"] if table in left else []
            fruitless = 0 if items else fruitless + 1
            if waiting and fruitless == _FRUITLESS_CALLS:
                raise _refusal(len(waiting))
            if waiting:
                sleep(random.uniform(0, _PAUSE_SECONDS * 2**fruitless))  # noqa: S311 (no secret hangs on it)
    return found


def _refusal(keys: int) -> ClientError:
    message = f"{keys} keys were left unprocessed {_FRUITLESS_CALLS} times"
    return ClientError(
        {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": message}}, "BatchGetItem"
    )
