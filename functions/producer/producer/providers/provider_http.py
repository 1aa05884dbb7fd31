"""Getting one answer from a provider, with limits on its time and its size. The key appears nowhere."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

from producer.providers.provider_errors import MalformedAnswerError, ProviderUnavailableError

# The longest answer that is asked for is 30 days of a coin: 30 * 1,440 bars of about 190 bytes are 8 MB.
LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
# A shorter one, such as Alpha Vantage's "demo", is no secret, and may be part of a word or of a number.
_SHORTEST_SECRET = 8

# A server that asks for more may have meant it, or counts in other units: it is tried again all the same.
_LONGEST_PAUSE = timedelta(hours=1)

# These log the whole address, at DEBUG and when a header is odd, and Alpha Vantage's holds the key.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class Response(NamedTuple):
    """What came back: the secrets in it are replaced by `[key]`.

    Attributes:
        status: HTTP's.
        body: the answer's bytes.
        asked_at: when it was asked for.
        as_of: when it had come.
        retry_after: for how long the server asks to be left alone, an hour at the most; None if it does not.
    """

    status: int
    body: bytes
    asked_at: datetime
    as_of: datetime
    retry_after: timedelta | None = None


class ProviderHttp:
    """One provider's server.

    Args:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        timeout_seconds: how long to wait for a connection, for each part of an answer, and for the whole.
        secrets: what must not be shown, even where the provider repeats it.
        before_request: called before each request; what it raises goes to the caller.
        now: the clock.
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        timeout_seconds: float,
        secrets: Collection[str],
        before_request: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._secrets = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._before_request = before_request
        self._now = now

    def get(
        self, path: str, parameters: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer to one request, whatever its status.

        Raises:
            ProviderUnavailableError: there is none, it breaks off, or it takes too long.
            MalformedAnswerError: it is longer than any answer that was asked for.
        """
        self._before_request()
        asked_at = self._now()
        try:
            with self._session.get(
                self._url + path,
                params=parameters,
                headers=headers,
                timeout=self._timeout_seconds,
                allow_redirects=False,  # the key goes to the provider's address and nowhere else
                stream=True,
            ) as response:
                body, asks_for = self._read(response), response.headers.get("Retry-After", "")
        except (requests.RequestException, HTTPError, OSError) as error:
            # The exception's text can hold the address, and the address the key.
            raise ProviderUnavailableError(
                f"no whole answer from {self._url}: {type(error).__name__}"
            ) from None
        for secret in self._secrets:
            body = body.replace(secret, b"[key]")
        as_of = self._now()
        return Response(response.status_code, body, asked_at, as_of, read_retry_after(asks_for, as_of))

    def _read(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + self._timeout_seconds
        body = bytearray()
        # read1 returns what one read of the socket gave. The others wait until a whole piece is there, and
        # since the timeout starts anew with each byte, a server that drips could hold them for ever.
        while part := response.raw.read1(_READ_BYTES, decode_content=True):
            body += part
            if len(body) > LONGEST_ANSWER_BYTES:
                raise MalformedAnswerError(
                    f"the answer of {self._url} is longer than {LONGEST_ANSWER_BYTES:,} bytes"
                )
            if time.monotonic() > deadline:
                raise ProviderUnavailableError(
                    f"the answer of {self._url} took longer than {self._timeout_seconds:g} s"
                )
        return bytes(body)


def read_retry_after(text: str, now: datetime) -> timedelta | None:
    """What a Retry-After header asks for, in seconds or as a date; an hour at the most.

    Args:
        text: its value; empty where there is none.
        now: UTC.
    """
    try:
        pause = timedelta(seconds=int(text)) if text.isascii() and text.isdigit() else _parse_date(text) - now
    except (ValueError, OverflowError):
        return None
    return min(pause, _LONGEST_PAUSE) if pause > timedelta() else None


def _parse_date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
