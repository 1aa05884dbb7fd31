"""Dashboards of an Amazon domain in a browser: a proxy on this machine that signs each request."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import requests

from stockstream.settings import LOOPBACK
from stockstream_operate.loopback import is_foreign
from stockstream_operate.search.client import TIMEOUT_SECONDS, Server

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
}


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_ProxyServer"

    def handle_any(self) -> None:
        if self.path == "/":
            self._answer(HTTPStatus.FOUND, [("Location", f"{ROOT_PATH}/")], b"")
        elif not self._is_ours():
            # What was sent is not read, so that the next request cannot be found behind it.
            self.close_connection = True
            self._answer(
                HTTPStatus.FORBIDDEN, [], b"This proxy serves Dashboards only, and only to its own pages.\n"
            )
        else:
            self._pass_on(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = handle_any  # noqa: N815 (http.server's)

    def _is_ours(self) -> bool:
        """A page from elsewhere must not get its requests signed, nor may it reach the index itself."""
        port = self.server.server_port
        is_home = not is_foreign(self.headers["Host"], self.headers["Origin"], port, has_pages=True)
        is_within = self.path.split("?")[0] == ROOT_PATH or self.path.startswith(f"{ROOT_PATH}/")
        return is_home and is_within and ".." not in self.path

    def _pass_on(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
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


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, search: Server) -> None:
        super().__init__((LOOPBACK, port), _ProxyHandler)
        self.search = search


@contextmanager
def run_dashboards_proxy(search: Server, port: int) -> Iterator[str]:
    """Serves Dashboards on this machine from `with` to its end.

    Args:
        search: the domain and who signs.
        port: where it listens, on 127.0.0.1; 0 for a free one.

    Yields:
        The address for the browser.
    """
    with _ProxyServer(port, search) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}{ROOT_PATH}/"
        finally:
            server.shutdown()
            thread.join()
