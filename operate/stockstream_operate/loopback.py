"""Servers on this machine: which requests are not for them."""

from stockstream.settings import THIS_MACHINE


def is_foreign(host: str | None, origin: str | None, port: int, *, has_pages: bool = False) -> bool:
    """Whether a request comes from a web page elsewhere, which a browser on this machine shows.

    Such a page can send requests to any port of the loopback. The browser then names the page in `Origin`.
    Where the page has its own name point to the loopback, `Host` holds that name.

    Args:
        host: the request's header Host.
        origin: its header Origin.
        port: where the server listens.
        has_pages: whether the server has pages of its own, which send their own Origin.
    """
    places = {f"{name}:{port}" for name in THIS_MACHINE}
    origins = {None, *(f"http://{place}" for place in places)} if has_pages else {None}
    return host not in places or origin not in origins
