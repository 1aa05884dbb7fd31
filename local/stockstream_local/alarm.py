"""Setting off an alarm of the running pipeline, to see what people would be told."""

import os

import boto3

from stockstream.errors import StockstreamError
from stockstream_local.deployment import STACK_NAME
from stockstream_local.environment import isolate
from stockstream_local.run_lock import read_running_url
from stockstream_local.workplace import STATE

DEFAULT_ALARM = "TransformErrorsAlarm"


class AlarmError(StockstreamError):
    """There is no such alarm, or no running pipeline; the text says which."""


def set_off(logical_name: str) -> str:
    """Sets an alarm to ALARM, as CloudWatch would.

    Args:
        logical_name: its name in template.yaml.

    Returns:
        What was done, for a person.

    Raises:
        AlarmError: there is no such alarm, or no running pipeline.
    """
    url = read_running_url(STATE)
    if url is None:
        raise AlarmError(
            "Nothing runs here: start `make run` (or `stockstream up`) in another terminal first."
        )
    environ = isolate(os.environ, url)
    os.environ.clear()
    os.environ.update(environ)
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)[
        "StackResources"
    ]
    alarms = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    if logical_name not in alarms:
        raise AlarmError(f"There is no alarm {logical_name}. There are: {', '.join(sorted(alarms))}.")
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName=alarms[logical_name], StateValue="ALARM", StateReason="Set off by hand: stockstream alarm"
    )
    return f"{logical_name} is in ALARM. The notice appears where `stockstream up` runs."
