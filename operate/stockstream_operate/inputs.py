"""What a person types, or another program hands over on standard input."""

import getpass
import sys

from stockstream.errors import StockstreamError


class InputError(StockstreamError):
    """What was handed over cannot be read; the text says why."""


def ask_secretly(prompt: str) -> str:
    """What is typed in the terminal, which does not show it; empty where the typing is ended by Ctrl-D."""
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def read_input(*, first_line: bool = False) -> str:
    """The standard input, or its first line, without the mark of its encoding that Windows may put before it.

    Raises:
        InputError: it is no UTF-8 text.
    """
    try:
        text = sys.stdin.readline() if first_line else sys.stdin.read()
    except UnicodeDecodeError:
        raise InputError("The standard input is no UTF-8 text.") from None
    return text.removeprefix("\ufeff")
