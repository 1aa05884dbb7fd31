"""Reading what others wrote: their numbers, and their texts for a message."""

import re

from stockstream.errors import Reason, RecordError

# float() alone would also take 1_1, nan and the digits of other scripts.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 300


def read_number(value: object, name: str) -> float:
    """The number that a value is, or that its text says; infinite where it is too large.

    Args:
        value: what was written.
        name: of the field, for the error's text.

    Raises:
        RecordError: BAD_TYPE.
    """
    if type(value) is float:
        return value
    # bool is an int to Python, and no number to JSON.
    if type(value) is int or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    raise RecordError(Reason.BAD_TYPE, f"{name} is {shorten(value)}, and must be a number")


def shorten(value: object) -> str:
    """A foreign value for a message: cut to what a log line can bear, and fit to be encoded."""
    # JSON can hold halves of surrogate pairs, which UTF-8 cannot.
    return str(value)[:_LONGEST_TEXT].encode("utf-8", "backslashreplace").decode()
