"""The generic webhook: a notice as JSON, for a program to read."""

from typing import Any

from alert.notices import Notice
from stockstream.times import format_instant

SCHEMA = "notice.v1"


def render_webhook(notice: Notice) -> dict[str, Any]:
    """The JSON object of a notice; what is not known is null or empty.

    `since` is UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; `id` is the same each time that the notice is sent.
    """
    return {
        "schema": SCHEMA,
        "id": notice.id,
        "title": notice.title,
        "name": notice.name,
        "state": notice.state,
        "severity": notice.severity,
        "summary": notice.summary,
        "since": format_instant(notice.since) if notice.since else None,
        "facts": [{"title": title, "value": value} for title, value in notice.facts],
        "reason": notice.reason,
        "links": [{"title": title, "url": url} for title, url in notice.links],
    }
