"""Child processes that end with all that they started, and nothing else."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

END_SECONDS = 10


@contextmanager
def run_group(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command as the leader of a process group; leaving the `with` kills the whole group.

    Args:
        command: the program and its arguments.
        environ: its environment, whole.
        folder: where it runs.
        log: the file that gets what it prints, from the beginning.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (the commands are ours; no shell reads them)
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C then reaches us alone, and we decide in which order things end.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # The leader may have ended before the processes that it started. A group that has ended is no error
        # (macOS says that a group of zombies is not ours).
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=END_SECONDS)
