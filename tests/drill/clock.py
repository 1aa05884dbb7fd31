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

    def let_go_by(self, seconds: float) -> None:
        """Somebody waits."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds
