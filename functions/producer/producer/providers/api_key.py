"""The provider's key; it is read again when the provider refuses it, since it may have been replaced."""

import time
from collections.abc import Callable
from math import inf
from threading import Lock

from botocore.exceptions import BotoCoreError, ClientError

from producer.providers.provider_errors import KeyNotReadError, KeyRefusedError
from stockstream.errors import SettingsError
from stockstream.observability import logger

# No run is so long, so that each reads the key again once at the most.
_PAUSE_SECONDS = 60
_NONE_STORED = "ParameterNotFound"


class ApiKey[Key]:
    """A key that several threads use.

    Args:
        read: reads the text that is stored.
        parse: makes the key of it.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        read: Callable[[], str],
        parse: Callable[[str], Key],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._parse = parse
        self._clock = clock
        self._lock = Lock()
        self._read_again_at = -inf
        self._unread = ""  # why the last reading brought nothing
        self._key = parse(read())

    def use[Answer](self, ask: Callable[[Key], Answer]) -> Answer:
        """The provider's answer; if it refuses the key and another one is stored, its answer to that one.

        Args:
            ask: makes one request with a key.

        Raises:
            KeyRefusedError: the provider refuses the key that is stored.
            KeyNotReadError: it refuses the one that was read last, and what is stored now cannot be read.
            RequestNotMadeError: the same, since the run has no time left for it.
        """
        key = self._key
        try:
            return ask(key)
        except KeyRefusedError:
            if not self._is_replaced(key):
                raise
        return ask(self._key)

    def _is_replaced(self, refused: Key) -> bool:
        """Whether there is another key by now; reads it again, but at most once a minute."""
        with self._lock:
            if self._key == refused and self._clock() - self._read_again_at >= _PAUSE_SECONDS:
                self._read_again()
            if self._key == refused and self._unread:
                raise KeyNotReadError(f"the key is refused, and cannot be read again: {self._unread}")
            return self._key != refused

    def _read_again(self) -> None:
        self._unread, begun_at = "", self._clock()
        try:
            text = self._read()
        except (BotoCoreError, ClientError) as error:
            logger.warning("key not read again", kind=type(error).__name__, detail=str(error))
            if not (isinstance(error, ClientError) and error.response["Error"]["Code"] == _NONE_STORED):
                self._unread = type(error).__name__
        else:
            try:
                self._key = self._parse(text)
            except SettingsError as error:
                logger.warning("key not read again", kind=type(error).__name__, detail=str(error))
        self._read_again_at = begun_at
