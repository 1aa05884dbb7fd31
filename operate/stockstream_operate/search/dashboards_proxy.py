"""Dashboards of a server that wants a signature or a password: a proxy on this machine that brings it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests

from stockstream.settings import LOOPBACK
from stockstream_operate.access_control import CHECKED_HEADERS, AccessControl, Caller
from stockstream_operate.search.client import TIMEOUT_SECONDS, SearchError, Server

ROOT_PATH = "/_dashboards"
# What belongs to one connection, and what differs between the browser's side and the domain's.
_OWN = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}
_OWN |= {
    "accept-encoding",
    "proxy-connection",
    "upgrade",
    "te",
    "trailer",
    "origin",
    "referer",
    "authorization",
    "cookie",
}
_KEY = "key"
_REFUSAL = b"Open the address that `stockstream search open` has printed: it holds the key of this start.\n"


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_ProxyServer"

    def handle_any(self) -> None:
        access, address = self.server.access, urlsplit(self.path)
        head = {name: self.headers[name] for name in CHECKED_HEADERS}
        caller = access.identify(head, dict(parse_qsl(address.query)).get(_KEY))
        if caller is Caller.BRINGS_KEY:
            # Kept by the browser, and no longer in the address, which pages may tell others.
            headers = [("Location", f"{ROOT_PATH}/"), ("Set-Cookie", access.set_cookie)]
            self._refuse(HTTPStatus.FOUND, headers, b"")
        elif caller is not Caller.KNOWN:
            self._refuse(HTTPStatus.FORBIDDEN, [], _REFUSAL)
        elif not _is_within(address.path):
            self._refuse(HTTPStatus.NOT_FOUND, [], b"This proxy serves Dashboards only.\n")
        else:
            self._pass_on(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = handle_any  # noqa: N815 (http.server's)

    def _refuse(self, status: HTTPStatus, headers: list[tuple[str, str]], body: bytes) -> None:
        # What was sent is not read, so that the next request cannot be found behind it.
        self.close_connection = True
        self._answer(status, [*headers, ("Connection", "close")], body)

    def _pass_on(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        if cookies := self.server.access.without_key(self.headers["Cookie"]):
            headers["Cookie"] = cookies
        there = self.server.search.endpoint
        try:
            with self.server.search.session() as session:
                answer = session.request(
                    self.command,
                    f"{there}{self.path}",
                    headers=headers,
                    data=body,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            self._answer(HTTPStatus.BAD_GATEWAY, [], f"{there} gives no answer: {error}\n".encode())
            return
        passed_on = [
            (name, value.replace(there, "").replace("; Secure", ""))
            for name, value in answer.raw.headers.items()
            if name.lower() not in _OWN
        ]
        self._answer(answer.status_code, passed_on, answer.content)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 (the base class's)
        """Logs nothing: a page makes a hundred requests."""


def _is_within(path: str) -> bool:
    """Whether a path is Dashboards': the index itself lies beside it, and is not to be reached."""
    return f"{path}/".startswith(f"{ROOT_PATH}/") and ".." not in unquote(unquote(path))


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, search: Server) -> None:
        super().__init__((LOOPBACK, port), _ProxyHandler)
        self.search = search
        self.access = AccessControl(self.server_port)


@contextmanager
def run_dashboards_proxy(search: Server, port: int) -> Iterator[str]:
    """Serves Dashboards on this machine from `with` to its end.

    Args:
        search: the domain and who signs.
        port: where it listens, on 127.0.0.1; 0 for a free one.

    Yields:
        The address for the browser, with this start's key.

    Raises:
        SearchError: the port is taken, or is none.
    """
    try:
        listening = _ProxyServer(port, search)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SearchError(f"Port {port} cannot be used ({reason}): give another --port.") from None
    with listening as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}{ROOT_PATH}/?{_KEY}={server.access.key}"
        finally:
            server.shutdown()
            thread.join()
