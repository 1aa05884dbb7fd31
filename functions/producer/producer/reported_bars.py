"""Which impossible bars have been reported, so that one that stays on show is logged and counted once."""

from producer.providers.answers import RejectedBar

# A bar of a minute may stay on show for a hundred runs. The oldest are forgotten first, and reported again if
# they are still there; so they are in another container.
_MOST_REMEMBERED = 20_000


class ReportedBars:
    """What one process remembers of the bars that it has reported."""

    def __init__(self) -> None:
        self._reported: dict[int, None] = {}

    def is_new(self, name: str, rejected: RejectedBar) -> bool:
        """Whether a bar of an instrument comes for the first time with these fields."""
        return self.is_first(name, rejected.stamp, rejected.shown)

    def is_first(self, *words: str) -> bool:
        """Whether these words come for the first time."""
        key = hash(words)
        if key in self._reported:
            return False
        self._reported[key] = None
        if len(self._reported) > _MOST_REMEMBERED:
            del self._reported[next(iter(self._reported))]
        return True
