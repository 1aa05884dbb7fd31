"""`stockstream remove`: it says what goes and what stays, and deletes the lake only when told twice."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError
from moto import mock_aws

from stockstream_local import cli

LAKE, OTHER = "mine-lakebucket-1", "somebody-elses"


class Formation:
    """CloudFormation with one stack, or none, whose lake is LAKE."""

    def __init__(self, status: str | None = "UPDATE_COMPLETE", schedule: str = "DISABLED") -> None:
        self.status, self.schedule = status, schedule
        self.fails, self.is_own = False, True
        self.statuses = {"BarStream": "DELETE_COMPLETE", "LakeWorkGroup": "DELETE_FAILED"}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        if self.status is None or StackName != "mine":
            said: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": said}, "DescribeStacks")
        values = {
            "ScheduleState": self.schedule,
            "ApiKeyParameterName": "/mine/key",
            "AlertChannels": "/mine/slack",
        }
        values = values if self.is_own else {"InstanceType": "t3.large"}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        return {"Stacks": [{"StackStatus": self.status, "StackId": "arn:mine", "Parameters": parameters}]}

    def get_paginator(self, _operation: str) -> "Formation":
        return self

    def paginate(self, **_asked: str) -> list[dict[str, Any]]:
        lake = {
            "LogicalResourceId": "LakeBucket", "PhysicalResourceId": LAKE, "ResourceType": "AWS::S3::Bucket",
        }  # fmt: skip
        return [{"StackResourceSummaries": [lake]}]

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        assert StackName == "arn:mine"
        self.status = "DELETE_FAILED" if self.fails else None

    def get_waiter(self, name: str) -> "Formation":
        assert name == "stack_delete_complete"
        return self

    def wait(self, **_asked: Any) -> None:
        if self.fails:
            raise WaiterError("stack_delete_complete", "it failed", {})

    def describe_stack_events(self, **_asked: str) -> dict[str, Any]:
        return {
            "StackEvents": [
                {"LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": "it is in use"}
                for name, status in self.statuses.items()
            ]
        }


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (LAKE, OTHER):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="bars/dt=2026-11-20/a.json.gz", Body=bytes(2_000_000))
        yield


def use(monkeypatch: pytest.MonkeyPatch, formation: Formation) -> Formation:
    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name: formation if name == "cloudformation" else real(name))
    return formation


def buckets() -> list[str]:
    return [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]


def remove(*arguments: str) -> int:
    return cli.main(["remove", "--stack", "mine", *arguments])


def test_it_only_says_what_would_go_and_stay_unless_it_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = use(monkeypatch, Formation())

    assert remove() == 0
    assert remove("--delete-lake", LAKE) == 0

    assert formation.status == "UPDATE_COMPLETE"
    assert buckets() == [LAKE, OTHER]
    said = " ".join(capsys.readouterr().out.split())
    assert f"The lake stays: {LAKE}, 1 file, 0.002 GB, about $0.00 a month" in said
    assert f"The lake GOES: {LAKE}" in said
    assert "aws ssm delete-parameters --names /mine/key /mine/slack" in said
    assert "Nothing was changed: --yes does it." in said


def test_told_once_the_stack_goes_and_the_lake_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    formation = use(monkeypatch, Formation())

    assert remove("--yes") == 0

    assert formation.status is None
    assert buckets() == [LAKE, OTHER]


def test_told_twice_the_lake_goes_with_all_that_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Formation())
    boto3.client("s3").put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        boto3.client("s3").put_object(Bucket=LAKE, Key="a", Body=b"")
    boto3.client("s3").delete_object(Bucket=LAKE, Key="a")

    assert remove("--yes", "--delete-lake", LAKE) == 0

    assert buckets() == [OTHER]


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", None])
def test_a_bucket_that_is_no_lake_of_the_stack_is_never_deleted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: str | None
) -> None:
    formation = use(monkeypatch, Formation(status))

    assert remove("--yes", "--delete-lake", OTHER) == 1

    assert formation.status == status
    assert buckets() == [LAKE, OTHER]
    assert f"{OTHER} is not known as the lake of mine" in " ".join(capsys.readouterr().err.split())


def test_a_lake_that_stayed_can_be_deleted_when_its_stack_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation's tags stay on what it left."""
    use(monkeypatch, Formation(None))
    tags = {"aws:cloudformation:stack-name": "mine", "aws:cloudformation:logical-id": "LakeBucket"}
    tag_set: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
    s3: Any = boto3.client("s3")
    s3.get_bucket_tagging = lambda **_asked: {"TagSet": tag_set}
    formation = boto3.client("cloudformation")
    monkeypatch.setattr(boto3, "client", {"s3": s3, "cloudformation": formation}.get)

    assert remove("--delete-lake", LAKE) == 0
    assert buckets() == [LAKE, OTHER]
    assert remove("--yes", "--delete-lake", LAKE) == 0
    assert buckets() == [OTHER]


def test_a_producer_that_is_on_is_paused_first_or_the_stack_removed_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = use(monkeypatch, Formation(schedule="ENABLED"))

    assert remove("--yes") == 1
    assert formation.status == "UPDATE_COMPLETE"
    said = " ".join(capsys.readouterr().err.split())
    assert "make deploy ARGS='--stack mine ScheduleState=DISABLED'" in said

    assert remove("--yes", "--now") == 0
    assert formation.status is None


def test_a_first_deployment_that_failed_is_removed_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    formation = use(monkeypatch, Formation("ROLLBACK_COMPLETE", schedule="ENABLED"))

    assert remove("--yes") == 0
    assert formation.status is None


def test_what_could_not_be_removed_is_named_and_the_lake_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = use(monkeypatch, Formation())
    formation.fails = True

    assert remove("--yes", "--delete-lake", LAKE) == 1

    assert buckets() == [LAKE, OTHER]
    said = capsys.readouterr().err
    assert "LakeWorkGroup: it is in use" in said
    assert "BarStream" not in said


def test_a_removal_that_takes_too_long_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = use(monkeypatch, Formation())
    formation.fails, formation.statuses = True, {"SearchDomain": "DELETE_IN_PROGRESS"}

    assert remove("--yes") == 1

    assert "CloudFormation is still removing the stack mine." in capsys.readouterr().err


def test_a_stack_of_another_template_is_never_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    formation = use(monkeypatch, Formation())
    formation.is_own = False

    assert remove("--yes", "--now") == 1

    assert formation.status == "UPDATE_COMPLETE"
    assert "mine is a stack of another template. Nothing was changed." in capsys.readouterr().err
