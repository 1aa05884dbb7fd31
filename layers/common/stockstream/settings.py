"""Reading settings from the environment; the error of a bad one has its name."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from stockstream.errors import SettingsError

LOOPBACK = "127.0.0.1"
# The last one is the name of the host inside a container.
THIS_MACHINE = (LOOPBACK, "localhost", "host.docker.internal")

# The parameters in template.yaml accept the same values (tests compare them).
# Each number has one notation, since the template compares texts: 0.0 would not be the 0 that means none.
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,7})(\.[0-9]{1,6})?")
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")
_HOST = r"([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}"
_HERE = "|".join(map(re.escape, THIS_MACHINE))
_SERVER = re.compile(
    rf"(https://{_HOST}|http://({_HERE}))(?P<port>:[1-9][0-9]{{0,4}})?(/[A-Za-z0-9._~%-]+)*/?"
)
_PARAMETER_NAME = re.compile(r"/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_LAST_PORT = 65_535


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
    """The value of a setting that is a number within bounds, written as 5 or 0.25; zero only as 0.

    Raises:
        SettingsError: it is missing, is no number, is written otherwise, or lies outside the bounds.
    """
    text = read_text(environ, name)
    number = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if not at_least <= number <= at_most or (number == 0 and text != "0"):
        raise SettingsError(
            f"{name} is {text[:40]!r}, and must be a number from {at_least:g} to {at_most:g}, "
            "written as 5 or 0.25, with six decimals at most"
        )
    return number


def read_whole_number(environ: Mapping[str, str], name: str, *, at_least: int, at_most: int) -> int:
    """The value of a setting that is a whole number within bounds.

    Raises:
        SettingsError: it is missing, is no whole number in decimal digits, or lies outside the bounds.
    """
    text = read_text(environ, name)
    if not _WHOLE_NUMBER.fullmatch(text) or not at_least <= int(text) <= at_most:
        raise SettingsError(
            f"{name} is {text[:40]!r}, and must be a whole number from {at_least} to {at_most}"
        )
    return int(text)


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
        SettingsError: it is missing, is neither https nor an address of this machine, or holds more than a
            host, a port and a path.
    """
    url = read_text(environ, name)
    form = _SERVER.fullmatch(url)
    if not form or int((form["port"] or ":443")[1:]) > _LAST_PORT:
        raise SettingsError(
            f"{name} is {url[:80]!r}, and must be the address of a server, https://data.example.com or "
            f"https://example.com:8443/data (http:// only for {', '.join(THIS_MACHINE)})"
        )
    return url.rstrip("/")


def read_parameter_name(environ: Mapping[str, str], name: str) -> str:
    """The value of a setting that is the name of an SSM parameter.

    Raises:
        SettingsError: it is missing, or is no such name.
    """
    value = read_text(environ, name)
    if not is_parameter_name(value):
        # The value is not quoted: somebody may have put the secret in its name's place.
        raise SettingsError(f"{name} must be the name of an SSM parameter, such as /stockstream/api-key")
    return value


def is_parameter_name(text: str) -> bool:
    """Whether a text can be the whole name of an SSM parameter, from its first slash on."""
    return bool(_PARAMETER_NAME.fullmatch(text))


def is_private(url: str) -> bool:
    """Whether nobody on the way to a server can read what is sent: it is https, or on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    )
