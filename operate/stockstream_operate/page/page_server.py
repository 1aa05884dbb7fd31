"""The page's web server, for this machine, and for those who were given its key."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

from stockstream.errors import StockstreamError
from stockstream.settings import LOOPBACK
from stockstream_operate.access_control import CHECKED_HEADERS, AccessControl, Caller
from stockstream_operate.page.candles import Json
from stockstream_operate.page.lake_watch import LakeWatch
from stockstream_operate.page.view_request import ViewRequest, ViewRequestError, parse_view_request

FIRST_PORT, PORTS_TO_TRY = 8501, 100
# A browser that hears nothing for longer takes the connection for lost.
HEARTBEAT_SECONDS = 5
# For how long somebody may connect and say nothing.
SILENCE_SECONDS = 20
ASSETS = Path(__file__).parent / "assets"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TEXT, _JSON, _EVENTS = "text/plain; charset=utf-8", "application/json", "text/event-stream"
# Nothing but this server's own files and answers; no inline script or style, no frame, no other host.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types default"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REFUSALS = {
    Caller.FOREIGN: "Open the address that `stockstream page` has printed, in a browser on this machine.",
    Caller.UNKNOWN: "Open the address that `stockstream page` has printed: it holds the key of this start.",
}


# What answers a request, of which the browser may know a version of the lake.
type View = Callable[[ViewRequest | None, int | None], Json]


class PortError(StockstreamError):
    """The page cannot be served at a port; the text says why and what to do."""


class PageServer(ThreadingHTTPServer):
    """Serves the page; `serve_page` runs it.

    Attributes:
        access: who may come in.
    """

    # Its end waits for the answers that are being made.
    daemon_threads = False

    def __init__(
        self,
        port: int,
        scripts: Mapping[str, Path],
        view: View,
        watch: LakeWatch,
    ) -> None:
        self._connections: set[socket.socket] = set()
        self._connections_lock = Lock()
        super().__init__((LOOPBACK, port), _PageHandler)
        self.access = AccessControl(self.server_port)
        self.view = view
        self.watch = watch
        self.files = {f"/{file.name}": file for file in ASSETS.iterdir() if file.suffix != ".html"}
        self.files |= {f"/charts/{name}": file for name, file in scripts.items()}
        # All scripts at once, and not each when another has named it.
        self.preloads = ", ".join(
            f"<{each}>; rel=modulepreload" for each in self.files if each.endswith(".js")
        )
        self.files["/"] = ASSETS / "page.html"

    @property
    def url(self) -> str:
        """Where it listens, without the key."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def get_request(self) -> tuple[socket.socket, object]:
        """The next connection; those that are open are known, so that none outlives the server."""
        connection, address = super().get_request()
        with self._connections_lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Ends a connection."""
        if isinstance(request, socket.socket):
            with self._connections_lock:
                self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Says nothing: a browser that goes away in the middle of an answer is no error."""

    def end_connections(self) -> None:
        """Ends what browsers keep open."""
        with self._connections_lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _PageHandler(BaseHTTPRequestHandler):
    server: PageServer
    server_version, sys_version = "stockstream", ""
    timeout = SILENCE_SECONDS

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        caller = self.server.access.identify(self._head(), asked.get("key"))
        if caller in _REFUSALS:
            self._answer(HTTPStatus.FORBIDDEN, _TEXT, _REFUSALS[caller].encode())
        elif address.path == "/view":
            self.server.watch.give_way()
            self._answer_view(asked)
        elif address.path == "/news":
            self._tell_news()
        elif file := self.server.files.get(address.path):
            self.server.watch.give_way()
            extra = {"Set-Cookie": self.server.access.set_cookie} if caller is Caller.BRINGS_KEY else {}
            if file.suffix == ".html":
                extra["Link"] = self.server.preloads
            self._answer(HTTPStatus.OK, _TYPES[file.suffix], file.read_bytes(), extra)
        else:
            self._answer(HTTPStatus.NOT_FOUND, _TEXT, b"There is nothing here.")

    def do_other(self) -> None:
        """Nothing can be sent to the page, and what is sent is not read."""
        caller = self.server.access.identify(self._head(), None)
        status = HTTPStatus.FORBIDDEN if caller in _REFUSALS else HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(status, _TEXT, b"This page only answers GET.")

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_other  # noqa: N815 (http.server's)

    def _head(self) -> Mapping[str, str | None]:
        return {name: self.headers[name] for name in CHECKED_HEADERS}

    def _answer_view(self, asked: Mapping[str, str]) -> None:
        try:
            request = parse_view_request(asked) if "instrument" in asked else None
        except ViewRequestError as error:
            self._answer(HTTPStatus.BAD_REQUEST, _JSON, json.dumps({"error": str(error)}).encode())
            return
        known = int(asked["known"]) if asked.get("known", "").isdecimal() else None
        shown = self.server.view(request, known)
        self._answer(HTTPStatus.OK, _JSON, json.dumps(shown, allow_nan=False).encode())

    def _tell_news(self) -> None:
        self._begin(HTTPStatus.OK, _EVENTS)
        with suppress(OSError), self.server.watch.listen() as wait:
            while not self.server.watch.is_closing:
                # A browser that has gone is noticed when something is written to it.
                self.wfile.write(f"data: {wait(HEARTBEAT_SECONDS)}\n\n".encode())

    def _answer(
        self, status: HTTPStatus, type_: str, body: bytes, extra: Mapping[str, str] | None = None
    ) -> None:
        self._begin(status, type_, {"Content-Length": str(len(body)), **(extra or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, type_: str, extra: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": type_, **HEADERS, **(extra or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: the address holds the key."""


@contextmanager
def serve_page(
    port: int | None, scripts: Mapping[str, Path], view: View, watch: LakeWatch
) -> Iterator[PageServer]:
    """Serves the page from `with` to its end.

    Args:
        port: where it listens; None for FIRST_PORT or the next free one.
        scripts: the chart library's, by name.
        view: what answers a request.
        watch: notices what is new.

    Raises:
        PortError: another program listens there.
    """
    server = _open(port, scripts, view, watch)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        watch.close()
        server.shutdown()
        thread.join()
        server.end_connections()
        server.server_close()


def _open(port: int | None, scripts: Mapping[str, Path], view: View, watch: LakeWatch) -> PageServer:
    ports = range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY) if port is None else (port,)
    for each in ports:
        with suppress(OSError):
            return PageServer(each, scripts, view, watch)
    if port is None:
        raise PortError(f"Each port from {ports[0]} to {ports[-1]} is taken: name a free one with --port.")
    raise PortError(f"Port {port} cannot be had, since another program listens there: name another, or none.")
