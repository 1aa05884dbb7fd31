"""The `stockstream` command: what an operator may ask of any stack."""

import argparse
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from stockstream.errors import StockstreamError
from stockstream_operate.arguments import Commands
from stockstream_operate.lake.query_command import add_query
from stockstream_operate.lake.tail_command import add_tail
from stockstream_operate.redrive.dead_letters_command import add_dead_letters
from stockstream_operate.redrive.redrive_command import add_redrive
from stockstream_operate.screen import Screen
from stockstream_operate.search.search_command import add_search
from stockstream_operate.workplace import STATE

# What a shell calls a program that Ctrl-C ended.
INTERRUPTED = 130
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def make_parser() -> tuple[argparse.ArgumentParser, Commands]:
    """The command's parser, and where its subcommands are added."""
    parser = argparse.ArgumentParser(
        prog="stockstream", description="The pipeline on this machine, and what it left to look at."
    )
    return parser, parser.add_subparsers(dest="command", required=True)


def add_commands(commands: Commands) -> Commands:
    """Adds what an operator may ask; gives back where the subcommands of `search` are added."""
    verbs = add_search(commands)
    add_query(commands)
    add_tail(commands)
    add_redrive(commands)
    add_dead_letters(commands)
    return verbs


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Runs what the arguments ask for; each mistake and each failure ends in a sentence.

    Returns:
        0 if it did what was asked, 1 if it could not, 130 if it was stopped before it had.
        (Wrong arguments end the process with 2.)
    """
    asked = parser.parse_args(arguments)
    # What a value or a text has between colons is no name of an emoji.
    screen = Screen(Console(emoji=False))
    try:
        with _stopped_once():
            asked.run(asked, screen)
    except StockstreamError as error:
        return _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        if getattr(asked, "stack", None):
            return _fail(f"AWS gave no good answer: {error}")
        return _fail(f"The local AWS gave no good answer ({error}). Its log: {STATE}/emulator.log")
    except KeyboardInterrupt:
        Screen(Console(stderr=True)).say("Stopped.")
        return INTERRUPTED
    return 0


def _fail(reason: str) -> int:
    Screen(Console(stderr=True, emoji=False)).say(f"stockstream: {reason}", style="red")
    return 1


@contextmanager
def _stopped_once() -> Iterator[None]:
    """Within, the first signal to stop raises KeyboardInterrupt; later ones cannot disturb the end."""

    def stop(*_: object) -> None:
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
