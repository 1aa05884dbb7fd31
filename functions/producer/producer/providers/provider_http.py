"""One request to a provider, with limits on its time and size. The key appears in no log and no error."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests

from producer.providers.provider_errors import MalformedAnswerError, ProviderUnavailableError
from stockstream.guarded_http import Flaw, GuardedHttp, NoAnswerError
from stockstream.reading import keep_secret

# The longest answer that is asked for is 30 days of a coin: 30 * 1,440 bars of about 190 bytes are 8 MB.
LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
# In time-outs: one for the request, and as long again for a busy machine.
LONGEST_REQUEST = 2
# A server that asks for a longer pause may count in other units, and is asked again after an hour.
_LONGEST_PAUSE = timedelta(hours=1)


class Response(NamedTuple):
    """A server's response. It may hold secrets, which `shorten` takes out of what is shown of it.

    Attributes:
        status: the HTTP status.
        body: the bytes of the body.
        asked_at: when the request was made.
        as_of: when the response had come.
        retry_after: how long the server asks to wait, an hour at the most; None if it does not say.
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
        timeout_seconds: how long to wait for a whole answer.
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
        self._http = GuardedHttp(session)
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
        """The response to one GET request, whatever its status.

        Args:
            path: of the URL.
            parameters: of the query.
            headers: beside those of each request.
            secrets: what must never be shown, even if the provider repeats it.

        Raises:
            ProviderUnavailableError: there is none, it is cut off, or it takes too long.
            MalformedAnswerError: it is longer than LONGEST_ANSWER_BYTES.
        """
        for secret in secrets:
            keep_secret(secret)
        self._before_request()
        asked_at = self._now()
        try:
            answer = self._http.get(
                self._url + path,
                parameters=parameters,
                headers=headers,
                seconds=self._timeout_seconds,
                most_bytes=LONGEST_ANSWER_BYTES,
            )
        except NoAnswerError as error:
            raise ProviderUnavailableError(f"{self._url}: {error}") from None
        if answer.flaw is Flaw.TOO_LONG:
            raise MalformedAnswerError(
                f"the answer of {self._url} is longer than {LONGEST_ANSWER_BYTES:,} bytes"
            )
        if answer.flaw is Flaw.TOO_SLOW:
            raise ProviderUnavailableError(
                f"the answer of {self._url} took longer than {self._timeout_seconds:g} s"
            )
        if answer.flaw:
            raise ProviderUnavailableError(f"the answer of {self._url} {answer.flaw}")
        as_of = self._now()
        pause = read_retry_after(answer.headers.get("Retry-After", ""), as_of)
        return Response(answer.status, answer.body, asked_at, as_of, pause)


def read_retry_after(text: str, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, in seconds or as a date; an hour at the most.

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
