"""Simulated time, for all that happens in a drill."""

from datetime import datetime, timedelta


class Clock:
    """A clock on the wall, and the seconds that a process counts.

    Attributes:
        now: what the wall says, UTC.
        seconds: these never go back, and stand still with a machine that hangs.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.seconds = 0.0

    def wait_until(self, moment: datetime) -> None:
        """Nobody does anything until then; nothing where it has passed."""
        if moment > self.now:
            self.let_go_by((moment - self.now).total_seconds())

    def let_go_by(self, seconds: float) -> None:
        """Somebody waits."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds
