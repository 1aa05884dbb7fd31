"""Writing many items of a table in few calls, each at the version that was read."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from stockstream.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# What one BatchExecuteStatement takes:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
CALL_UPDATES = 25


class Update(NamedTuple):
    """An item that is to take the place of its earlier version.

    Attributes:
        item: with its `key`, and its new `version`. Attributes that only the earlier version has would stay.
        read_version: the version that was read.
    """

    item: Mapping[str, Any]
    read_version: int


def update_items(client: "DynamoDBClient", table: str, updates: Sequence[Update]) -> list[bool]:
    """Updates items in one call, each if it is still at the version that was read.

    Each statement succeeds or fails by itself. This raises nothing, even if DynamoDB takes no statement at
    all: the caller writes each item that is left by itself, and learns the reason then.

    Args:
        client: boto3's DynamoDB client.
        table: its name; its key is the string `key`.
        updates: of different items, CALL_UPDATES at the most.

    Returns:
        Of each, in their order, whether it has certainly been written. The others may have been written, too:
        the answer may be lost.
    """
    try:
        answer = client.batch_execute_statement(Statements=[_statement(table, each) for each in updates])
    except (BotoCoreError, ClientError) as error:
        logger.warning("items not updated together", items=len(updates), detail=str(error))
        return [False] * len(updates)
    # A refusal of some is HTTP 200: each statement has its own response, in the order of the request.
    responses = answer.get("Responses", [])
    refused = [response.get("Error", {}).get("Code", "") for response in responses if "Error" in response]
    if refused:
        logger.warning("some items not updated together", items=len(refused), errors=sorted(set(refused)))
    if len(responses) != len(updates):
        return [False] * len(updates)
    return ["Error" not in response for response in responses]


def _statement(table: str, update: Update) -> Any:  # noqa: ANN401 (boto3's shape)
    attributes = {name: value for name, value in update.item.items() if name != "key"}
    return {
        # Each name in quotes, since `key` and `version` are words of the language.
        "Statement": "".join(
            [
                f'UPDATE "{table}"',
                *(f' SET "{name}"=?' for name in attributes),
                ' WHERE "key"=? AND "version"=?',
            ]
        ),
        "Parameters": [*attributes.values(), update.item["key"], {"N": str(update.read_version)}],
    }
