"""`stockstream remove`: says what of a stack goes, what stays and what that costs, and removes it."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from stockstream.errors import StockstreamError
from stockstream_operate.cost.prices import PRICES
from stockstream_operate.counts import FileTotals, say_count
from stockstream_operate.screen import Screen
from stockstream_operate.stack import DEAD, Stack, ask_stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How long what has been put may be on its way to the lake, which is Firehose's longest buffer.
WAY_MINUTES = 15
_OWN_PARAMETERS = {"ScheduleState", "ApiKeyParameterName"}
_BUCKET_KIND, _BUCKET_ID = "AWS::S3::Bucket", "LakeBucket"
# CloudFormation looks a search domain over for up to an hour.
_WAITING: Any = {"Delay": 10, "MaxAttempts": 540}
# The states in which no bar can be on its way.
_WITHOUT_BARS = (*DEAD, "REVIEW_IN_PROGRESS")


class RemoveError(StockstreamError):
    """Something was not removed; the text says what, why, and what to do."""


def add_remove(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream remove`."""
    command.description = (
        "Says what removing a stack from AWS would take away, what would stay, and what that costs. --yes "
        "does it. The lake stays even then; it is deleted with --yes and --delete-lake and its bucket's name."
    )
    command.add_argument("--stack", required=True, metavar="NAME", help="the stack")
    command.add_argument("--yes", action="store_true", help="remove it")
    command.add_argument(
        "--now",
        action="store_true",
        help=f"though the producer is on, and the bars of the last {WAY_MINUTES} minutes may be lost",
    )
    command.add_argument(
        "--delete-lake", metavar="BUCKET", help="delete the lake's bucket and all bars in it, for ever"
    )
    command.set_defaults(run=run_remove)


def run_remove(asked: argparse.Namespace, screen: Screen) -> None:
    """Says what would go and stay, and with --yes does it.

    Raises:
        RemoveError: it was not done, or not all of it.
    """
    status, stack = ask_stack(asked.stack)
    _require_own(stack, status)
    s3 = boto3.client("s3")
    bucket = _find_bucket(stack, status, asked.delete_lake, s3)
    if status is None:
        screen.say(f"There is no stack {stack.name} any more.")
    if bucket:
        with screen.step(f"Counting what is in {bucket}", f"Counted what is in {bucket}"):
            contents = _count(bucket, s3)
        goes = asked.delete_lake is not None
        screen.say(f"The lake {'GOES' if goes else 'stays'}: {bucket}, {_describe(contents)}.")
    for line in _say_what_stays(stack, status):
        screen.say(line)
    if not asked.yes:
        screen.say("Nothing was changed: --yes does it.")
        return
    is_on = stack.parameters.get("ScheduleState", "DISABLED") == "ENABLED" and status not in _WITHOUT_BARS
    if status is not None and is_on and not asked.now:
        raise RemoveError(
            "The producer is on, and what it put into the stream last may be on its way yet. Pause it "
            f"(make deploy ARGS='--stack {stack.name} ScheduleState=DISABLED'), wait {WAY_MINUTES} minutes, "
            "and ask again; or remove the stack at once: --now."
        )
    if status is not None:
        with screen.step(f"Removing the stack {stack.name}", f"Removed the stack {stack.name}"):
            _delete_stack(stack.name)
    if bucket and asked.delete_lake:
        with screen.step(f"Deleting {bucket}", f"Deleted {bucket}"):
            _delete_bucket(bucket, s3)


def _require_own(stack: Stack, status: str | None) -> None:
    """Refuses a stack of another template, which a wrong name may be.

    Raises:
        RemoveError: it has none of the parameters that every version of this template has.
    """
    # A stack that was never created has no parameters yet.
    if status not in {None, "REVIEW_IN_PROGRESS"} and not stack.parameters.keys() >= _OWN_PARAMETERS:
        raise RemoveError(
            f"{stack.name} is a stack of another template. Nothing was changed. If you are sure that it may "
            f"go: aws cloudformation delete-stack --stack-name {stack.name}"
        )


