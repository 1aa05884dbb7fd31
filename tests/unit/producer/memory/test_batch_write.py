"""Writing many items in one call: what is asked of DynamoDB, and what its answer says of each."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from producer.memory.batch_write import CALL_UPDATES, Update, update_items

REFUSED = {"Error": {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}}
WRITTEN = {"TableName": "instruments"}


class FakeDynamo:
    """Gives one answer, or raises it."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (boto3's)
        self.asked = Statements
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def update(client: FakeDynamo, *updates: Update) -> list[bool]:
    return update_items(client, "instruments", updates)  # type: ignore[arg-type]  # a fake


def item(name: str, version: int = 8) -> Update:
    return Update({"key": {"S": name}, "head": {"B": b"bars"}, "version": {"N": str(version)}}, version - 1)


def test_an_item_is_replaced_where_it_is_at_the_version_that_was_read() -> None:
    client = FakeDynamo({"Responses": [WRITTEN]})

    assert update(client, item("IBM|1min")) == [True]
    assert client.asked == [
        {
            "Statement": 'UPDATE "instruments" SET "head"=? SET "version"=? WHERE "key"=? AND "version"=?',
            "Parameters": [{"B": b"bars"}, {"N": "8"}, {"S": "IBM|1min"}, {"N": "7"}],
        }
    ]


def test_one_that_is_refused_is_the_one_that_counts_as_unwritten(caplog: pytest.LogCaptureFixture) -> None:
    client = FakeDynamo({"Responses": [WRITTEN, REFUSED, WRITTEN]})

    assert update(client, item("A"), item("B"), item("C")) == [True, False, True]
    (record,) = caplog.records
    assert (record.message, record.__dict__["items"]) == ("some items not updated together", 1)
    assert record.__dict__["errors"] == ["ConditionalCheckFailed"]


def test_a_reason_is_logged_once_and_an_error_without_one_is_an_error_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    throttled = {"Error": {"Code": "ThrottlingError"}}
    client = FakeDynamo({"Responses": [throttled, {"Error": {}}, throttled]})

    assert update(client, item("A"), item("B"), item("C")) == [False, False, False]
    assert caplog.records[0].__dict__["errors"] == ["", "ThrottlingError"]


def test_where_all_are_written_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert update(FakeDynamo({"Responses": [WRITTEN, WRITTEN]}), item("A"), item("B")) == [True, True]
    assert caplog.records == []


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ValidationException"}}, "BatchExecuteStatement"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_call_that_fails_has_surely_written_none(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert update(FakeDynamo(error), item("A"), item("B")) == [False, False]
    assert (caplog.messages, caplog.records[0].__dict__["items"]) == (["items not updated together"], 2)


@pytest.mark.parametrize("answer", [{}, {"Responses": [WRITTEN]}, {"Responses": [WRITTEN] * 3}], ids=str)
def test_an_answer_about_another_number_of_items_says_of_none_that_it_was_written(
    answer: dict[str, Any],
) -> None:
    assert update(FakeDynamo(answer), item("A"), item("B")) == [False, False]


def test_a_call_takes_as_many_as_dynamodb_does() -> None:
    # "The maximum number of statements is 25": its reference of BatchExecuteStatement.
    assert CALL_UPDATES == 25
