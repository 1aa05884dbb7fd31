"""What the handler works with: the channels and the ledger that the settings name, with their AWS clients."""

import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import boto3
from botocore.config import Config

from alert.alarm_changes import AlarmChanges, AlarmHistory
from alert.channels.channel import Channel, HttpChannel, TopicChannel
from alert.channels.kinds import KINDS
from alert.links import LinkTargets
from alert.log_groups import LogGroups, Logs
from alert.notice_ledger import NoticeLedger, NoticeTable
from alert.settings import read_settings

# The SDK's default timeouts (a minute, and several attempts) are longer than the function's.
AWS_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# A notice does not wait long for its details.
DETAILS_CONFIG = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}
)


class Dependencies(NamedTuple):
    """Where notices go, the ledger of those sent, and where details and the history of alarms are read."""

    channels: tuple[Channel, ...]
    ledger: NoticeLedger
    link_targets: LinkTargets
    logs: Logs
    alarm_metrics: Mapping[str, str]
    alarm_changes: AlarmChanges


@cache
def make_dependencies() -> Dependencies:
    """Those of this process; the clients are made once, at cold start.

    Raises:
        SettingsError: a setting is missing or cannot be used.
    """
    settings = read_settings()
    channels: list[Channel] = []
    if settings.notice_topic_arn:
        channels.append(TopicChannel(settings.notice_topic_arn, boto3.client("sns", config=AWS_CONFIG)))
    if settings.web_channels:
        ssm = boto3.client("ssm", config=AWS_CONFIG)
        channels += [
            HttpChannel(
                name=f"{kind}:{parameter}",
                kind=KINDS[kind],
                parameter=parameter,
                timeout_seconds=settings.webhook_timeout_seconds,
                ssm=ssm,
            )
            for kind, parameter in settings.web_channels
        ]
    ledger = NoticeTable(settings.notice_table_name, boto3.client("dynamodb", config=AWS_CONFIG), time.time)
    logs = LogGroups(settings.log_groups, boto3.client("logs", config=DETAILS_CONFIG), time.monotonic)
    changes = AlarmHistory(boto3.client("cloudwatch", config=DETAILS_CONFIG))
    return Dependencies(tuple(channels), ledger, settings.link_targets, logs, settings.alarm_metrics, changes)
