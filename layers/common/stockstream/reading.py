"""Reading what others wrote: their numbers, and their texts for a message."""

import re
from unicodedata import category

from stockstream.errors import Reason, RecordError

# float() alone would also take 1_1, nan and the digits of other scripts.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 300
# No more is looked at: a body of 16 MB would take seconds, and what is shown is at its beginning.
_MOST_LOOKED_AT = 64 * 1024
_SHORTEST_SECRET = 8
# Of the whole process, since a text can leave it anywhere: in a log line, an error, an answer.
_SECRETS: set[str] = set()


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


def keep_secret(text: str) -> None:
    """Takes a text out of whatever `shorten` shows from now on, however somebody repeats it."""
    # A shorter one, such as Alpha Vantage's "demo", is no secret, and may be part of a word or of a number.
    if len(text) >= _SHORTEST_SECRET:
        _SECRETS.add(text)


def shorten(value: object) -> str:
    """A foreign value for a message: without our secrets, fit to be shown, cut to what a line can bear."""
    return make_visible(_hide(str(value)[:_MOST_LOOKED_AT])[:_LONGEST_TEXT])[:_LONGEST_TEXT]


def make_visible(text: str) -> str:
    r"""A text of which a person sees all: what moves a cursor, turns the line or is no character is escaped.

    `\x1b`, `\u202e` and halves of surrogate pairs, which UTF-8 cannot encode, are written as in Python.
    """
    # Python counts no space as printable but the plain one.
    return "".join(c if c.isprintable() or category(c) == "Zs" else repr(c)[1:-1] for c in text)


def _hide(text: str) -> str:
    if not _SECRETS:
        return text
    # In UTF-16 a NUL stands between the letters; nobody sees it, and the key would be read all the same.
    plain = "".join(c for c in text if c.isprintable())
    for secret in _SECRETS:
        if secret.casefold() in plain.casefold():
            text = plain = re.sub(re.escape(secret), "[key]", plain, flags=re.IGNORECASE)
    return text
