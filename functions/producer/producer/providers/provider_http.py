"""Getting one answer from a provider, with limits on its time and its size. The key appears nowhere."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

from producer.providers.provider_errors import MalformedAnswerError, ProviderUnavailableError

# The longest answer that is asked for is 30 days of a coin: 30 * 1,440 bars of about 190 bytes are 8 MB.
LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
# In timeouts: a part of an answer may begin when the whole is nearly due.
LONGEST_REQUEST = 2
# A server that is there takes a connection at once, and each of a name's addresses is waited for.
_CONNECT_SECONDS = 3.0
# A shorter one, such as Alpha Vantage's "demo", is no secret, and may be part of a word or of a number.
_SHORTEST_SECRET = 8

# These log the whole address, at DEBUG and when a header is odd, and Alpha Vantage's holds the key.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class Response(NamedTuple):
    """What came back: the secrets in it are replaced by `[key]`."""

    status: int
    body: bytes
    asked_at: datetime
    as_of: datetime


class ProviderHttp:
    """One provider's server.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        timeout_seconds: how long to wait for each part of an answer, and for the whole.
        before_request: called before each request; what it raises goes to the caller.
        now: the clock.
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        timeout_seconds: float,
        before_request: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._before_request = before_request
        self._now = now

    def get(
        self,
        path: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
    ) -> Response:
        """The answer to one request, whatever its status.

        Args:
            path: where to ask.
            parameters: what to ask.
            headers: who asks.
            secrets: what must not be shown, even where the provider repeats it.

        Raises:
            ProviderUnavailableError: there is none, it breaks off, or it takes too long.
            MalformedAnswerError: it is longer than any answer that was asked for.
        """
        self._before_request()
        asked_at, deadline = self._now(), time.monotonic() + self._timeout_seconds
        try:
            with self._session.get(
                self._url + path,
                params=parameters,
                headers=headers,
                timeout=(min(_CONNECT_SECONDS, self._timeout_seconds), self._timeout_seconds),
                allow_redirects=False,  # the key goes to the provider's address and nowhere else
                stream=True,
            ) as response:
                body = self._read(response, deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            # The exception's text can hold the address, and the address the key.
            raise ProviderUnavailableError(
                f"no whole answer from {self._url}: {type(error).__name__}"
            ) from None
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                body = body.replace(secret.encode(), b"[key]")
        return Response(response.status_code, body, asked_at, self._now())

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        # read1 returns what one read of the socket gave. The others wait until a whole piece is there, and
        # since the timeout starts anew with each byte, a server that drips could hold them for ever.
        while time.monotonic() <= deadline:
            part = response.raw.read1(_READ_BYTES, decode_content=True)
            if not part:
                return bytes(body)
            body += part
            if len(body) > LONGEST_ANSWER_BYTES:
                raise MalformedAnswerError(
                    f"the answer of {self._url} is longer than {LONGEST_ANSWER_BYTES:,} bytes"
                )
        raise ProviderUnavailableError(
            f"the answer of {self._url} took longer than {self._timeout_seconds:g} s"
        )
