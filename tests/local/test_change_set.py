"""A change set that CloudFormation makes, here the emulator: what is read of it is what would happen."""

import json
import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from reaching import reaching

from stockstream_deploy.change_set import carry_out, examine_changes, read_changes
from stockstream_local.emulator.server import run_emulator
from stockstream_operate.doctor.finding import Level
from stockstream_operate.environment import Emulator

pytestmark = pytest.mark.local

ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "Description": "of the delivery",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
    },
}
TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
    },
}
QUEUE: dict[str, Any] = {
    "Type": "AWS::SQS::Queue",
    "DeletionPolicy": "Retain",
    "Properties": {"QueueName": {"Fn::Join": ["-", ["of", {"Ref": "Role"}]]}},
}
NUMBERS = count()
STACK: dict[str, Any] = {"Role": ROLE, "Table": TABLE, "Queue": QUEUE}


def changed(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return resource | {"Properties": resource["Properties"] | properties}


def make_change_set(resources: dict[str, Any], kind: Any = "UPDATE") -> str:
    cloudformation = boto3.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName="mine",
        ChangeSetName=f"change-{next(NUMBERS)}",
        ChangeSetType=kind,
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_IAM"],
    )["Id"]
    waiting: Any = {"Delay": 0.1, "MaxAttempts": 100}
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made, WaiterConfig=waiting)
    return made


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with run_emulator(None, os.environ, tmp_path_factory.mktemp("emulator")) as running:
        with reaching(running):
            carry_out(make_change_set(STACK, "CREATE"), "mine", is_new=True)
        yield running


@pytest.fixture(autouse=True)
def here(emulator: Emulator) -> Iterator[None]:
    with reaching(emulator):
        yield


def problems(resources: dict[str, Any]) -> list[str]:
    """What is found of an update to these, which is not carried out."""
    change_set = make_change_set(resources)
    found = list(examine_changes(read_changes(change_set)))
    boto3.client("cloudformation").delete_change_set(ChangeSetName=change_set)
    return [each.words for each in found if each.level is Level.PROBLEM]


def test_what_is_changed_in_its_place_is_no_loss() -> None:
    table = changed(TABLE, DeletionProtectionEnabled=True)

    assert problems(STACK | {"Table": table}) == []


def test_another_key_makes_a_table_anew() -> None:
    other = [{"AttributeName": "other", "AttributeType": "S"}]
    table = changed(
        TABLE, AttributeDefinitions=other, KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}]
    )

    (told,) = problems(STACK | {"Table": table})
    assert told.startswith("Table may be made anew, empty, since KeySchema changes")


def test_what_names_a_role_that_is_only_modified_stays_and_what_names_another_role_does_not() -> None:
    assert problems(STACK | {"Role": changed(ROLE, Description="another text")}) == []

    (told,) = problems(STACK | {"Role": changed(ROLE, RoleName="another-role")})
    assert told.startswith("Queue ")
    assert "since QueueName changes" in told


def test_what_is_left_out_is_removed_or_stays_as_its_policy_says() -> None:
    lost, kept = sorted(problems({"Role": ROLE}), reverse=True)

    assert lost == "Table would be removed from the stack, and loses what was sent, or told"
    assert kept == (
        "Queue would be removed from the stack; the old one, with what waits in it, stays in the account"
    )
