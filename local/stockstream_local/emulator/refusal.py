"""The file that makes the emulated stream refuse records: it holds the error code to refuse them with."""

from pathlib import Path

# Tells the emulator's process where the file is.
REFUSAL_VARIABLE = "STOCKSTREAM_STREAM_REFUSAL"
THROTTLED = "ProvisionedThroughputExceededException"
FAILED = "InternalFailure"


def refusal_file(state: Path) -> Path:
    """The file below a run's directory; while it is there, the stream takes nothing."""
    return state / "stream-refusal"
