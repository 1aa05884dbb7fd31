"""How the emulated stream is told to refuse what is put into it: by a file that holds an error code."""

from pathlib import Path

# Tells the emulator's process where the file is.
REFUSAL_VARIABLE = "STOCKSTREAM_STREAM_REFUSAL"
THROTTLED = "ProvisionedThroughputExceededException"
FAILED = "InternalFailure"


def refusal_file(state: Path) -> Path:
    """The file below a run's directory; while it is there, the stream takes nothing."""
    return state / "stream-refusal"
