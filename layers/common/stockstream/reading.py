"""Reading what others wrote: their numbers, and their texts for a message."""

import re
from binascii import b2a_base64
from unicodedata import category

from stockstream.errors import Reason, RecordError

# float() alone would also take 1_1, nan and the digits of other scripts.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 300
# No more is looked at: a body of 16 MB would take seconds, and what is shown is at its beginning.
_MOST_LOOKED_AT = 64 * 1024
_SHORTEST_SECRET = 8
# Of JSON, Python, addresses and HTML, and JSON's other way to write a slash.
_ESCAPE = re.compile(
    r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,5});|&#([0-9]{1,6});|\\(/)",
    re.IGNORECASE,
)
_MOST_WRAPPINGS = 3
_FOR_ADDRESSES = str.maketrans("+/", "-_")
# In all their spellings. Of the whole process, since a text can leave it anywhere: in a log line, an error.
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
        _SECRETS.update(_spellings(text))


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
    plain = _drop_unseen(text)
    hidden = _replace_secrets(plain)
    unescaped = _unescape(hidden)
    if (all_hidden := _replace_secrets(unescaped)) != unescaped:
        return all_hidden
    return text if hidden == plain else hidden


def _replace_secrets(text: str) -> str:
    folded = text.casefold()
    for spelling in tuple(_SECRETS):  # another thread may add its secret meanwhile
        if spelling.casefold() in folded:
            text = re.sub(re.escape(spelling), "[key]", text, flags=re.IGNORECASE)
            folded = text.casefold()
    return text


def _drop_unseen(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


def _unescape(text: str) -> str:
    """A text without the escapes of JSON, of addresses and of HTML, which may be wrapped into one another."""
    for _ in range(_MOST_WRAPPINGS):
        text, count = _ESCAPE.subn(_character, text)
        if not count:
            break
    return _drop_unseen(text)


def _character(escape: re.Match[str]) -> str:
    hexadecimal, decimal, slash = escape[1] or escape[2] or escape[3] or escape[4], escape[5], escape[6]
    return slash or chr(int(hexadecimal, 16) if hexadecimal else int(decimal))


def _spellings(secret: str) -> set[str]:
    """A secret as it may be repeated: as it is, without its own escapes, in hexadecimal and in base64."""
    data = secret.encode()
    spelled = {secret, _unescape(secret), data.hex()}
    for ahead in range(3):
        # Where it begins among what was encoded with it says how it looks; its ends mix with those of that.
        encoded = b2a_base64(bytes(ahead) + data, newline=False).decode()
        first, last = (0, 2, 3)[ahead], (0, 3, 2)[(ahead + len(data)) % 3]
        inner = encoded[first : len(encoded) - last]
        spelled |= {inner, inner.translate(_FOR_ADDRESSES)}
    return spelled
