"""Running a command that was asked for: each mistake, failure and signal ends in a sentence."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from stockstream.errors import StockstreamError
from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.screen import Screen
from stockstream_operate.whole_file import say_os_error
from stockstream_operate.workplace import ROOT, STATE, find_other_clone

# What a shell calls a program that Ctrl-C ended.
INTERRUPTED = 130
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_asked(asked: argparse.Namespace) -> int:
    """Calls what the command's options name as `run`.

    Returns:
        The exit status: 0, 1 or INTERRUPTED.
    """
    # A value or a text may hold a word between colons, which is no name of an emoji.
    screen = Screen(Console(emoji=False))
    take_region(os.environ)
    if other := find_other_clone(Path.cwd()):
        Screen(Console(stderr=True, emoji=False)).say(
            f"This command is that of the clone {ROOT}, and you are in {other}. "
            "If this one is a copy of it, `make setup` gives it a command of its own.",
            style="yellow",
        )
    try:
        with _stopped_once():
            asked.run(asked, screen)
    except StockstreamError as error:
        return _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        if getattr(asked, "stack", None) or getattr(asked, "is_for_aws", False):
            return _fail(f"AWS gave no good answer. {say_aws_error(error)}")
        return _fail(f"The local AWS gave no good answer ({error}). Its log: {STATE}/emulator.log")
    except OSError as error:
        return _fail_to_write(error)
    except KeyboardInterrupt:
        Screen(Console(stderr=True)).say("Stopped.")
        return INTERRUPTED
    return 0


def take_region(environ: MutableMapping[str, str]) -> None:
    """AWS_REGION names the region, as for AWS's own tools: boto3 and sam know AWS_DEFAULT_REGION alone."""
    if region := environ.get("AWS_REGION"):
        environ["AWS_DEFAULT_REGION"] = region


def _fail_to_write(error: OSError) -> int:
    """Says why a file cannot be read or written: a full disk, no permission."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try it again at its end, and fail with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(f"What it prints cannot be written ({error.strerror or error}), and is cut off.")
    return _fail(say_os_error(error))


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
