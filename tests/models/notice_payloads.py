"""What each channel is sent for each sample event; `python tests/models/notice_payloads.py` writes them anew.

The files in tests/contract/payloads are for people to read: a change to a notice is seen there as a diff.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from alert.alarms import parse_alarm
from alert.channels.mail import render_mail
from alert.channels.slack import render_slack
from alert.channels.teams import render_teams
from alert.channels.webhook import render_webhook
from alert.links import LinkTargets
from alert.messages import read_messages
from alert.notices import write_notice

EVENTS = Path(__file__).parents[2] / "events"
PAYLOADS = Path(__file__).parents[1] / "contract" / "payloads"
LINK_TARGETS = LinkTargets(
    "stockstream-prod", ("stockstream-prod-ProducerLog-1", "stockstream-prod-TransformLog-2")
)
# What the ledger and the logs would say.
LASTED = {"alarm-ok": timedelta(minutes=12), "alarm-price-move-ok": timedelta(minutes=10)}
DETAILS = {
    "alarm-price-move": (
        "IBM fell 7.21 %, from 283.0424 to 262.6447, between 15:30 and 15:35 UTC (5 bars of 1min).",
    )
}


class Payload(NamedTuple):
    """A file's name, and the payloads of one message by channel."""

    name: str
    channels: dict[str, Any]


def render_samples() -> Iterator[Payload]:
    """The payloads of every message in the sample events for the alert function."""
    for path in sorted(EVENTS.glob("*.json")):
        if not path.stem.startswith(("alarm-", "sns-")):
            continue
        for number, message in enumerate(read_messages(json.loads(path.read_text(encoding="utf-8"))), 1):
            notice = write_notice(
                message,
                parse_alarm(message.text),
                LASTED.get(path.stem),
                LINK_TARGETS,
                DETAILS.get(path.stem, ()),
            )
            channels = {
                "slack": render_slack(notice),
                "teams": render_teams(notice),
                "webhook": render_webhook(notice),
                "mail": render_mail(notice)._asdict(),
            }
            # As JSON has them: enumerations are strings there.
            name = path.stem if number == 1 else f"{path.stem}-{number}"
            yield Payload(name, json.loads(json.dumps(channels)))


if __name__ == "__main__":
    for name, channels in render_samples():
        text = json.dumps(channels, indent=2, ensure_ascii=False)
        (PAYLOADS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
