"""What a change set would do to what holds data, and carrying it out.

`sam deploy` makes it, and CloudFormation says in it what would be replaced:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-samples.html
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.exceptions import WaiterError

from stockstream_deploy.parameters import DeployError
from stockstream_local.doctor.doctor_command import show_findings
from stockstream_operate.doctor.finding import Finding, Level, good, problem
from stockstream_operate.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

SUBJECT = "change set"
# What holds data, is a place in the stream, or is known to others by its name.
LASTING = {
    "AWS::DynamoDB::Table": "what was sent, or told",
    "AWS::Glue::Database": "the lake's tables and views",
    "AWS::Glue::Table": "what is known of the lake's files",
    "AWS::Kinesis::Stream": "the bars that are on their way",
    "AWS::KinesisFirehose::DeliveryStream": "its place in the stream",
    "AWS::Logs::LogGroup": "its lines",
    "AWS::OpenSearchService::Domain": "the index",
    "AWS::S3::Bucket": "the lake",
    "AWS::SNS::Topic": "who is subscribed",
    "AWS::SQS::Queue": "what waits in it",
}
# A domain takes half an hour to make, and two when it is busy.
_WAITING: Any = {"Delay": 5, "MaxAttempts": 1440}
_RECREATING = ("Always", "Conditionally")
# CloudFormation's word for what it gave up since something else had failed.
_CANCELLED = "cancelled"


class Change(NamedTuple):
    """What a change set would do to one resource.

    Attributes:
        name: its logical id.
        kind: its type: `AWS::S3::Bucket`.
        action: CloudFormation's word: `Add`, `Modify`, `Remove`, `Dynamic` and others.
        replacement: of a Modify `True`, `False` or `Conditional`; otherwise empty.
        stays: whether a policy of the template keeps in the account what the stack lets go.
        causes: by each property that may replace it, the resources because of which it may change; with None
            among them where something else does.
    """

    name: str
    kind: str
    action: str
    replacement: str
    stays: bool
    causes: Mapping[str, frozenset[str | None]]


def read_changes(change_set: str) -> list[Change]:
    """All that a change set would do, in CloudFormation's order."""
    pages = boto3.client("cloudformation").get_paginator("describe_change_set")
    return [
        _read(each["ResourceChange"])
        for page in pages.paginate(ChangeSetName=change_set)
        for each in page["Changes"]
    ]


def _read(change: Mapping[str, Any]) -> Change:
    causes: dict[str, set[str | None]] = {}
    for detail in change.get("Details", []):
        target = detail["Target"]
        if target.get("RequiresRecreation") not in _RECREATING:
            continue
        found = causes.setdefault(target.get("Name", target["Attribute"]), set())
        if detail.get("ChangeSource") in {"ResourceReference", "ResourceAttribute"}:
            found.add(detail["CausingEntity"].partition(".")[0])
        elif detail.get("ChangeSource") != "DirectModification" or detail.get("Evaluation") != "Dynamic":
            # CloudFormation lists a reference twice, the second time as a modification that is not evaluated.
            found.add(None)
    return Change(
        change["LogicalResourceId"],
        change["ResourceType"],
        change["Action"],
        change.get("Replacement", ""),
        "Retain" in change.get("PolicyAction", ""),
        # A property without details changes for a reason that is not known.
        {name: frozenset(found or {None}) for name, found in causes.items()},
    )


def examine_changes(
    changes: Sequence[Change], may_lose: Collection[str] = (), *, goes_back: bool = False
) -> Iterator[Finding]:
    """A problem for each resource with data that would be replaced or removed.

    Args:
        changes: all of a change set.
        may_lose: the logical ids of which a person has said that they may go.
        goes_back: whether an older version is deployed. What only the newer one has may be removed then.
    """
    lost = {each.name: words for each in changes if (words := _say_loss(each, changes))}
    removed = {each.name for each in changes if each.action == "Remove"}
    named = {*may_lose, *(removed if goes_back else ())}
    for name, words in lost.items():
        if name not in named:
            yield problem(
                SUBJECT,
                f"{name} {words}",
                "If you do not want that, undo the change that causes it: `git diff`, or the parameter. "
                f"If you do, say so: --may-lose {name}",
            )
    gone = ", ".join(sorted(lost.keys() & named))
    if lost.keys() <= named:
        words = f"of what holds data, {gone} may go" if gone else "what holds data stays"
        is_new = all(each.action == "Add" for each in changes)
        yield good(SUBJECT, f"{len(changes)} resources " + ("are new" if is_new else f"change, and {words}"))