def _find_bucket(stack: Stack, status: str | None, named: str | None, s3: "S3Client") -> str | None:
    """The lake's bucket; None where there is none, or the stack is gone and nobody named it.

    Raises:
        RemoveError: a bucket was named that is not this stack's lake.
    """
    own = stack.resources(_BUCKET_KIND).get(_BUCKET_ID) if status is not None else None
    if named is None or named == own:
        return own
    if own is None and _is_left_by(stack.name, named, s3):
        return named
    hint = f"its lake is {own}" if own else f"if you are sure of it: aws s3 rb --force s3://{named}"
    raise RemoveError(f"{named} is not known as the lake of {stack.name}; {hint}. Nothing was changed.")


def _is_left_by(stack_name: str, bucket: str, s3: "S3Client") -> bool:
    """Whether CloudFormation's own tags say that a bucket was the lake of a stack that is gone."""
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchTagSet", "NoSuchBucket"}:
            return False
        raise
    found = {each["Key"]: each["Value"] for each in tags}
    return (found.get("aws:cloudformation:stack-name"), found.get("aws:cloudformation:logical-id")) == (
        stack_name,
        _BUCKET_ID,
    )


def _count(bucket: str, s3: "S3Client") -> FileTotals:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    sizes = [each["Size"] for page in pages for each in page.get("Contents", [])]
    return FileTotals(len(sizes), sum(sizes))


def _describe(contents: FileTotals) -> str:
    gigabytes = contents.size / 1e9
    return (
        f"{say_count(contents.files, 'file')}, {gigabytes:,.3f} GB, "
        f"about ${gigabytes * PRICES['us-east-1'].s3_gb_month:,.2f} a month for their storage"
    )


def _say_what_stays(stack: Stack, status: str | None) -> Iterator[str]:
    if status is not None:
        yield (
            f"The stack {stack.name} ({status}) goes, with its stream, functions, tables, alarms, logs and "
            "search domain."
        )
    listed = stack.parameters.get("AlertChannels", "").split(",")
    secrets = [name for name in (stack.parameters.get("ApiKeyParameterName", ""), *listed) if name]
    if secrets:
        names = " ".join(secrets)
        yield f"The secrets stay, and cost nothing: aws ssm delete-parameters --names {names}"
    yield (
        "What other stacks made stays, too: a budget, and sam's bucket of uploaded code "
        "(aws-sam-cli-managed-default)."
    )


def _delete_stack(name: str) -> None:
    """Removes the stack and waits until it is gone.

    Raises:
        RemoveError: something of it could not be removed, or it takes longer than any did before.
    """
    cloudformation = boto3.client("cloudformation")
    # By its id, since a stack that is gone is no longer known by its name.
    (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    cloudformation.delete_stack(StackName=found["StackId"])
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=found["StackId"], WaiterConfig=_WAITING
        )
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=found["StackId"])["StackEvents"]
        failed = [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in events
            if each["ResourceStatus"] == "DELETE_FAILED"
        ]
        if not failed:
            raise RemoveError(
                f"CloudFormation is still removing the stack {name}. Ask again later; its events in "
                "CloudFormation's console show how far it is."
            ) from error
        raise RemoveError(
            "\n".join(
                [f"The stack {name} is not removed:", *dict.fromkeys(failed), "Mend it, and ask again."]
            )
        ) from error


def _delete_bucket(bucket: str, s3: "S3Client") -> None:
    """Deletes a bucket with all that is in it, older versions too.

    Raises:
        RemoveError: something in it could not be deleted.
    """
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        objects: Any = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
        if errors:
            first = errors[0]
            raise RemoveError(
                f"{bucket} is not empty: {first.get('Key')} cannot be deleted ({first.get('Message')})."
            )
    s3.delete_bucket(Bucket=bucket)
