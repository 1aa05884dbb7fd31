"""The emulator's DynamoDB, within this process: unlike moto's it knows the conditions of PartiQL."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from ministack.services import dynamodb

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class _Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> list[bytes]:
        return [self._content]


def _answer(request: Any, **_: object) -> AWSResponse:
    target = {"x-amz-target": request.headers["X-Amz-Target"].decode()}
    status, headers, body = asyncio.run(dynamodb.handle_request("POST", "/", target, request.body, {}))
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Raw(body))


@contextmanager
def emulated_dynamodb(table: str, config: Config | None = None) -> Iterator["DynamoDBClient"]:
    """A client of an empty DynamoDB with one table, whose key is the string `key`."""
    client = boto3.client("dynamodb", region_name="us-east-1", config=config)
    client.meta.events.register("before-send", _answer)  # type: ignore[arg-type]  # it may answer
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
    )
    try:
        yield client
    finally:
        dynamodb.reset()
