"""`stockstream env`: the environment in which AWS's own tools reach the running pipeline, for a shell."""

import argparse
import os
import sys
from collections.abc import Mapping
from shlex import quote

from stockstream_operate.environment import Emulator, isolate
from stockstream_operate.run_lock import read_running
from stockstream_operate.stack import NothingRunsError
from stockstream_operate.workplace import STATE


def add_env(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream env`: none."""
    command.description = (
        "Prints the commands for a shell that make AWS's own tools reach the pipeline that `stockstream up` "
        'runs, and nothing else. Give them to eval "$(...)".'
    )
    command.set_defaults(run=lambda _asked, _screen: sys.stdout.write(read_commands() + "\n"))


def read_commands() -> str:
    """The shell's commands that lead AWS's tools to the running pipeline.

    Raises:
        NothingRunsError: no pipeline runs here.
    """
    running = read_running(STATE)
    if running is None:
        raise NothingRunsError
    return write_commands(os.environ, running.emulator)


def write_commands(environ: Mapping[str, str], emulator: Emulator) -> str:
    """The shell's commands that make an environment one that reaches the emulator and nothing else.

    Args:
        environ: what the user's variables are.
        emulator: what to reach.
    """
    isolated = isolate(environ, emulator)
    changed = {name: value for name, value in isolated.items() if environ.get(name) != value}
    return "\n".join(
        [
            *(f"unset {quote(name)}" for name in sorted(environ.keys() - isolated.keys())),
            *(f"export {quote(name)}={quote(value)}" for name, value in sorted(changed.items())),
        ]
    )
