"""The stack that a command speaks to: the one that runs here, or one in AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream.windows import Windows, parse_windows
from stockstream_operate.aws_errors import is_missing_stack, say_aws_error
from stockstream_operate.environment import reach_only
from stockstream_operate.run_lock import read_running
from stockstream_operate.workplace import STATE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

# The stack that runs here, and the one that samconfig.toml deploys first.
STACK_NAME = "stockstream"
# CloudFormation's words for a stack that stands as it was deployed, and for one whose last update was undone.
DEPLOYED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
STEADY = (*DEPLOYED, "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
# CloudFormation can do nothing with these but delete them.
DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


class StackError(StockstreamError):
    """There is no such stack, or it cannot be asked; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: its name in CloudFormation.
        url: the emulator's address; None for AWS itself.
        outputs: its outputs, by name.
        parameters: its parameters, by name.
    """

    name: str
    url: str | None
    outputs: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def windows(self) -> Windows:
        """The windows of its moving averages; the defaults where it has no such parameters.

        Raises:
            SettingsError: they are impossible.
        """
        if "SmaWindows" not in self.parameters:
            return Windows()
        return parse_windows(self.parameters["SmaWindows"], self.parameters["EmaWindows"])

    def output(self, name: str) -> str:
        """One of the outputs.

        Raises:
            StackError: the stack has none of that name.
        """
        if name not in self.outputs:
            raise StackError(
                f"The stack {self.name} has no output {name}: "
                "deploy it from this checkout's template, with the feature switched on."
            )
        return self.outputs[name]

    def resources(self, kind: str) -> dict[str, str]:
        """The physical ids of the stack's resources of one type (AWS::CloudWatch::Alarm), by logical id."""
        pages = (
            boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        )
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == kind
        }


class NothingRunsError(StackError):
    """No pipeline runs here; the text says how to start one."""

    def __init__(self, otherwise: str = "") -> None:
        super().__init__(f"Nothing runs here: start `make run` in another terminal first{otherwise}")


class NotCreatedError(StackError):
    """The pipeline that runs here has no stack yet."""

    def __init__(self) -> None:
        super().__init__("The run has just begun, and is creating its stack: ask again in a moment.")


def ask_stack(name: str) -> tuple[str | None, Stack]:
    """What CloudFormation says of a stack in AWS, in whatever state it is.

    Returns:
        Its state in CloudFormation's words, None where there is none; and the stack, with nothing in it then.
    """
    try:
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if not is_missing_stack(error):
            raise
        return None, Stack(name, None, {})
    return found["StackStatus"], _read_stack(name, None, found)


def find_stack(name: str | None) -> Stack:
    """The stack of that name in AWS; without a name, the one that runs here.

    Raises:
        StackError: there is no such stack, or it cannot be asked.
    """
    if name is not None:
        return _describe(name, None)
    try:
        return find_running_stack()
    except NothingRunsError:
        raise NothingRunsError(f", or name a stack in AWS: --stack {STACK_NAME}") from None


def find_running_stack() -> Stack:
    """The stack that runs here; this process's environment is changed so that boto3 reaches nothing else.

    Raises:
        NothingRunsError: nothing runs here.
        NotCreatedError: it has no stack yet.
        StackError: it cannot be asked.
    """
    running = read_running(STATE)
    if running is None:
        raise NothingRunsError
    reach_only(running.emulator)
    return _describe(STACK_NAME, running.emulator.url)


def _describe(name: str, url: str | None) -> Stack:
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        if url and is_missing_stack(error):
            raise NotCreatedError from None
        raise StackError(f"The stack {name} cannot be read. {say_aws_error(error)}") from error
    return _read_stack(name, url, stacks[0])


def _read_stack(name: str, url: str | None, found: "StackTypeDef") -> Stack:
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    return Stack(name, url, outputs, parameters)
