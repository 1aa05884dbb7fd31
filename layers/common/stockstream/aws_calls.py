"""How long a call of AWS may take at the most, so that a function can end before Lambda ends it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

# What botocore's standard mode waits before a repetition: 1, 2, 4 s and so on, and 20 s at the most.
_LONGEST_PAUSE_SECONDS = 20


def longest_call(config: "Config") -> float:
    """How many seconds a call takes that is never answered: all its attempts, and the pauses between them.

    Args:
        config: a client's, in standard mode, with its timeouts and its total_max_attempts.
    """
    known: Any = config  # its stubs lack what it has been given
    attempts = known.retries["total_max_attempts"]
    pauses = sum(min(2**attempt, _LONGEST_PAUSE_SECONDS) for attempt in range(attempts - 1))
    return float(attempts * (known.connect_timeout + known.read_timeout) + pauses)
