"""A web server for this run alone, in a thread of its own."""

import secrets
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

from stockstream.settings import LOOPBACK
from stockstream_operate.loopback import is_foreign


class LoopbackServer:
    """Listens on a free port of 127.0.0.1, from `with` to its end; a subclass says what it answers.

    It answers below a path that nobody can guess, and refuses web pages before it reads what they send.

    Attributes:
        url: where it listens: `http://127.0.0.1:PORT/SECRET`.
    """

    def __init__(self) -> None:
        self._root = f"/{secrets.token_urlsafe()}"
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}{self._root}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        """The status and the JSON of the answer to one request; called by several threads at once.

        Args:
            method: GET or POST.
            target: the path below the secret one, and the query string.
            body: what was sent.
        """
        raise NotImplementedError

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        respond, root = self.respond, self._root

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes, and the second would wait 40 ms for the first one's receipt.
            disable_nagle_algorithm = True
            server: ThreadingHTTPServer

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                target = self.path.removeprefix(root)
                if is_foreign(self.headers["Host"], self.headers["Origin"], self.server.server_port):
                    status, body = self._refuse(HTTPStatus.FORBIDDEN)
                elif target == self.path or target[:1] not in {"", "/", "?"}:
                    status, body = self._refuse(HTTPStatus.NOT_FOUND)
                else:
                    sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    status, body = respond(self.command, target, sent)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # the caller no longer waits
                    self.wfile.write(body)

            def _refuse(self, status: HTTPStatus) -> tuple[HTTPStatus, bytes]:
                # What was sent is not read, so that the next request cannot be found behind it.
                self.close_connection = True
                return status, b"{}"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
                """Says nothing: the query string holds the key."""

        return Handler
