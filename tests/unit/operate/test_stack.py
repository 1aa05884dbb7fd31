"""The stack that a command speaks to: found by name in AWS, or the one that runs here."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from stockstream_operate import stack
from stockstream_operate.environment import Emulator
from stockstream_operate.run_lock import hold_run_lock
from stockstream_operate.stack import NotCreatedError, StackError, find_running_stack, find_stack


class CloudFormation:
    """Holds one stack, named mine; its resources come in two pages."""

    def describe_stacks(self, **asked: str) -> dict[str, Any]:
        if asked["StackName"] != "mine":
            text = f"Stack with id {asked['StackName']} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": text}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [{"OutputKey": "LakeBucketName", "OutputValue": "the-lake"}]}]}

    def get_paginator(self, _operation: str) -> "CloudFormation":
        return self

    def paginate(self, **_asked: str) -> list[dict[str, Any]]:
        kinds = {"Letters": "AWS::SQS::Queue", "Topic": "AWS::SNS::Topic"}
        return [
            {
                "StackResourceSummaries": [
                    {"LogicalResourceId": name, "PhysicalResourceId": f"mine-{name}", "ResourceType": kind}
                ]
            }
            for name, kind in kinds.items()
        ]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda _service: CloudFormation())


@pytest.mark.usefixtures("deployed")
def test_a_stack_in_aws_is_found_by_its_name() -> None:
    found = find_stack("mine")

    assert (found.name, found.url, found.output("LakeBucketName")) == ("mine", None, "the-lake")
    assert found.resources("AWS::SNS::Topic") == {"Topic": "mine-Topic"}


@pytest.mark.usefixtures("deployed")
def test_an_output_that_the_stack_lacks_is_named() -> None:
    with pytest.raises(StackError, match="mine has no output SearchEndpoint"):
        find_stack("mine").output("SearchEndpoint")


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_is_not_there_is_named() -> None:
    with pytest.raises(StackError, match="Stack with id yours does not exist"):
        find_stack("yours")


def test_missing_credentials_are_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(_service: str) -> CloudFormation:
        raise NoCredentialsError

    monkeypatch.setattr(boto3, "client", client)

    with pytest.raises(StackError, match="Unable to locate credentials"):
        find_stack("mine")


def test_without_a_name_something_must_run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "STATE", tmp_path)

    with pytest.raises(StackError, match=r"Nothing runs here: .*, or name a stack in AWS: --stack"):
        find_stack(None)
    with pytest.raises(StackError, match=r"in another terminal first$"):
        find_running_stack()


@pytest.mark.usefixtures("deployed")
def test_a_run_that_is_still_creating_its_stack_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "STATE", tmp_path)
    monkeypatch.setattr(stack, "reach_only", lambda _emulator: None)
    with hold_run_lock(tmp_path) as publish:
        publish(Emulator("http://127.0.0.1:1", "key"), "http://127.0.0.1:2")

        with pytest.raises(NotCreatedError, match="is creating its stack: ask again in a moment"):
            find_stack(None)
