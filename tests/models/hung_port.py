"""A server that takes every connection and never answers, and an AWS that becomes one during a run."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

type Hangs = Callable[[int, str], bool]


@contextmanager
def hung_port() -> Iterator[str]:
    """The address of the server: the system takes its connections, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class HungAws:
    """Moto's AWS, some of whose calls go to a hung port, over the client's own HTTP and with its timeouts.

    Args:
        url: a hung port's.
        hangs: whether a call is never answered, by its number from 0 and its operation.

    Attributes:
        calls: the operations that were called, in their order; repetitions are no calls of their own.
    """

    def __init__(self, url: str, hangs: Hangs = lambda _number, _operation: False) -> None:
        self.hangs = hangs
        self.calls: list[str] = []
        self._url = url

    def watch(self, client: Any) -> Any:
        """The client, whose calls are watched from now on."""

        def send(request: Any, **_: object) -> None:
            if self.hangs(len(self.calls) - 1, self.calls[-1]):
                request.url = self._url
                client._endpoint.http_session.send(request)  # noqa: SLF001 (it has the client's timeouts)

        client.meta.events.register("provide-client-params", lambda model, **_: self.calls.append(model.name))
        # Before moto's, which would answer.
        client.meta.events.register_first("before-send", send)
        return client
