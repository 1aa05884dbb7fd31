"""Files that break the emulated stream.

While the first is there, the stream refuses records with the error code that the file holds. While the second
is there, no delivery can read the stream.
"""

from pathlib import Path

# Tell the emulator's process where the files are.
REFUSAL_VARIABLE = "STOCKSTREAM_STREAM_REFUSAL"
UNREADABLE_VARIABLE = "STOCKSTREAM_STREAM_UNREADABLE"
THROTTLED = "ProvisionedThroughputExceededException"
FAILED = "InternalFailure"


def refusal_file(state: Path) -> Path:
    """The file below a run's directory; while it is there, the stream takes nothing."""
    return state / "stream-refusal"


def unreadable_file(state: Path) -> Path:
    """The file below a run's directory; while it is there, no delivery may read the stream."""
    return state / "stream-unreadable"
