"""Reading settings from the environment: a bad one fails by its name."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from stockstream.errors import SettingsError

LOOPBACK = "127.0.0.1"
# The last one is what a container calls the machine that it runs on.
THIS_MACHINE = (LOOPBACK, "localhost", "host.docker.internal")


def read_text(environ: Mapping[str, str], name: str) -> str:
    """The value of a setting that must be there.

    Raises:
        SettingsError: it is missing or empty.
    """
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def read_number(environ: Mapping[str, str], name: str, *, at_least: float, at_most: float) -> float:
    """The value of a setting that is a number within bounds.

    Raises:
        SettingsError: it is missing, is no number, or lies outside the bounds.
    """
    text = read_text(environ, name)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not at_least <= number <= at_most:
        raise SettingsError(f"{name} is {text[:40]!r}, and must be a number from {at_least:g} to {at_most:g}")
    return number


def read_choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """The value of a setting that is one of a few words.

    Raises:
        SettingsError: it is missing or another word.
    """
    value = read_text(environ, name)
    if value not in choices:
        raise SettingsError(f"{name} is {value[:40]!r}, and must be one of {', '.join(choices)}")
    return value


def read_url(environ: Mapping[str, str], name: str) -> str:
    """The value of a setting that is the address of a server, without a slash at its end.

    Raises:
        SettingsError: it is missing, or is neither https nor an address of this machine.
    """
    url = read_text(environ, name).rstrip("/")
    if not is_private(url):
        raise SettingsError(
            f"{name} is {url[:80]!r}, and must begin with https:// "
            f"(http:// only for {', '.join(THIS_MACHINE)})"
        )
    return url


def is_private(url: str) -> bool:
    """Whether nobody between here and a server can read along: it is https, or on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    )
