"""Numbers and texts from outside: parsing the ones, and making the others safe to show."""

import re
from binascii import b2a_base64
from unicodedata import category

from stockstream.errors import Reason, RecordError

# float() alone would also take 1_1, nan and the digits of other scripts.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 300
# Only the beginning of a text is shown, and searching 16 MB would take seconds.
_MOST_LOOKED_AT = 64 * 1024
_SHORTEST_SECRET = 8
# Of JSON, Python, URLs and HTML, and JSON's escaped slash.
_ESCAPE = re.compile(
    r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,5});|&#([0-9]{1,6});|\\(/)",
    re.IGNORECASE,
)
_MOST_WRAPPINGS = 3
_FOR_ADDRESSES = str.maketrans("+/", "-_")
# In all their spellings; one set for the process, since any log line or error may show a text from outside.
_SECRETS: set[str] = set()


def parse_number(value: object, name: str) -> float:
    """The number that a value is, or that its text says; infinite where it is too large.

    Args:
        value: a number or a text.
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
    """Makes `shorten` hide a text from now on, in whichever encoding it comes back."""
    # A shorter text, such as Alpha Vantage's "demo", is no secret, and may be part of a word or a number.
    if len(text) >= _SHORTEST_SECRET:
        _SECRETS.update(_spellings(text))


def shorten(value: object) -> str:
    """A value from outside for a message: without our secrets, all visible, 300 characters at the most."""
    return make_visible(_hide(str(value)[:_MOST_LOOKED_AT])[:_LONGEST_TEXT])[:_LONGEST_TEXT]


def make_visible(text: str) -> str:
    r"""A text with everything visible: control characters, direction marks and half characters are escaped.

    `\x1b`, `\u202e` and halves of surrogate pairs, which UTF-8 cannot encode, are written as in Python.
    """
    # To Python the only printable space is U+0020.
    return "".join(c if c.isprintable() or category(c) == "Zs" else repr(c)[1:-1] for c in text)


def _hide(text: str) -> str:
    if not _SECRETS:
        return text
    # UTF-16 read as ASCII has a NUL between the letters, which nobody sees: the key could be read.
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
    """A text without the escapes of JSON, URLs and HTML, which may be nested."""
    for _ in range(_MOST_WRAPPINGS):
        text, count = _ESCAPE.subn(_character, text)
        if not count:
            break
    return _drop_unseen(text)


def _character(escape: re.Match[str]) -> str:
    hexadecimal, decimal, slash = escape[1] or escape[2] or escape[3] or escape[4], escape[5], escape[6]
    return slash or chr(int(hexadecimal, 16) if hexadecimal else int(decimal))


def _spellings(secret: str) -> set[str]:
    """The spellings of a secret: as it is, without its own escapes, in hexadecimal and in base64."""
    data = secret.encode()
    spelled = {secret, _unescape(secret), data.hex()}
    for ahead in range(3):
        # In base64 it looks different with 0, 1 or 2 bytes before it (modulo 3). Its first and last letters
        # also hold bits of the neighbouring bytes, so they are left out.
        encoded = b2a_base64(bytes(ahead) + data, newline=False).decode()
        first, last = (0, 2, 3)[ahead], (0, 3, 2)[(ahead + len(data)) % 3]
        inner = encoded[first : len(encoded) - last]
        spelled |= {inner, inner.translate(_FOR_ADDRESSES)}
    return spelled
