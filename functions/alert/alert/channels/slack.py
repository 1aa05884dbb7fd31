"""Slack: a notice as Block Kit, for an incoming webhook."""

import json
import re
from itertools import batched
from typing import Any

from alert.channels.quoting import quote_answer
from alert.links import Link
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity

HEADER_LENGTH = 150
SECTION_LENGTH = 3000
FIELDS = 10  # in one section

_SIGNS = {AlarmState.OK: "🟢", AlarmState.INSUFFICIENT_DATA: "⚪", None: "💬"}
_ALARM_SIGNS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵", None: "🔴"}


def render_slack(notice: Notice) -> dict[str, Any]:
    """The message of a notice; its `text` is what a phone's lock screen shows."""
    sign = _ALARM_SIGNS[notice.severity] if notice.is_alarm else _SIGNS[notice.state]
    header = f"{sign} {notice.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(header, HEADER_LENGTH)}}
    ]
    if notice.summary:
        blocks.append({"type": "section", "text": _mrkdwn(_escape(notice.summary))})
    fields = [_mrkdwn(f"*{title}*\n{_escape(value)}") for title, value in notice.facts]
    blocks += [{"type": "section", "fields": list(some)} for some in batched(fields, FIELDS, strict=False)]
    if notice.reason:
        blocks.append({"type": "context", "elements": [_mrkdwn(_escape(notice.reason))]})
    if notice.links:
        # Links and not buttons: a button, even one with an address, asks the app for an interactivity URL.
        blocks.append({"type": "context", "elements": [_mrkdwn(_link(link)) for link in notice.links]})
    return {"text": _escape(header), "blocks": blocks}


def find_slack_refusal(body: bytes) -> str:
    """Why Slack refused a notice although it answered 200; empty if it took it.

    If it did, it answers `ok` (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks); servers
    with the same interface answer with JSON that holds `ok` or `success`.
    """
    words = body.strip()
    try:
        answer = json.loads(words)
    except (ValueError, RecursionError):
        answer = None
    said = answer if isinstance(answer, dict) else {}
    is_taken = words == b"ok" or said.get("ok", said.get("success")) is True
    return "" if is_taken else f"answered {quote_answer(body)}, and not ok"


def _mrkdwn(text: str) -> dict[str, str | bool]:
    # Half of an entity such as &amp; would be shown as it is.
    cut = text if len(text) <= SECTION_LENGTH else re.sub(r"&[a-z]*$", "", text[: SECTION_LENGTH - 1]) + "…"
    # verbatim: otherwise Slack makes links of bare addresses, and mentions of names.
    return {"type": "mrkdwn", "text": cut, "verbatim": True}


def _escape(text: str) -> str:
    # This also keeps a text from mentioning a person or a channel (<!channel>).
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(link: Link) -> str:
    url = link.url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E").replace("&", "&amp;")
    return f"<{url}|{link.title}>"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
