"""A web server on this machine that writes what a test says, byte for byte and as slowly."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain


@contextmanager
def server(*parts: bytes, pause: float = 0.0, again: Iterable[bytes] = ()) -> Iterator[str]:
    """Answers one request with these parts of bytes, and a pause after each; then with what comes again."""

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                for part in chain(parts, again):
                    connection.sendall(part)
                    time.sleep(pause)
            except OSError:
                pass  # the client has gone, as it should

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def head(length: int | None = None, *lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer; without a length its body ends with the connection."""
    sizes = [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *sizes, *lines, "", ""]).encode()
