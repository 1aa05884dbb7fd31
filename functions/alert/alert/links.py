"""Addresses in the AWS console: the alarm, the dashboard, and the logs around a moment."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

# In a partition that is not known here, a notice has no links rather than wrong ones.
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
_BEFORE, _AFTER = timedelta(minutes=15), timedelta(minutes=5)
_QUERY = "fields @timestamp, level, message, @message\n| sort @timestamp desc\n| limit 200"


class Link(NamedTuple):
    """A title and an address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class LinkTargets:
    """What a notice points to besides the alarm; empty where there is none.

    Attributes:
        dashboard: the dashboard's name.
        log_groups: the names of the log groups.
    """

    dashboard: str = ""
    log_groups: tuple[str, ...] = ()


def console_links(
    arn: str, alarm: str, moment: datetime | None, link_targets: LinkTargets
) -> tuple[Link, ...]:
    """The links of an alarm.

    Args:
        arn: the alarm's ARN, which names the partition and the region.
        alarm: its name.
        moment: when its state changed; without it there is no link to the logs.
        link_targets: the dashboard and the log groups.
    """
    _, partition, _, region, *_ = (*arn.split(":"), "", "", "", "")
    if partition not in _CONSOLES or not re.fullmatch(r"[a-z0-9-]+", region):
        return ()
    home = f"https://{region}.{_CONSOLES[partition]}/cloudwatch/home?region={region}"
    links = [Link("Alarm", f"{home}#alarmsV2:alarm/{quote(alarm, safe='')}")]
    if link_targets.dashboard:
        links.append(
            Link("Dashboard", f"{home}#dashboards/dashboard/{quote(link_targets.dashboard, safe='')}")
        )
    if link_targets.log_groups and moment:
        links.append(
            Link("Logs", f"{home}#logsV2:logs-insights{_log_query(moment, link_targets.log_groups)}")
        )
    return tuple(links)


def _log_query(moment: datetime, log_groups: tuple[str, ...]) -> str:
    # The console has its own encoding of a query: * stands for %, and $3F and $3D for ? and =.
    start, end = (_encode(_instant(time)) for time in (moment - _BEFORE, moment + _AFTER))
    groups = "".join(f"~'{_encode(group)}" for group in log_groups)
    return (
        f"$3FqueryDetail$3D~(end~'{end}~start~'{start}~timeType~'ABSOLUTE~tz~'UTC"
        f"~editorString~'{_encode(_QUERY)}~source~({groups}))"
    )


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _encode(text: str) -> str:
    return re.sub(rb"[^A-Za-z0-9._-]", lambda found: b"*%02x" % found[0][0], text.encode()).decode()
