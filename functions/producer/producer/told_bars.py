"""Which impossible bars have been told of, so that one that stays on show is told of once."""

from producer.providers.answers import RejectedBar

# A bar of a minute may stay on show for a hundred runs. The oldest are forgotten first, and told of again if
# they are still there; so they are in another container.
_MOST_REMEMBERED = 20_000


class ToldBars:
    """What one process remembers of the bars that it has told of."""

    def __init__(self) -> None:
        self._told: dict[int, None] = {}

    def news(self, name: str, rejected: RejectedBar) -> bool:
        """Whether this bar of an instrument has not been told of with these fields. From now on it has."""
        return self.is_first(name, rejected.stamp, rejected.shown)

    def is_first(self, *words: str) -> bool:
        """Whether these words come for the first time."""
        key = hash(words)
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _MOST_REMEMBERED:
            del self._told[next(iter(self._told))]
        return True
