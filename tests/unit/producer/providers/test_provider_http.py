"""Getting an answer, from servers on this machine that behave badly."""

import gzip
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from raw_server import head, server

from producer.providers import provider_http
from producer.providers.provider_errors import MalformedAnswerError, ProviderUnavailableError
from producer.providers.provider_http import LONGEST_REQUEST, ProviderHttp, read_retry_after

KEY = "S3CRETKEY"


def get(url: str, timeout_seconds: float = 5) -> bytes:
    with requests.Session() as session:
        http = ProviderHttp(session, url, timeout_seconds, lambda: None, lambda: datetime.now(UTC))
        return http.get("/query", {"apikey": KEY}, secrets=[KEY, "short"]).body


def test_gives_the_whole_body() -> None:
    with server(head(6), b"abc", b"def", pause=0.01) as url:
        assert get(url) == b"abcdef"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("Fri, 20 Nov 2026 15:02:00 GMT", 120),
        # RFC 9110 has nothing else; an hour is the most that is believed.
        ("86400", 3600),
        ("Sat, 21 Nov 2026 15:00:00 GMT", 3600),
        ("0", None),
        ("Fri, 20 Nov 2026 14:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_reads_for_how_long_a_server_asks_to_be_left_alone(text: str, seconds: int | None) -> None:
    pause = read_retry_after(text, datetime(2026, 11, 20, 15, tzinfo=UTC))

    assert pause == (None if seconds is None else timedelta(seconds=seconds))


def test_an_answer_tells_for_how_long_its_server_asks_to_be_left_alone() -> None:
    with server(head(0, "Retry-After: 90")) as url, requests.Session() as session:
        http = ProviderHttp(session, url, 5, lambda: None, lambda: datetime.now(UTC))
        assert http.get("/query", {}).retry_after == timedelta(seconds=90)


def test_gives_a_body_that_comes_in_chunks() -> None:
    chunks = b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    with server(head(None, "Transfer-Encoding: chunked"), chunks[:11], chunks[11:], pause=0.01) as url:
        assert get(url) == b"abcdef"


def test_gives_a_body_that_was_compressed() -> None:
    body = gzip.compress(100_000 * b"abcdef")
    with server(head(len(body), "Content-Encoding: gzip"), body) as url:
        assert get(url) == 100_000 * b"abcdef"


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
        [head(None, "Content-Encoding: gzip"), gzip.compress(b"abcdef")[:-9]],
        [head(6, "Content-Encoding: br"), b"abcdef"],
        [b"HTTP/1.1 2"],
        [b"nonsense\r\n\r\n"],
        [],
    ],
    ids=[
        "short",
        "cut chunk",
        "no gzip",
        "cut gzip",
        "unknown compression",
        "cut status",
        "no http",
        "nothing",
    ],
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
        pytest.raises(ProviderUnavailableError, match=r"took longer than 0\.2 s"),
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
