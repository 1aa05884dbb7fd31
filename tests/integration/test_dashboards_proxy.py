"""`stockstream search open`: the proxy signs for the browser that has its key, and for nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from stockstream_operate.search.client import Server
from stockstream_operate.search.dashboards_proxy import run_dashboards_proxy


@dataclass
class Domain:
    """A domain that answers everything, and what it was asked.

    Attributes:
        url: the proxy's address, as it is printed.
        asked: the path, the cookies and the body of each request, and who signed it.
    """

    url: str = ""
    asked: list[tuple[str, str | None, bytes, str | None]] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Of the proxy."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture
def domain() -> Iterator[Domain]:
    domain = Domain()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            head = self.headers
            domain.asked.append((self.path, head["Cookie"], body, head["Authorization"]))
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"dashboards")

        do_POST = do_GET  # noqa: N815 (http.server's)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        search = Server(f"http://127.0.0.1:{server.server_port}", ("ann", "secret"))
        with run_dashboards_proxy(search, 0) as domain.url:
            yield domain
        server.shutdown()


@pytest.fixture
def browser(domain: Domain) -> Iterator[requests.Session]:
    """A browser that has opened the printed address."""
    with requests.Session() as session:
        session.get(domain.url, timeout=5)
        domain.asked.clear()
        yield session


def test_the_printed_address_opens_dashboards_and_does_not_stay_in_it(domain: Domain) -> None:
    with requests.Session() as session:
        answer = session.get(domain.url, timeout=5)

    assert (answer.status_code, answer.text) == (200, "dashboards")
    assert answer.url == f"{domain.root}/_dashboards/"
    # The domain is told neither the key nor the cookie that holds it.
    assert domain.asked == [("/_dashboards/", None, b"", "Basic YW5uOnNlY3JldA==")]
    assert "HttpOnly; SameSite=Strict" in answer.history[0].headers["Set-Cookie"]


def test_what_its_pages_send_is_passed_on_with_their_own_cookies(
    domain: Domain, browser: requests.Session
) -> None:
    browser.cookies.set("security_tenant", "global")

    answer = browser.post(
        f"{domain.root}/_dashboards/api?a=..", b"asked", timeout=5, headers={"Origin": domain.root}
    )

    assert answer.text == "dashboards"
    ((path, cookies, body, _),) = domain.asked
    assert (path, cookies, body) == ("/_dashboards/api?a=..", "security_tenant=global", b"asked")


@pytest.mark.parametrize("address", ["", "?key=", "?key=guess"])
def test_nothing_is_signed_without_the_key(domain: Domain, address: str) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{domain.root}/_dashboards/{address}", timeout=5)

        assert answer.status_code == 403
        assert "it holds the key of this start" in answer.text
    assert domain.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Host": "evil.test:5601"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_page_from_elsewhere_gets_nothing_signed_though_the_browser_has_the_cookie(
    domain: Domain, browser: requests.Session, headers: dict[str, str]
) -> None:
    for url in (f"{domain.root}/_dashboards/", domain.url):
        assert browser.get(url, headers=headers, timeout=5).status_code == 403
    assert domain.asked == []


@pytest.mark.parametrize(
    "path", ["/bars/_search", "/_dashboardsx", "/_dashboards/%2e%2e/bars", "/_dashboards/%252e%252e/bars"]
)
def test_the_index_beside_dashboards_is_not_reached(
    domain: Domain, browser: requests.Session, path: str
) -> None:
    request = browser.prepare_request(requests.Request("GET", domain.root))
    request.url = f"{domain.root}{path}"

    assert browser.send(request, timeout=5).status_code == 404
    assert domain.asked == []
