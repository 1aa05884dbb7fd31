"""The allowance of one run: how many requests it may make. Each is counted before it is made."""

from threading import Lock

from producer.providers.provider_errors import RequestNotMadeError


class AllowanceSpentError(RequestNotMadeError):
    """The run has made all the requests that the plan allows it; the next run goes on."""


class Allowance:
    """Counts a run's requests, whichever thread makes them.

    Attributes:
        spent: how many were made since begin.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._most = 0
        self.spent = 0

    def begin(self, most: int) -> None:
        """Begins a run that may make so many requests."""
        self._most, self.spent = most, 0

    @property
    def left(self) -> int:
        """How many requests the run may still make."""
        return self._most - self.spent

    def spend(self) -> None:
        """Counts a request that is about to be made.

        Raises:
            AllowanceSpentError: it may not be made.
        """
        with self._lock:
            if self.spent >= self._most:
                raise AllowanceSpentError(f"this run's {self._most} requests are spent")
            self.spent += 1
