"""The page's server over the loopback: whom it answers, with what, and what it leaves behind."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from delivered_files import document, write_file
from served_page import serve_lake

from stockstream_operate.page import page_server
from stockstream_operate.page.page_server import PageServer, PortError

SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """One for all who only ask."""
    lake = tmp_path_factory.mktemp("lake")
    write_file(lake, "2026-11-20", "0", [document("2026-11-20T14:30:00Z", 101.5)])
    with serve_lake(lake) as server:
        yield server


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(
    server: PageServer,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    knows: bool = True,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=SECONDS)
    sent = dict(headers or {})
    if knows:
        sent["Cookie"] = f"{server.access.cookie}={server.access.key}"
    try:
        connection.request(method, path, headers=sent)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def test_listens_on_this_machine_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/", "/view", "/news", "/page.js", "/charts/index.js", "/nothing"])
def test_nothing_is_told_without_the_key(server: PageServer, path: str) -> None:
    answer = ask(server, path, knows=False)

    assert answer.status == 403
    assert b"the address that `stockstream page` has printed" in answer.body
    assert ask(server, f"{path}?key=guessed", knows=False).status == 403


def test_the_printed_address_gives_the_browser_a_cookie(server: PageServer) -> None:
    answer = ask(server, f"/?key={server.access.key}", knows=False)

    assert (answer.status, answer.headers["Set-Cookie"]) == (200, server.access.set_cookie)
    assert "Set-Cookie" not in ask(server, "/").headers


@pytest.mark.parametrize("path", ["/", "/view", "/news", "/page.js"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.test:8501"}, {"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
def test_a_page_from_elsewhere_gets_nothing_though_it_has_the_cookie(
    server: PageServer, path: str, headers: dict[str, str]
) -> None:
    assert ask(server, path, headers).status == 403


def test_a_websocket_is_held_to_the_same(server: PageServer) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "AAAA"}

    assert ask(server, "/news", upgrade | {"Origin": "http://evil.test"}).status == 403
    assert ask(server, "/view", upgrade, knows=False).status == 403
    # There is none: it is answered like any other request.
    assert ask(server, "/view", upgrade).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_nothing_can_be_sent(server: PageServer, method: str) -> None:
    assert ask(server, "/view", method=method).status == 405
    assert ask(server, "/view", {"Origin": "http://evil.test"}, method=method).status == 403
    assert ask(server, "/view", method=method, knows=False).status == 403


def test_what_is_sent_is_refused_before_it_is_read(server: PageServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS) as connection:
        # The body never comes.
        connection.sendall(b"POST / HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 403 ")


@pytest.mark.parametrize("path", ["/", "/view", "/page.js", "/charts/index.js", "/nothing"])
def test_no_answer_lets_another_page_read_it_or_a_script_come_in(server: PageServer, path: str) -> None:
    headers = ask(server, path).headers

    assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    for kind in ("script-src", "style-src", "img-src", "connect-src"):
        assert policy[kind] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/../page_server.py", "/charts/../views.py", "/charts/index.html", "/assets/"]
)
def test_only_the_page_s_own_files_are_served(server: PageServer, path: str) -> None:
    assert ask(server, path).status == 404


def test_a_request_that_makes_no_sense_is_refused_with_a_sentence(server: PageServer) -> None:
    answer = ask(server, "/view?instrument=x'%20OR%201=1&interval=1min&span=all")

    assert answer.status == 400
    assert b"names no instrument" in answer.body


def test_what_the_browser_has_is_left_out_whatever_it_calls_a_version(server: PageServer) -> None:
    whole = json.loads(ask(server, "/view").body)

    assert "bars" not in json.loads(ask(server, f"/view?known={whole['version']}").body)
    for wrong in ("-1", "x", "", "99999999999999999999"):
        assert json.loads(ask(server, f"/view?known={wrong}").body)["bars"] == whole["bars"]


def test_the_news_come_at_once_and_the_end_of_the_server_ends_them(tmp_path: Path) -> None:
    with serve_lake(tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=SECONDS)
        connection.request("GET", f"/news?key={server.access.key}")
        response = connection.getresponse()
        assert response.readline().startswith(b"data: ")
    response.read()
    response.close()
    connection.close()


def test_a_silent_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with serve_lake(tmp_path) as server:
        silent = socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS)
        ask(server, "/")
    assert silent.recv(1) == b""
    silent.close()


def test_where_the_first_port_is_taken_the_next_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(page_server, "FIRST_PORT", taken)
        with serve_lake(tmp_path, port=None) as server:
            assert taken < server.server_port < taken + page_server.PORTS_TO_TRY
        monkeypatch.setattr(page_server, "PORTS_TO_TRY", 1)
        with pytest.raises(PortError, match="--port"), serve_lake(tmp_path, port=None):
            pass
