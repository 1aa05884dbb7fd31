"""The webhook that the alert function posts its notices to when everything runs here."""

import json
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any

from stockstream_local.loopback import LoopbackServer


class NoticeReceiver(LoopbackServer):
    """Takes notices at `url`.

    Attributes:
        notices: what came and was not read yet, as decoded JSON objects.
    """

    def __init__(self) -> None:
        super().__init__()
        self.notices: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._is_down = False

    def fail(self, *, is_down: bool) -> None:
        """Refuses every notice while it is down."""
        self._is_down = is_down

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (any path is right)
        """Takes one notice."""
        if self._is_down:
            return HTTPStatus.SERVICE_UNAVAILABLE, b"{}"
        try:
            notice = json.loads(body)
        except ValueError:
            notice = None
        if method != "POST" or not isinstance(notice, dict):
            return HTTPStatus.BAD_REQUEST, b"{}"
        self.notices.put(notice)
        return HTTPStatus.OK, b"{}"
