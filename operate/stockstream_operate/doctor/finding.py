"""What the doctor finds."""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How bad a finding is."""

    GOOD = "good"
    NOTE = "note"
    """Worth knowing, and in nobody's way: only some of the commands need it."""
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        subject: what was looked at, in a word or two.
        level: how bad it is.
        words: what was found.
        remedy: what to do; empty where nothing is to be done.
    """

    subject: str
    level: Level
    words: str
    remedy: str = ""


def good(subject: str, words: str) -> Finding:
    """What is as it should be."""
    return Finding(subject, Level.GOOD, words)


def note(subject: str, words: str, remedy: str) -> Finding:
    """What only some of the commands need, or what may be as it should be."""
    return Finding(subject, Level.NOTE, words, remedy)


def problem(subject: str, words: str, remedy: str) -> Finding:
    """What is in the way."""
    return Finding(subject, Level.PROBLEM, words, remedy)
