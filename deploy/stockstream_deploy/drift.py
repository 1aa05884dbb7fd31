"""Putting back what somebody changed by hand: a deployment changes only what differs from the last one."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import WaiterError

from stockstream_deploy.change_set import carry_out, read_changes, require_data_stays
from stockstream_deploy.parameters import DeployError
from stockstream_operate.screen import Screen
from stockstream_operate.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_WAITING: Any = {"Delay": 5, "MaxAttempts": 720}
# How CloudFormation says that a change set has nothing to change.
_NOTHING = ("didn't contain changes", "No updates are to be performed")


def revert_drift(stack: Stack, may_lose: Collection[str], screen: Screen) -> None:
    """Brings the stack's resources back to its template and its parameters, and nothing else.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html

    Args:
        stack: the stack.
        may_lose: the logical ids of what holds data and may go.
        screen: what a person sees.

    Raises:
        DeployError: CloudFormation could not, or data would be lost; the text says which, and why.
    """
    cloudformation = boto3.client("cloudformation")
    change_set = cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=f"stockstream-{int(time.time())}",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": name, "UsePreviousValue": True} for name in stack.parameters],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        DeploymentMode="REVERT_DRIFT",
    )["Id"]
    with screen.step("Looking for what was changed by hand", "Looked for what was changed by hand"):
        changed = _wait_for_changes(change_set, cloudformation)
    if not changed:
        cloudformation.delete_change_set(ChangeSetName=change_set)
        screen.say("Nothing was changed by hand.")
        return
    screen.say(f"Changed by hand: {', '.join(changed)}.")
    require_data_stays(change_set, may_lose, screen)
    with screen.step("Putting it back", "Put back"):
        carry_out(change_set, stack.name)


def _wait_for_changes(change_set: str, cloudformation: "CloudFormationClient") -> list[str]:
    """The logical ids of what a change set would change.

    Raises:
        DeployError: it could not be made.
    """
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=change_set, WaiterConfig=_WAITING
        )
    except WaiterError as error:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set).get("StatusReason", str(error))
        if any(words in reason for words in _NOTHING):
            return []
        raise DeployError(f"CloudFormation cannot say what was changed by hand: {reason}") from error
    return [each.name for each in read_changes(change_set)]
