"""Microsoft Teams: a notice as an Adaptive Card, for a workflow that takes webhook requests."""

from typing import Any

from alert.channels.quoting import quote_answer
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity

LINES = 20  # each is a block of its own, and a card may have 28 KB
VERSION = "1.4"  # the newest that Teams shows everywhere, phones included

_STYLES = {AlarmState.OK: "good", AlarmState.INSUFFICIENT_DATA: "emphasis", None: "accent"}
_ALARM_STYLES = {
    Severity.CRITICAL: "attention",
    Severity.WARNING: "warning",
    Severity.INFO: "accent",
    None: "attention",
}


def render_teams(notice: Notice) -> dict[str, Any]:
    """The message of a notice: a card in the envelope that Teams expects."""
    style = _ALARM_STYLES[notice.severity] if notice.is_alarm else _STYLES[notice.state]
    body = [
        {
            "type": "Container",
            "style": style,
            "bleed": True,
            "items": [_text(_run(notice.title, weight="Bolder", size="Large"))],
        }
    ]
    *lines, rest = notice.summary.split("\n", LINES - 1)
    body += [_text(_run(line)) for line in (*lines, rest.replace("\n", " ")) if line]
    body += [_text(_run(f"{title}: ", weight="Bolder"), _run(value)) for title, value in notice.facts]
    if notice.reason:
        body.append(_text(_run(notice.reason, size="Small", isSubtle=True)))
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in notice.links],
    }
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def find_teams_refusal(body: bytes) -> str:
    """Why Teams refused a notice although it answered 200 to 299; empty if it took it.

    A workflow accepts a notice with 202 and an empty body, and a connector of the older kind with 200 and
    `1`. The latter answers 200 also if the message failed, such as for its length or a rate limit:
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 ..."
    (learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
    """
    words = body.decode("utf-8", "replace").lower()
    has_failed = "failed" in words or "error" in words
    return f"answered {quote_answer(body)}" if has_failed else ""


def _text(*runs: dict[str, Any]) -> dict[str, Any]:
    # Not a TextBlock or a FactSet, which read Markdown: a formula such as m1*2/m2*3 would turn italic.
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **looks: str | bool) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}
