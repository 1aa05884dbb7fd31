"""Who may ask a server on this machine: the browser that was given this start's key, and no other page."""

import hmac
import secrets
from collections.abc import Mapping
from enum import Enum
from http.cookies import CookieError, SimpleCookie

from stockstream_operate.loopback import is_foreign

# The headers by which a caller is identified.
CHECKED_HEADERS = ("Host", "Origin", "Cookie", "Sec-Fetch-Site")
# What a browser says of the origin of a request: this page itself, or the person who typed the address.
_AT_HOME = {None, "same-origin", "none"}


class Caller(Enum):
    """Who sends a request: a page from elsewhere, somebody without the key, with its cookie, or with it."""

    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    KNOWN = "known"
    BRINGS_KEY = "brings key"


class AccessControl:
    """Access to one server, by a key of its own.

    Attributes:
        key: the secret in the address that is printed.
        cookie: the name of the cookie that holds it. Cookies know no ports: two servers here need two names.
    """

    def __init__(self, port: int) -> None:
        self.key = secrets.token_urlsafe(32)
        self.cookie = f"stockstream-{port}"
        self._port = port
        self._single: set[str] = set()

    def make_single_key(self) -> str:
        """A key that works once: a browser gets it as an argument, which other users here can read."""
        key = secrets.token_urlsafe(32)
        self._single.add(key)
        return key

    def identify(self, headers: Mapping[str, str | None], key: str | None) -> Caller:
        """Who sends a request, by its headers and the key in its address.

        Args:
            headers: those of CHECKED_HEADERS, where it has them.
            key: the one in its address; None where there is none.
        """
        host, origin = headers.get("Host"), headers.get("Origin")
        is_elsewhere = headers.get("Sec-Fetch-Site") not in _AT_HOME
        if is_elsewhere or is_foreign(host, origin, self._port, has_pages=True):
            return Caller.FOREIGN
        if key is not None and (self._is_key(key) or self._uses_up(key)):
            return Caller.BRINGS_KEY
        return Caller.KNOWN if self._is_key(self._read_cookie(headers.get("Cookie"))) else Caller.UNKNOWN

    @property
    def set_cookie(self) -> str:
        """The header that gives the browser the key to keep until it is closed."""
        return f"{self.cookie}={self.key}; Path=/; HttpOnly; SameSite=Strict"

    def without_key(self, cookies: str | None) -> str:
        """The header Cookie without the key, for the server behind this one."""
        kept = [each for each in (cookies or "").split(";") if each.partition("=")[0].strip() != self.cookie]
        return ";".join(kept).strip()

    def _is_key(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.key.encode())

    def _uses_up(self, key: str) -> bool:
        try:
            self._single.remove(key)
        except KeyError:
            return False
        return True

    def _read_cookie(self, header: str | None) -> str:
        try:
            morsel = SimpleCookie(header or "").get(self.cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""
