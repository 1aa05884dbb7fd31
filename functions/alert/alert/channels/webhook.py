"""The generic webhook: a notice as JSON for programs, and a signature that proves who sent it."""

import hashlib
import hmac
from typing import Any

from alert.notices import Notice
from stockstream.times import format_instant

SCHEMA = "notice.v1"
SIGNATURE_HEADER = "X-Stockstream-Signature"


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
        "lasted_seconds": notice.lasted.total_seconds() if notice.lasted is not None else None,
        "facts": [{"title": title, "value": value} for title, value in notice.facts],
        "reason": notice.reason,
        "links": [{"title": title, "url": url} for title, url in notice.links],
    }


def sign(body: bytes, secret: str, at: int) -> str:
    """The signature of a body, `t=<at>,v1=<hex>`, as SIGNATURE_HEADER carries it.

    v1 is the HMAC-SHA256, under the secret, of the time, a full stop and the body.
    A receiver computes it again, compares it in constant time, and refuses a time that is minutes away,
    so that an old notice cannot be replayed.

    Args:
        body: the bytes that are sent.
        secret: what both sides know.
        at: when it is sent, in seconds since 1970.
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
