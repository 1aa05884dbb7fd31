"""`stockstream down`: ends the run of this clone, also one whose terminal is gone."""

import argparse
import os
import signal
import time
from contextlib import suppress

from stockstream.errors import StockstreamError
from stockstream_operate.run_lock import read_process
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import STATE

END_SECONDS = 30
_POLL_SECONDS = 0.1


class NotEndedError(StockstreamError):
    """The run goes on; the text says what to do."""


def add_down(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream down`: none."""
    command.description = (
        "Ends the pipeline that `stockstream up` runs in this clone, and all that it started; "
        "what it delivered stays."
    )
    command.set_defaults(run=lambda _asked, screen: run_down(screen))


def run_down(screen: Screen) -> None:
    """Asks the run to end, as Ctrl-C does, and waits until it has.

    Raises:
        NotEndedError: it has not.
    """
    process = read_process(STATE)
    if process is None:
        screen.say("Nothing runs here.")
        return
    with suppress(ProcessLookupError):  # it has ended by itself meanwhile
        os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while read_process(STATE) == process:
        if time.monotonic() > deadline:
            raise NotEndedError(
                f"Process {process} has not ended in {END_SECONDS} s. End it by force: kill -9 {process}"
            )
        time.sleep(_POLL_SECONDS)
    screen.say("Stopped. Nothing is left running.")
