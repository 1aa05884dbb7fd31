"""The provider's key; it is read again when the provider refuses it, since it may have been replaced."""

import time
from collections.abc import Callable
from math import inf
from threading import Lock

from botocore.exceptions import BotoCoreError, ClientError

from producer.providers.provider_errors import KeyRefusedError
from stockstream.errors import StockstreamError
from stockstream.observability import logger

# No run is so long, so that each reads the key again once at the most.
_PAUSE_SECONDS = 60


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
        self._key = parse(read())

    def use[Answer](self, ask: Callable[[Key], Answer]) -> Answer:
        """The provider's answer; if it refuses the key and another one is stored, its answer to that one.

        Args:
            ask: makes one request with a key.

        Raises:
            KeyRefusedError: the provider refuses the key that is stored.
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
                self._read_again_at = self._clock()
                try:
                    self._key = self._parse(self._read())
                except (StockstreamError, BotoCoreError, ClientError) as error:
                    logger.warning("key not read again", kind=type(error).__name__, detail=str(error))
            return self._key != refused
