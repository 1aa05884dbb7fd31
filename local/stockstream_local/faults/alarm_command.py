"""`stockstream alarm`: setting off an alarm of the running pipeline, to see its notice."""

import argparse

import boto3

from stockstream.errors import StockstreamError
from stockstream_operate.stack import find_running_stack

DEFAULT_ALARM = "BarsRejectedAlarm"


class AlarmError(StockstreamError):
    """There is no such alarm; the text says which there are."""


def add_alarm(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream alarm`."""
    command.description = (
        "Sets off an alarm of the pipeline that `stockstream up` runs; the notice appears there."
    )
    command.add_argument("name", nargs="?", default=DEFAULT_ALARM, help=f"its logical name ({DEFAULT_ALARM})")
    command.set_defaults(run=lambda asked, screen: screen.say(set_off(asked.name)))


def set_off(logical_name: str) -> str:
    """Sets an alarm to ALARM, as CloudWatch would.

    Args:
        logical_name: its name in template.yaml.

    Returns:
        What was done, for a person.

    Raises:
        AlarmError: there is no such alarm.
        StackError: nothing runs here.
    """
    alarms = find_running_stack().resources("AWS::CloudWatch::Alarm")
    if logical_name not in alarms:
        raise AlarmError(f"There is no alarm {logical_name}. There are: {', '.join(sorted(alarms))}.")
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName=alarms[logical_name], StateValue="ALARM", StateReason="Set off by hand: stockstream alarm"
    )
    return f"{logical_name} is in ALARM. The notice appears where `stockstream up` runs."
