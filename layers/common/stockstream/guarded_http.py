"""HTTP requests with a limit on their whole time and on the size of the body.

Whatever a server does, a request is over in time, and what is kept of its body is small: also where it sends
a byte every second, or a few compressed bytes that stand for gigabytes.
"""

import logging
import zlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from stockstream.deadline_connections import Deadline, DeadlineAdapter, limit_time
from stockstream.errors import StockstreamError
from stockstream.inflating import Inflate

_READ_BYTES = 64 * 1024
# A server that is up accepts a connection at once; the limit holds for each address of its name.
_CONNECT_SECONDS = 3.0
# Whether a body with this Content-Encoding is compressed; nothing is decompressed twice.
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}

# These log the whole URL, at DEBUG and when a header is malformed, and a URL can be or hold a secret.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class NoAnswerError(StockstreamError):
    """There is no answer; the text says why, and holds no address."""


class Flaw(StrEnum):
    """Why a body is incomplete; it continues a sentence that begins with `the answer`."""

    TOO_LONG = "is too long"
    TOO_SLOW = "took too long"
    BROKEN_OFF = "breaks off"
    UNREADABLE = "cannot be decompressed"


class HttpAnswer(NamedTuple):
    """What a server answered.

    Attributes:
        body: decompressed, as far as it came.
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
        session: for these requests alone.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        for scheme in ("https://", "http://"):
            session.mount(scheme, DeadlineAdapter())

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
    with limit_time(seconds) as deadline:
        try:
            response = ask(
                headers={"Accept-Encoding": "gzip", **headers},
                # The deadline ends a connection that was made; the second time-out only has to be later.
                timeout=(min(_CONNECT_SECONDS, seconds), 2 * seconds),
                # A redirect would send the secrets to another address, and turn a POST into a GET.
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, HTTPError, OSError) as error:
            # urllib3's own errors come for a host such as a..b. The text of any of them may hold the URL.
            kind = "Timeout" if deadline.is_over else type(error).__name__
            raise NoAnswerError(f"no answer ({kind})") from None
        with response:
            body = bytearray()
            flaw = _read(response.raw, body, most_bytes, deadline)
            return HttpAnswer(response.status_code, bytes(body), flaw, response.headers)


def _read(raw: HTTPResponse, body: bytearray, most_bytes: int, deadline: Deadline) -> Flaw | None:
    """Reads into a body; returns why it is incomplete, or None."""
    encoding = raw.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        return Flaw.UNREADABLE
    inflate = Inflate() if _ENCODINGS[encoding] else None
    try:
        # read1 returns what one read of the socket gives; read would wait for all of _READ_BYTES.
        while part := raw.read1(_READ_BYTES, decode_content=False):
            if inflate:
                inflate.add(part, body, most_bytes)
            else:
                body += part
            if len(body) > most_bytes:
                del body[most_bytes:]
                return Flaw.TOO_LONG
            if deadline.is_over:
                break
    except (HTTPError, OSError):
        return Flaw.TOO_SLOW if deadline.is_over else Flaw.BROKEN_OFF
    except zlib.error:
        return Flaw.UNREADABLE
    # Without a Content-Length the body ends with the connection, which the deadline may have closed.
    is_whole = not deadline.is_over and (inflate is None or inflate.is_whole)
    return None if is_whole else Flaw.TOO_SLOW if deadline.is_over else Flaw.BROKEN_OFF
