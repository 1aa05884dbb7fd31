"""The proxy before the containers of `make search`, in a real nginx: shut without this run's password."""

import base64
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import requests

from stockstream_local.processes import run_group
from stockstream_operate.workplace import ROOT

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
USER, PASSWORD = "stockstream", "0123456789abcdef" * 4
CREDENTIALS = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

pytestmark = pytest.mark.skipif(
    NGINX is None, reason="there is no nginx here; GitHub's Linux machines have it"
)


class Behind(NamedTuple):
    """What stands in the place of a container, and the requests that reached it."""

    port: int
    asked: list[tuple[str, str, str | None, bytes]]


class Proxy(NamedTuple):
    """The proxy, and what is behind it."""

    url: str
    opensearch: Behind
    dashboards: Behind


@contextmanager
def run_behind(says: str) -> Iterator[Behind]:
    asked: list[tuple[str, str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", str(len(says)))
            self.end_headers()
            self.wfile.write(says.encode())

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 (http.server's)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield Behind(server.server_port, asked)
        server.shutdown()
        thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def run_proxy(folder: Path, credentials: str | None) -> Iterator[Proxy]:
    """nginx with dashboards/proxy.conf, as its image fills it in; what is not set stays as it is."""
    with ExitStack() as running:
        opensearch = running.enter_context(run_behind("opensearch"))
        dashboards = running.enter_context(run_behind("dashboards"))
        port = free_port()
        conf = (ROOT / "dashboards" / "proxy.conf").read_text(encoding="utf-8")
        for there, here in {
            "listen 8080": f"listen 127.0.0.1:{port}",
            "127.0.0.1:9200": f"127.0.0.1:{opensearch.port}",
            "127.0.0.1:5601": f"127.0.0.1:{dashboards.port}",
        }.items():
            assert conf.count(there) == 1
            conf = conf.replace(there, here)
        if credentials:
            conf = conf.replace("${STOCKSTREAM_SEARCH_CREDENTIALS}", credentials)
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = folder / "nginx.conf"
        main.write_text(
            # Where root starts it, its worker would be somebody who may not write here.
            f"{'user root;' if os.geteuid() == 0 else ''}\n"
            f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{paths}{conf}}}\n"
        )
        command = [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", str(main)]
        running.enter_context(run_group(command, {}, folder, folder / "log"))
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            pytest.fail((folder / "log").read_text())
        yield Proxy(f"http://127.0.0.1:{port}", opensearch, dashboards)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with run_proxy(tmp_path_factory.mktemp("proxy"), CREDENTIALS) as proxy:
        yield proxy


def test_with_the_password_it_leads_to_both_and_keeps_the_password_to_itself(proxy: Proxy) -> None:
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)
        said = [
            session.put(f"{proxy.url}/bars-2026-11", b"{}", timeout=5).text,
            session.post(f"{proxy.url}/_bulk?refresh", 3_000_000 * b"a", timeout=5).text,
            session.get(f"{proxy.url}/_dashboards/api/status?a=b", timeout=5).text,
        ]

    assert said == ["opensearch", "opensearch", "dashboards"]
    assert proxy.opensearch.asked == [
        ("PUT", "/bars-2026-11", None, b"{}"),
        ("POST", "/_bulk?refresh", None, 3_000_000 * b"a"),
    ]
    assert proxy.dashboards.asked == [("GET", "/_dashboards/api/status?a=b", None, b"")]
    proxy.opensearch.asked.clear()
    proxy.dashboards.asked.clear()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        f"Basic {CREDENTIALS[:-1]}",
        f"Basic {CREDENTIALS}=",
        f"Basic {CREDENTIALS.swapcase()}",
        f"Bearer {CREDENTIALS}",
        f"x Basic {CREDENTIALS}",
        "Basic YWRtaW46YWRtaW4=",
        "Basic .*",
        "Basic ${STOCKSTREAM_SEARCH_CREDENTIALS}",
    ],
)
def test_without_it_nothing_reaches_what_is_behind(proxy: Proxy, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with requests.Session() as session:
        for method, path in (
            ("GET", "/bars-*/_search"),
            ("POST", "/_bulk"),
            ("DELETE", "/bars-*"),
            ("OPTIONS", "/"),
            ("GET", "/_dashboards/"),
            ("POST", "/_dashboards/api/console/proxy?path=bars-*&method=DELETE"),
            ("GET", "//_dashboards/../bars-*"),
        ):
            answer = session.request(method, f"{proxy.url}{path}", headers=headers, data=b"{}", timeout=5)

            assert answer.status_code == 401
            # A browser that is asked for a password keeps it, and a page can then use it.
            assert "WWW-Authenticate" not in answer.headers
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

    assert (proxy.opensearch.asked, proxy.dashboards.asked) == ([], [])


def test_a_proxy_without_a_password_lets_nobody_through(tmp_path: Path) -> None:
    with run_proxy(tmp_path, None) as proxy:
        for authorization in (
            "",
            "Basic ",
            "Basic ${STOCKSTREAM_SEARCH_CREDENTIALS}",
            "Basic c3RvY2tzdHJlYW06",
        ):
            answer = requests.get(proxy.url, headers={"Authorization": authorization}, timeout=5)
            assert answer.status_code == 401
        assert proxy.opensearch.asked == []
