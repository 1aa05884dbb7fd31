"""Numbers of things, and how people read them."""

from typing import NamedTuple


class FileTotals(NamedTuple):
    """How many files there are, and how large they are together, in bytes."""

    files: int
    size: int


def say_count(number: int, noun: str) -> str:
    """`1 bar`, `2,000 bars`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
