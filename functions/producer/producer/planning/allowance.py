"""The allowance of one run: how many requests it may make, and until when."""

import time
from collections.abc import Callable
from math import inf
from threading import Lock

from producer.providers.provider_errors import RequestNotMadeError


class AllowanceSpentError(RequestNotMadeError):
    """The run has made all the requests that the plan or its time allow it; the next run goes on."""


class Allowance:
    """Counts a run's requests, whichever thread makes them.

    Args:
        clock: a monotonic clock, in seconds.

    Attributes:
        spent: how many were made since begin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = Lock()
        self._clock = clock
        self._most = 0
        self._until = inf
        self.spent = 0

    def begin(self, most: int, until: float = inf) -> None:
        """Begins a run that may make `most` requests, and none after `until` on the clock."""
        self._most, self._until, self.spent = most, until, 0

    @property
    def has_time(self) -> bool:
        """Whether there is time for another request."""
        return self._clock() <= self._until

    def require_time(self) -> None:
        """Checks that the run has time for another request.

        Raises:
            AllowanceSpentError: it has none.
        """
        if not self.has_time:
            raise AllowanceSpentError("this run's time is spent")

    @property
    def left(self) -> int:
        """How many requests the run may still make."""
        return self._most - self.spent

    def spend(self) -> None:
        """Counts a request that is about to be made.

        Raises:
            AllowanceSpentError: it may not be made.
        """
        self.require_time()
        with self._lock:
            if self.spent >= self._most:
                raise AllowanceSpentError(f"this run's {self._most} requests are spent")
            self.spent += 1
