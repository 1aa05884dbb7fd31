"""Alpha Vantage's long answers: since when their bars are wanted, and when one may be asked for. Pure.

A long answer takes a request of its own, alone or as the second one after a short answer. Two requests in a
row may be too quick for a plan that allows each alone.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from producer.providers.provider_errors import DailyQuotaError, NotEntitledError, ProviderError

# After a failure the next one is asked for after 30 minutes, 1 hour, 2 and so on up to half a day. After a
# refusal by the plan it is half a day, 1 day, 2 and so on up to 16: each costs one of a day's requests, and
# some bars where the requests are just enough. If the day's requests are spent, it is half a day.
_REFUSED_PAUSE, _FAILED_PAUSE = timedelta(hours=12), timedelta(minutes=30)
_MOST_DOUBLINGS = 5


class LongAnswers:
    """When long answers may be asked for; a failure about one instrument holds for all.

    Args:
        now: the clock.

    Attributes:
        are_refused: whether the plan has none.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._wanted_since: dict[str, datetime] = {}
        self._failures = self._refusals = 0
        self._alone_not_before = self._second_not_before = datetime.min.replace(tzinfo=UTC)
        self.are_refused = False

    def want(self, name: str, since: datetime) -> None:
        """Notes that an instrument's bars are wanted since a moment, and that no short answer shows them."""
        self._wanted_since[name] = min(since, self._wanted_since.get(name, since))

    def due_since(self, name: str) -> datetime | None:
        """Since when an instrument's bars are wanted; None while no long answer alone may be asked for."""
        return self._wanted_since.get(name) if self._now() >= self._alone_not_before else None

    def may_be_second(self) -> bool:
        """Whether a long answer may be asked for now, after a short one."""
        return self._now() >= self._second_not_before

    def succeed(self, name: str) -> None:
        """Notes that an instrument's long answer has come."""
        self._wanted_since.pop(name, None)
        self._failures = self._refusals = 0
        self.are_refused = False

    def fail(self, error: ProviderError, *, alone: bool) -> None:
        """Notes that one did not come, and begins a pause.

        Args:
            error: why not.
            alone: whether it was asked for alone. If a second request fails, one alone may be made at once,
                unless the plan refuses it.
        """
        self.are_refused = isinstance(error, NotEntitledError | DailyQuotaError)
        self._second_not_before = self._now() + self._pause(error)
        if alone or self.are_refused:
            self._alone_not_before = self._second_not_before

    def _pause(self, error: ProviderError) -> timedelta:
        if isinstance(error, NotEntitledError):
            self._refusals += 1
            return _doubled(_REFUSED_PAUSE, self._refusals)
        self._failures += 1
        if isinstance(error, DailyQuotaError):
            return _REFUSED_PAUSE
        return min(_REFUSED_PAUSE, _doubled(_FAILED_PAUSE, self._failures))


def _doubled(pause: timedelta, times: int) -> timedelta:
    """The pause after so many in a row."""
    return pause * 2.0 ** min(times - 1, _MOST_DOUBLINGS)
