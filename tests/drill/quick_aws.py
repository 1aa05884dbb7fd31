"""The table and the stream of a day, as far as the producer and the redrive use them.

Moto's took two thirds of a day's time. These are as short as what is asked of them, and whoever asks them for
more gets a KeyError. That the producer speaks as DynamoDB and Kinesis understand it is tested with moto's, in
tests/integration.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

# The services that are answered here.
QUICK = {"dynamodb", "kinesis"}

# PartiQL, as far as it is used: an item is updated if it is still at the version that was read.
_UPDATE = re.compile(
    r'UPDATE "(?P<table>[\w.-]+)"(?P<sets>( SET "\w+"=\?)+) WHERE "key"=\? AND "version"=\?', re.ASCII
)
_SET = re.compile(r'SET "(\w+)"', re.ASCII)

type Body = Mapping[str, Any]


class Answer(NamedTuple):
    """An answer's status, and its JSON."""

    status: int
    body: Body


class QuickAws:
    """One table, whose key is `key`, and one stream of one shard.

    Attributes:
        items: the table's, by key, as DynamoDB's protocol has them.
        records: the stream's data, the oldest first.
        overwritten: the keys of items that were written over another version than the one before.
    """

    def __init__(self) -> None:
        self.items: dict[str, Body] = {}
        self.records: list[bytes] = []
        self.overwritten: list[str] = []
        self._operations: Mapping[str, Callable[[Body], Answer]] = {
            "GetItem": self._get_item,
            "BatchGetItem": self._batch_get_item,
            "PutItem": self._put_item,
            "BatchExecuteStatement": self._batch_execute_statement,
            "TransactWriteItems": self._transact_write_items,
            "PutRecords": self._put_records,
        }

    def answer(self, operation: str, body: Body) -> Answer:
        """What AWS answers to an operation of DynamoDB or Kinesis."""
        return self._operations[operation](body)

    def _get_item(self, body: Body) -> Answer:
        item = self.items.get(body["Key"]["key"]["S"])
        return Answer(HTTPStatus.OK, {"Item": item} if item else {})

    def _batch_get_item(self, body: Body) -> Answer:
        ((table, asked),) = body["RequestItems"].items()
        names = [key["key"]["S"] for key in asked["Keys"]]
        found = [self.items[name] for name in names if name in self.items]
        return Answer(HTTPStatus.OK, {"Responses": {table: found}, "UnprocessedKeys": {}})

    def _put_item(self, body: Body) -> Answer:
        if not self._may_put(body):
            refusal = _error("ConditionalCheckFailedException")
            return Answer(HTTPStatus.BAD_REQUEST, refusal | {"Item": self.items[_key(body)]})
        self._write(body)
        return Answer(HTTPStatus.OK, {})

    def _batch_execute_statement(self, body: Body) -> Answer:
        return Answer(HTTPStatus.OK, {"Responses": [self._update(each) for each in body["Statements"]]})

    def _update(self, statement: Body) -> Body:
        """Runs one statement; all that the producer sends are of one form."""
        form = _UPDATE.fullmatch(statement["Statement"])
        if form is None:
            return {"Error": {"Code": "ValidationError", "Message": "Statement wasn't well formed"}}
        *values, key, read = statement["Parameters"]
        before = self.items.get(key["S"])
        if before is None or before.get("version") != read:
            return {"Error": {"Code": "ConditionalCheckFailed"}, "TableName": form["table"]}
        names = _SET.findall(form["sets"])
        self._write({"Item": {**before, **dict(zip(names, values, strict=True))}})
        return {"TableName": form["table"]}

    def _transact_write_items(self, body: Body) -> Answer:
        puts = [each["Put"] for each in body["TransactItems"]]
        may = [self._may_put(each) for each in puts]
        if not all(may):
            reasons = [
                {"Code": "None"}
                if each_may
                else {"Code": "ConditionalCheckFailed", "Item": self.items[_key(each)]}
                for each, each_may in zip(puts, may, strict=True)
            ]
            refusal = _error("TransactionCanceledException")
            return Answer(HTTPStatus.BAD_REQUEST, refusal | {"CancellationReasons": reasons})
        for each in puts:
            self._write(each)
        return Answer(HTTPStatus.OK, {})

    def _write(self, put: Body) -> None:
        item, key = put["Item"], _key(put)
        before = self.items.get(key, {}).get("version", {"N": "0"})
        if "version" in item and int(item["version"]["N"]) != int(before["N"]) + 1:
            self.overwritten.append(key)
        self.items[key] = item

    def _may_put(self, put: Body) -> bool:
        """Whether an item's condition holds; those that the producer sets are all about its version."""
        version = self.items.get(_key(put), {}).get("version")
        read = put.get("ExpressionAttributeValues", {}).get(":read")
        holds = {
            "": True,
            "attribute_not_exists(version)": version is None,
            "version = :read": version is not None and version == read,
        }
        return any(holds[term] for term in put.get("ConditionExpression", "").split(" OR "))

    def _put_records(self, body: Body) -> Answer:
        results = []
        for record in body["Records"]:
            self.records.append(b64decode(record["Data"]))
            results.append({"SequenceNumber": str(len(self.records)), "ShardId": "shardId-000000000000"})
        return Answer(HTTPStatus.OK, {"FailedRecordCount": 0, "Records": results})


def _key(put: Body) -> str:
    key: str = put["Item"]["key"]["S"]
    return key


def _error(code: str) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code}
