"""The types of arguments that several commands take; each says what is wrong with a text."""

import argparse
from datetime import date, datetime

from stockstream_operate.moments import MomentError, parse_moment

# argparse gives the type of its subcommands no public name.
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def count(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def day(text: str) -> str:
    """A day, `YYYY-MM-DD`."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-11-01") from None


def moment(text: str) -> datetime:
    """A moment, UTC where it names no zone."""
    try:
        return parse_moment(text, "this")
    except MomentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
