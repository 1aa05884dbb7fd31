"""Who may come in: the browser that was given this start's secret, and no page from elsewhere."""

import hmac
import secrets
from collections.abc import Mapping
from enum import Enum
from http.cookies import CookieError, SimpleCookie

from stockstream_operate.loopback import is_foreign

# The headers that a request is judged by.
CHECKED_HEADERS = ("Host", "Origin", "Cookie", "Sec-Fetch-Site")
# What a browser says of where a request comes from: this page itself, or the person who typed the address.
_AT_HOME = {None, "same-origin", "none"}


class Caller(Enum):
    """What becomes of a request."""

    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    KNOWN = "known"
    BRINGS_KEY = "brings key"


class AccessControl:
    """Who is admitted to one server, by a secret of its own.

    Attributes:
        key: the secret, as it stands in the address that is printed.
        cookie: the name of the cookie that holds it. Cookies know no ports: two servers here need two names.
    """

    def __init__(self, port: int) -> None:
        self.key = secrets.token_urlsafe(32)
        self.cookie = f"stockstream-{port}"
        self._port = port
        self._single: set[str] = set()

    def make_single_key(self) -> str:
        """Another secret, which opens once: a browser gets it as an argument, which others here can read."""
        key = secrets.token_urlsafe(32)
        self._single.add(key)
        return key

    def identify(self, headers: Mapping[str, str | None], key: str | None) -> Caller:
        """What becomes of a request, by its headers and the key in its address.

        Args:
            headers: those of CHECKED_HEADERS, where it has them.
            key: what its address brings as one.
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
        """What the header Cookie holds beside the key, for whom the key is none of their business."""
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
