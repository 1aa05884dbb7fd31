"""Connections that end at a deadline: one timer for the name's look-up, connecting, TLS, headers and body.

The timeouts of requests and urllib3 begin anew with each byte that comes, and none limits the look-up. So a
server that sends a header, a body or one `100 Continue` after the other bit by bit could hold a run for ever.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock, Thread, Timer
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError


class Deadline:
    """Shuts the sockets of one request when its time is up, so that whatever reads from them ends."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._deadline

    def start(self) -> None:
        """Starts the timer."""
        self._timer.start()

    def await_connection(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """The connection, if it is made in time; one that is made later is closed.

        Args:
            connect: makes it. Its thread cannot be ended, since nothing ends the look-up of a name.

        Raises:
            TimeoutError: it is not made in time.
            HTTPError, OSError, ValueError: it cannot be made.
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
            waiting.cancel()  # so that a connection that is made later is closed

    def add(self, connected: socket.socket) -> None:
        """Has a connection shut when the time is up."""
        # A duplicate, since TLS takes the socket over and closes it.
        twin = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._sockets.append(twin)
            if self.is_over:
                _shut(twin)

    def stop(self) -> None:
        """Stops the timer, and lets the connections live."""
        self._timer.cancel()
        with self._lock:
            for twin in self._sockets:
                twin.close()
            self._sockets.clear()

    def _end(self) -> None:
        with self._lock:
            for twin in self._sockets:
                _shut(twin)


_current: ContextVar[Deadline | None] = ContextVar("_current", default=None)


@contextmanager
def limit_time(seconds: float) -> Iterator[Deadline]:
    """Ends the connections that this thread makes or uses within the block after so many seconds."""
    deadline = Deadline(seconds)
    token = _current.set(deadline)
    deadline.start()
    try:
        yield deadline
    finally:
        _current.reset(token)
        deadline.stop()


def _shut(twin: socket.socket) -> None:
    with suppress(OSError):  # the server has closed it already
        twin.shutdown(socket.SHUT_RDWR)


def _track(connected: socket.socket | None) -> None:
    deadline = _current.get()
    if deadline and connected:
        deadline.add(connected)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        deadline = _current.get()
        connected = deadline.await_connection(super()._new_conn) if deadline else super()._new_conn()
        _track(connected)
        return connected

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        # A connection that was kept alive was made under another deadline.
        _track(self.sock)
        return super().getresponse()


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class DeadlineAdapter(HTTPAdapter):
    """Makes a session's connections obey limit_time."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as requests has them)
        """Makes the pools."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