def _say_loss(change: Change, changes: Sequence[Change]) -> str:
    """What becomes of data; empty where nothing does."""
    if change.kind not in LASTING:
        return ""
    holds = LASTING[change.kind]
    keeps = f"; the old one, with {holds}, stays in the account" if change.stays else f", and loses {holds}"
    if change.action == "Remove":
        return f"would be removed from the stack{keeps}"
    if change.action == "Dynamic":
        return f"may be removed or made anew{keeps}"
    by_name = {each.name: each for each in changes}
    if not _is_replaced(change, by_name, frozenset()):
        return ""
    verb = "would" if change.replacement == "True" else "may"
    return f"{verb} be made anew, empty, since {', '.join(sorted(change.causes)) or 'it'} changes{keeps}"


def _is_replaced(change: Change, by_name: Mapping[str, Change], asked: frozenset[str]) -> bool:
    """Whether a resource may be replaced.

    CloudFormation says `Conditional` already where a role is changed that a delivery names, since it does not
    follow that the role keeps its ARN.
    """
    if change.replacement != "Conditional":
        return change.replacement == "True"
    if change.name in asked:
        return False
    asked |= {change.name}
    causes = frozenset().union(*change.causes.values()) if change.causes else frozenset({None})
    return any(
        cause is None or (cause in by_name and _is_replaced(by_name[cause], by_name, asked))
        for cause in causes
    )


def require_data_stays(
    change_set: str, may_lose: Collection[str], screen: Screen, *, goes_back: bool = False
) -> int:
    """Shows what a change set would do to what holds data; it is deleted where that may not be.

    Returns:
        How many resources change.

    Raises:
        DeployError: something that holds data would be replaced or removed, and nobody has said that it may.
    """
    changes = read_changes(change_set)
    findings = list(examine_changes(changes, may_lose, goes_back=goes_back))
    show_findings(findings, screen)
    if any(each.level is Level.PROBLEM for each in findings):
        boto3.client("cloudformation").delete_change_set(ChangeSetName=change_set)
        raise DeployError("Data would be lost to the stack. Nothing was changed.")
    return len(changes)


def carry_out(change_set: str, stack_name: str, *, is_new: bool = False) -> None:
    """Executes it, and waits until the stack has changed.

    Args:
        change_set: its ARN.
        stack_name: the stack that it is of.
        is_new: whether it makes the stack.

    Raises:
        DeployError: it failed; the text has each resource that did, and why.
    """
    cloudformation = boto3.client("cloudformation")
    known = {each["EventId"] for each in _read_events(stack_name, cloudformation)}
    cloudformation.execute_change_set(ChangeSetName=change_set)
    try:
        if is_new:
            created = cloudformation.get_waiter("stack_create_complete")
            created.wait(StackName=stack_name, WaiterConfig=_WAITING)
        else:
            updated = cloudformation.get_waiter("stack_update_complete")
            updated.wait(StackName=stack_name, WaiterConfig=_WAITING)
    except WaiterError as error:
        failed = [
            f"  {each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in reversed(_read_events(stack_name, cloudformation))
            if each["EventId"] not in known
            and each["ResourceStatus"].endswith("_FAILED")
            and not each.get("ResourceStatusReason", _CANCELLED).endswith(_CANCELLED)
        ]
        said = "\n".join(failed) or f"  {error}"
        raise DeployError(f"CloudFormation could not change {stack_name}:\n{said}") from error


def _read_events(stack_name: str, cloudformation: "CloudFormationClient") -> list["StackEventTypeDef"]:
    """A stack's events, the newest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [each for page in pages for each in page["StackEvents"]]
