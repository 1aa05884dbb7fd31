"""The run's own servers: they answer who knows the secret path, and read nothing from anybody else."""

import socket
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import requests

from stockstream_local.loopback import LoopbackServer


class Echo(LoopbackServer):
    """Answers everything, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, bytes]] = []

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        self.asked.append((method, target, body))
        return HTTPStatus.OK, b'"yes"'


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        yield server


def test_what_stands_below_the_secret_path_is_answered(echo: Echo) -> None:
    assert requests.get(f"{echo.url}/query?a=b", timeout=10).json() == "yes"
    assert requests.post(echo.url, data=b"{}", timeout=10).json() == "yes"
    assert requests.get(f"{echo.url}?a=b", timeout=10).json() == "yes"

    assert echo.asked == [("GET", "/query?a=b", b""), ("POST", "", b"{}"), ("GET", "?a=b", b"")]


def test_each_server_has_a_path_of_its_own_that_is_too_long_to_guess(echo: Echo) -> None:
    with Echo() as another:
        paths = {urlsplit(each.url).path for each in (echo, another)}

    assert len(paths) == 2
    assert all(len(path) > 40 for path in paths)  # 43 letters of 64: 256 bits


@pytest.mark.parametrize("path", ["", "/", "/query", "/x{secret}", "{secret}x/query"])
def test_without_the_secret_path_nothing_is_there(echo: Echo, path: str) -> None:
    parts = urlsplit(echo.url)
    url = f"http://{parts.netloc}{path.format(secret=parts.path)}"

    for method in ("GET", "POST"):
        answer = requests.request(method, url, data=b"{}", timeout=10)
        assert (answer.status_code, answer.content) == (404, b"{}")
    assert echo.asked == []


@pytest.mark.parametrize(
    "header", [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Host": "evil.test"}], ids=str
)
def test_a_web_page_is_refused_even_if_it_knows_the_path(echo: Echo, header: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, echo.url, headers=header, data=b"{}", timeout=10)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    # What a browser asks before it sends anything else.
    assert requests.options(echo.url, headers=header, timeout=10).status_code == 501
    assert echo.asked == []


def test_what_a_page_sent_is_not_read_as_a_second_request(echo: Echo) -> None:
    parts = urlsplit(echo.url)
    hidden = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
    first = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: http://evil.test\r\n"

    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(f"{first}Content-Length: {len(hidden)}\r\n\r\n{hidden}".encode())
        said = b""
        while piece := connection.recv(4096):
            said += piece

    assert said.count(b"HTTP/1.1") == 1
    assert b"403" in said
    assert echo.asked == []
