"""How long a call of AWS takes at the most, so that a function can end before its time-out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

# botocore's standard mode waits 1, 2, 4 s and so on before an attempt, and 20 s at the most.
_LONGEST_PAUSE_SECONDS = 20


def longest_call(config: "Config") -> float:
    """How many seconds a call takes if it gets no answer: all attempts, and the pauses between them.

    Args:
        config: a client's, in standard mode, with its timeouts and its total_max_attempts.
    """
    options: Any = config  # its stubs lack the attributes
    attempts = options.retries["total_max_attempts"]
    pauses = sum(min(2**attempt, _LONGEST_PAUSE_SECONDS) for attempt in range(attempts - 1))
    return float(attempts * (options.connect_timeout + options.read_timeout) + pauses)
