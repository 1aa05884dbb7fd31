"""The types of arguments that several commands take; each says what is wrong with a text."""

import argparse
from datetime import date, datetime

from stockstream_operate.moments import MomentError, parse_moment

HIGHEST_PORT = 65_535

# argparse gives the type of its subcommands no public name.
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def count(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def port(text: str) -> int:
    """A port that a server can listen at."""
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 1 to {HIGHEST_PORT}")
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
