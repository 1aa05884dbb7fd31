"""Getting an answer, from servers on this machine that behave badly."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import requests

from producer.providers import provider_http
from producer.providers.provider_errors import MalformedAnswerError, ProviderUnavailableError
from producer.providers.provider_http import LONGEST_REQUEST, ProviderHttp

KEY = "S3CRETKEY"


@contextmanager
def server(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answers one request with these parts of bytes, and a pause after each."""

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)
            except OSError:
                pass  # the client has gone, as it should

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def head(length: int | None = None, *lines: str) -> bytes:
    sizes = [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join(["HTTP/1.1 200 OK", *sizes, *lines, "", ""]).encode()


def get(url: str, timeout_seconds: float = 5) -> bytes:
    with requests.Session() as session:
        http = ProviderHttp(session, url, timeout_seconds, lambda: None, lambda: datetime.now(UTC))
        return http.get("/query", {"apikey": KEY}, secrets=[KEY, "short"]).body


def test_gives_the_whole_body() -> None:
    with server(head(6), b"abc", b"def", pause=0.01) as url:
        assert get(url) == b"abcdef"


def test_gives_a_body_that_comes_in_chunks() -> None:
    chunks = b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    with server(head(None, "Transfer-Encoding: chunked"), chunks[:11], chunks[11:], pause=0.01) as url:
        assert get(url) == b"abcdef"


def test_gives_a_body_that_was_compressed() -> None:
    body = gzip.compress(100_000 * b"abcdef")
    with server(head(len(body), "Content-Encoding: gzip"), body) as url:
        assert get(url) == 100_000 * b"abcdef"


def test_takes_the_key_out_of_the_body_and_leaves_what_is_too_short_to_be_one() -> None:
    body = b'{"Information": "your key S3CRETKEY, in short"}'
    with server(head(len(body)), body) as url:
        assert get(url) == b'{"Information": "your key [key], in short"}'


def test_tells_when_it_asked_and_when_the_whole_answer_was_there() -> None:
    moments = iter([datetime(2026, 12, 1, 15, 0, second, tzinfo=UTC) for second in (1, 2)])
    with server(head(1), b"a") as url, requests.Session() as session:
        http = ProviderHttp(session, url, 5, lambda: None, lambda: next(moments))

        response = http.get("/query", {})

    assert (response.status, response.asked_at.second, response.as_of.second) == (200, 1, 2)


@pytest.mark.parametrize(
    "parts",
    [
        [head(6), b"abc"],
        [head(None, "Transfer-Encoding: chunked"), b"6\r\nabc"],
        [head(9, "Content-Encoding: gzip"), b"no gzip, "],
        [b"HTTP/1.1 2"],
        [b"nonsense\r\n\r\n"],
        [],
    ],
    ids=["short", "cut chunk", "no gzip", "cut status", "no http", "nothing"],
)
def test_an_answer_that_breaks_off_or_cannot_be_read_is_none(parts: list[bytes]) -> None:
    with server(*parts) as url, pytest.raises(ProviderUnavailableError) as raised:
        get(url)

    assert KEY not in str(raised.value)


def test_a_server_that_drips_is_left_when_the_time_is_up() -> None:
    # Each byte comes long before the timeout, and all of them long after it.
    with server(head(40), *40 * [b"a"], pause=0.1) as url:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailableError):
            get(url, timeout_seconds=0.3)
        assert time.monotonic() - started < 2


def test_what_a_server_takes_to_begin_counts_too() -> None:
    # Its head comes after 0.3 s, and each of the parts that follow by as much later: 0.9 s for the whole.
    with server(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n\r\n", b"a", b"b", pause=0.3) as url:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailableError):
            get(url, timeout_seconds=0.4)
        assert time.monotonic() - started < LONGEST_REQUEST * 0.4


def test_a_server_that_falls_silent_is_left_when_the_time_is_up() -> None:
    with (
        server(head(6), b"abc", pause=0.6) as url,
        pytest.raises(ProviderUnavailableError, match="Timeout"),
    ):
        get(url, timeout_seconds=0.2)


def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_http, "LONGEST_ANSWER_BYTES", 1000)
    bomb = gzip.compress(100_000 * b"a")

    with server(head(len(bomb), "Content-Encoding: gzip"), bomb) as url, pytest.raises(MalformedAnswerError):
        get(url)


def test_the_key_is_in_no_log_even_when_everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with server(head(1, "a header without a colon"), b"a") as url:
        get(url)

    assert KEY not in caplog.text


def test_a_redirection_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(moved) as url:
        assert get(url) == b""
