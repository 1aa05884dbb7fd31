"""The alert function's settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from alert.channels.kinds import KINDS
from alert.links import LinkTargets
from stockstream.errors import SettingsError
from stockstream.settings import is_parameter_name, read_number, read_text

# The template has a permission for each, and CloudFormation has no loops.
MOST_CHANNELS = 5


class WebChannel(NamedTuple):
    """A channel that is posted to by HTTP.

    Attributes:
        kind: a key of KINDS, the last part of the parameter's name.
        parameter: the name of the SSM parameter (a SecureString) that holds the address.
    """

    kind: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    Attributes:
        web_channels: from CHANNELS, such as `/prod/slack,/prod/webhook`.
        notice_topic_arn: from NOTICE_TOPIC_ARN; empty for none.
        webhook_timeout_seconds: how long an address may take to answer.
        notice_table_name: from NOTICE_TABLE_NAME.
        link_targets: from DASHBOARD_NAME and LOG_GROUP_NAMES (comma-separated); both may be missing.
        log_groups: from DETAIL_LOG_GROUPS, such as `producer=name,transform=name`: the log group of each
            function whose lines give details; may be missing.
        alarm_metrics: from ALARM_METRICS, such as `prod-SlowAlarm-1A2B=Duration`: the metric of each alarm
            that a composite one names; may be missing.
    """

    web_channels: tuple[WebChannel, ...]
    notice_topic_arn: str
    webhook_timeout_seconds: float
    notice_table_name: str
    link_targets: LinkTargets
    log_groups: Mapping[str, str]
    alarm_metrics: Mapping[str, str]


@cache
def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: one is missing or cannot be used, or there is no channel at all.
    """
    web_channels = parse_channels(os.environ.get("CHANNELS", ""))
    topic = os.environ.get("NOTICE_TOPIC_ARN", "").strip()
    if not web_channels and not topic:
        raise SettingsError("CHANNELS and NOTICE_TOPIC_ARN are both empty: no notice would be sent")
    return Settings(
        web_channels=web_channels,
        notice_topic_arn=topic,
        webhook_timeout_seconds=read_number(os.environ, "WEBHOOK_TIMEOUT_SECONDS", at_least=0.1, at_most=20),
        notice_table_name=read_text(os.environ, "NOTICE_TABLE_NAME"),
        link_targets=LinkTargets(
            os.environ.get("DASHBOARD_NAME", "").strip(), tuple(_read_list("LOG_GROUP_NAMES"))
        ),
        log_groups=_read_pairs("DETAIL_LOG_GROUPS", "a function and its log group, producer=name"),
        alarm_metrics=_read_pairs("ALARM_METRICS", "an alarm and its metric, name=Errors"),
    )


def _read_pairs(name: str, form: str) -> dict[str, str]:
    pairs = {}
    for item in _read_list(name):
        key, _, value = (part.strip() for part in item.partition("="))
        if not key or not value:
            raise SettingsError(f"{name}: {item[:80]!r} is not written as {form}")
        pairs[key] = value
    return pairs


def _read_list(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def parse_channels(text: str) -> tuple[WebChannel, ...]:
    """The channels of a list such as `/prod/slack,/prod/webhook`, without spaces; none where it is empty.

    Raises:
        SettingsError: an item is no name of a channel's parameter, is listed twice, or there are too many.
    """
    # Without spaces, since the template makes a permission for each text between two commas.
    channels = tuple(map(_parse_channel, text.split(","))) if text else ()
    for channel in channels:
        if channels.count(channel) > 1:
            raise SettingsError(f"CHANNELS: {channel.parameter} is listed twice")
    if len(channels) > MOST_CHANNELS:
        raise SettingsError(f"CHANNELS: {len(channels)} are listed, and at most {MOST_CHANNELS} may be")
    return channels


def _parse_channel(item: str) -> WebChannel:
    kind = item.rpartition("/")[2]
    if kind not in KINDS or not is_parameter_name(item):
        # The item is not quoted: somebody may have put an address, a secret, in the parameter's place.
        raise SettingsError(
            "CHANNELS: write each channel as the name of its SSM parameter, whose last part says of which "
            f"kind it is: {', '.join(f'/stockstream/{known}' for known in KINDS)}"
        )
    return WebChannel(kind, item)
