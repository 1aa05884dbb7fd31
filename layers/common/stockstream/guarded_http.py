"""Asking a server on the web, with limits on the whole time and on the size of what comes.

The timeouts of requests begin anew with each byte that comes, so that a server that drips its headers, its
body or one `100 Continue` after the other could hold a run for ever, and so could who looks up its name; and
a small compressed body can be a very large one. Whatever the server does, here it is over in time, and its
body stays small.
"""

import logging
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import StrEnum
from functools import partial
from threading import Lock, Thread, Timer
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from stockstream.errors import StockstreamError
from stockstream.inflating import Inflate

_READ_BYTES = 64 * 1024
# A server that is there takes a connection at once, and each of a name's addresses is waited for.
_CONNECT_SECONDS = 3.0
# Whether what comes is compressed; nothing is unpacked twice.
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}

# These log the whole address, at DEBUG and when a header is odd, and an address can be or hold a secret.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class NoAnswerError(StockstreamError):
    """There is no answer; the text says why, and holds no address."""


class Flaw(StrEnum):
    """Why there is only a part of a body; reads on after `the answer`."""

    TOO_LONG = "is too long"
    TOO_SLOW = "took too long"
    BROKEN_OFF = "breaks off"
    UNREADABLE = "cannot be decompressed"


class HttpAnswer(NamedTuple):
    """What a server answered.

    Attributes:
        body: decompressed; what there is of it.
        flaw: why that is not the whole body; None if it is.
        headers: by their names, in any case.
    """

    status: int
    body: bytes
    flaw: Flaw | None
    headers: Mapping[str, str]


class GuardedHttp:
    """A session whose requests are over in time; redirects are not followed.

    Args:
        session: kept over requests, and only for them.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter())

    def get(
        self,
        url: str,
        *,
        seconds: float,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """The answer to a GET, whatever its status.

        Args:
            url: the address.
            seconds: from the first try to connect to the last byte.
            most_bytes: of the body, after decompression.
            headers: beside those of each request.
            parameters: of the address.

        Raises:
            NoAnswerError: there is none in time, or it is no HTTP.
        """
        ask = partial(self._session.get, url, params=parameters)
        return _ask(ask, headers or {}, seconds, most_bytes)

    def post(
        self, url: str, data: bytes, *, seconds: float, most_bytes: int, headers: Mapping[str, str]
    ) -> HttpAnswer:
        """The answer to a POST, with the same limits.

        Raises:
            NoAnswerError: there is none in time, or it is no HTTP.
        """
        return _ask(partial(self._session.post, url, data=data), headers, seconds, most_bytes)


def _ask(
    ask: Callable[..., requests.Response], headers: Mapping[str, str], seconds: float, most_bytes: int
) -> HttpAnswer:
    with _watch(seconds) as watch:
        try:
            response = ask(
                headers={"Accept-Encoding": "gzip", **headers},
                # Once there is a connection it is the watch that ends it.
                timeout=(min(_CONNECT_SECONDS, seconds), 2 * seconds),
                # Secrets go to the address that was named, and a POST that follows becomes a GET.
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, HTTPError, OSError) as error:
            # urllib3's own errors come through for a host such as a..b. Any text may hold the address.
            kind = "Timeout" if watch.is_over else type(error).__name__
            raise NoAnswerError(f"no answer ({kind})") from None
        with response:
            body = bytearray()
            flaw = _read(response.raw, body, most_bytes, watch)
            return HttpAnswer(response.status_code, bytes(body), flaw, response.headers)


class _Watch:
    """Ends what is read from sockets once the time is up, whoever waits for it."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def start(self) -> None:
        self._timer.start()

    def await_connection(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """What connects, where it does so in time; a connection that comes later is closed.

        Raises:
            TimeoutError: it does not.
            HTTPError, OSError, ValueError: it cannot.
        """
        waiting: Future[socket.socket] = Future()

        def work() -> None:
            try:
                connected = connect()
            except (HTTPError, OSError, ValueError) as error:
                with suppress(InvalidStateError):
                    waiting.set_exception(error)
                return
            try:
                waiting.set_result(connected)
            except InvalidStateError:
                connected.close()

        Thread(target=work, daemon=True).start()
        try:
            return waiting.result(self._deadline - time.monotonic())
        finally:
            waiting.cancel()  # nobody waits for it any more

    def add(self, connected: socket.socket) -> None:
        # A second name of the connection, since the first one goes to TLS, and ends when it is closed.
        twin = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._sockets.append(twin)
            if self.is_over:
                _shut(twin)

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            for twin in self._sockets:
                twin.close()
            self._sockets.clear()

    def _end(self) -> None:
        with self._lock:
            for twin in self._sockets:
                _shut(twin)


_watched: ContextVar[_Watch | None] = ContextVar("_watched", default=None)


@contextmanager
def _watch(seconds: float) -> Iterator[_Watch]:
    watch = _Watch(seconds)
    token = _watched.set(watch)
    watch.start()
    try:
        yield watch
    finally:
        _watched.reset(token)
        watch.stop()


def _shut(twin: socket.socket) -> None:
    with suppress(OSError):  # the server has closed it already
        twin.shutdown(socket.SHUT_RDWR)


def _look_at(connected: socket.socket | None) -> None:
    watch = _watched.get()
    if watch and connected:
        watch.add(connected)


class _WatchedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        watch = _watched.get()
        # Whoever looks up a name cannot be ended, and each of its addresses is waited for.
        connected = watch.await_connection(super()._new_conn) if watch else super()._new_conn()
        _look_at(connected)
        return connected

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        # A connection that was kept was made under another watch.
        _look_at(self.sock)
        return super().getresponse()


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as requests has them)
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def _read(raw: HTTPResponse, body: bytearray, most_bytes: int, watch: _Watch) -> Flaw | None:
    """Fills a body; says what keeps it from being whole."""
    encoding = raw.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        return Flaw.UNREADABLE
    inflate = Inflate() if _ENCODINGS[encoding] else None
    try:
        # read1 returns what one read of the socket gave; the others wait until a whole piece is there.
        while part := raw.read1(_READ_BYTES, decode_content=False):
            if inflate:
                inflate.add(part, body, most_bytes)
            else:
                body += part
            if len(body) > most_bytes:
                del body[most_bytes:]
                return Flaw.TOO_LONG
            if watch.is_over:
                break
    except (HTTPError, OSError):
        return Flaw.TOO_SLOW if watch.is_over else Flaw.BROKEN_OFF
    except zlib.error:
        return Flaw.UNREADABLE
    # Without a length the end of the connection is the end of the body, whoever ended it.
    is_whole = not watch.is_over and (inflate is None or inflate.is_whole)
    return None if is_whole else Flaw.TOO_SLOW if watch.is_over else Flaw.BROKEN_OFF
