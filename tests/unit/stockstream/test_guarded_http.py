"""Whatever a server does, asking it is over in time and stays small."""

import gzip
import socket
import time
import tracemalloc
import zlib
from itertools import repeat
from threading import Event
from typing import Any

import pytest
import requests
from raw_server import head, server

from stockstream.guarded_http import Flaw, GuardedHttp, HttpAnswer, NoAnswerError

SECONDS = 0.6  # in which a busy machine sends a first line
MOST = 1000
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# The flag says that a name follows, which ends with a NUL.
GZIP_NAME = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"


def ask(url: str, seconds: float = SECONDS) -> HttpAnswer:
    with requests.Session() as session:
        return GuardedHttp(session).get(url, seconds=seconds, most_bytes=MOST)


@pytest.mark.parametrize(
    ("scheme", "first", "again"),
    [("http", b"", CONTINUE), ("http", b"", b"H"), ("https", b"\x16\x03\x03\x10\x00", b"a")],
    ids=["100 Continue", "a status line without end", "a TLS handshake without end"],
)
def test_an_answer_whose_status_does_not_come_in_time_is_none(
    scheme: str, first: bytes, again: bytes
) -> None:
    with server(first, pause=0.02, again=repeat(again, 80)) as url:
        started = time.monotonic()
        with pytest.raises(NoAnswerError, match=r"^no answer \(Timeout\)$"):
            ask(url.replace("http", scheme))
        took = time.monotonic() - started

    assert SECONDS <= took < 2 * SECONDS


@pytest.mark.parametrize(
    ("parts", "again"),
    [
        ((b"HTTP/1.1 200 OK\r\n",), b"X"),
        ((b"HTTP/1.1 200 OK\r\n",), b"X: a\r\n"),
        ((head(10_000),), b"a"),
        ((head(),), b"a"),
        ((head(None, "Transfer-Encoding: chunked"),), b"1\r\na\r\n"),
        ((head(None, "Transfer-Encoding: chunked"),), b"0"),
        ((head(None, "Content-Encoding: gzip"), GZIP_NAME), b"a"),
    ],
    ids=[
        "a header without end",
        "one header after the other",
        "a body",
        "a body without a length",
        "small chunks",
        "a chunk's length without end",
        "a gzip name without end",
    ],
)
def test_what_does_not_end_in_time_leaves_the_status(parts: tuple[bytes, ...], again: bytes) -> None:
    with server(*parts, pause=0.02, again=repeat(again, 80)) as url:
        started = time.monotonic()
        answer = ask(url)
        took = time.monotonic() - started

    assert (answer.status, answer.flaw) == (200, Flaw.TOO_SLOW)
    assert SECONDS <= took < 2 * SECONDS


def compressed(body: bytes, window: int) -> bytes:
    packer = zlib.compressobj(wbits=window)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(b"abcdef", mtime=0)),
        ("x-gzip", gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0) + b"\0\0"),
        ("deflate", compressed(b"abcdef", zlib.MAX_WBITS)),
        ("identity", b"abcdef"),
    ],
    ids=["gzip", "gzip in two members", "deflate", "as it is"],
)
def test_a_body_is_decompressed(encoding: str, sent: bytes) -> None:
    with server(head(len(sent), f"Content-Encoding: {encoding}"), sent[:9], sent[9:], pause=0.01) as url:
        assert ask(url)[:3] == (200, b"abcdef", None)


def test_a_body_as_long_as_may_be_is_whole_and_one_longer_is_not() -> None:
    for length, flaw in ((MOST, None), (MOST + 1, Flaw.TOO_LONG)):
        for sent, encoding in ((length * b"a", "identity"), (gzip.compress(length * b"a"), "gzip")):
            with server(head(len(sent), f"Content-Encoding: {encoding}"), sent) as url:
                assert ask(url)[:3] == (200, MOST * b"a", flaw)


def test_a_bomb_takes_no_more_memory_than_its_fuse() -> None:
    # 300 MB of zeros are 300 kB, which one read of the socket may bring.
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    with server(head(len(bomb), "Content-Encoding: gzip"), bomb) as url:
        tracemalloc.start()
        try:
            answer = ask(url, seconds=5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert (len(answer.body), answer.flaw) == (MOST, Flaw.TOO_LONG)
    assert peak < 2_000_000


def test_an_answer_has_its_headers() -> None:
    with server(head(0, "Retry-After: 90")) as url:
        assert ask(url).headers.get("retry-after") == "90"


def test_a_body_that_was_packed_twice_is_not_unpacked() -> None:
    sent = gzip.compress(gzip.compress(bytes(1000)))
    with server(head(len(sent), "Content-Encoding: gzip, gzip"), sent) as url:
        assert ask(url)[:3] == (200, b"", Flaw.UNREADABLE)


def test_a_kept_connection_is_watched_anew() -> None:
    slow = (head(10_000), *repeat(b"a", 50))
    with server(head(1) + b"a", pause=0.05, again=slow) as url, requests.Session() as session:
        http = GuardedHttp(session)
        assert http.get(url, seconds=5, most_bytes=MOST).flaw is None
        answer = http.get(url, seconds=SECONDS, most_bytes=MOST)

    assert answer.flaw is Flaw.TOO_SLOW


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_nobody_looks_up_is_left_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    released = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: released.wait(10) and [])
    started = time.monotonic()
    try:
        with pytest.raises(NoAnswerError, match=r"^no answer \(Timeout\)$"):
            ask(f"{scheme}://hanging.test/hunter2")
        assert time.monotonic() - started < 5
    finally:
        released.set()


def test_a_connection_that_comes_when_nobody_waits_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, released = socket.getaddrinfo, Event()

    def look_up_late(*asked: Any) -> Any:
        released.wait(10)
        return look_up(*asked)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_late)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with pytest.raises(NoAnswerError):
            ask(f"http://127.0.0.1:{listening.getsockname()[1]}")
        released.set()
        listening.settimeout(5)
        connected, _ = listening.accept()
        with connected:
            connected.settimeout(5)
            assert connected.recv(1) == b""


def test_nobody_listens_or_no_such_address() -> None:
    for url in ("http://127.0.0.1:1/hunter2", "http://a..b/hunter2", "https://[hunter2"):
        with pytest.raises(NoAnswerError) as caught:
            ask(url)
        assert "hunter2" not in str(caught.value)
