"""Who may ask the emulator: requests signed by botocore, as each of AWS's tools does, and others."""

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stockstream_local.emulator.signed_requests import admit_signed

PORT, SECRET = 4566, "the key of this run"
URL = f"http://127.0.0.1:{PORT}"
Message = MutableMapping[str, Any]


def sign(
    method: str, target: str, body: bytes = b"", *, service: str = "ssm", key: str = SECRET
) -> dict[str, str]:
    """The headers that botocore sends."""
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials("000000000000", key), service, "us-east-1"
    )
    request = AWSRequest(method, URL + target, {"Host": f"127.0.0.1:{PORT}", "X-Amz-Target": "A.B"}, body)
    signer.add_auth(request)
    return dict(request.headers)


def ask(method: str, target: str, headers: dict[str, str], *pieces: bytes, kind: str = "http") -> Any:
    """The status of the answer, and what the application behind was given: None if nothing."""
    given: list[tuple[object, object]] = []
    sent: list[Message] = []
    parts = urlsplit(target)
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    scope = {
        "type": kind,
        "method": method,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def behind(_scope: Message, receive: Any, send: Any) -> None:
        message = await receive()
        given.append((scope["method"], message["body"]))
        assert not message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def play() -> None:
        await admit_signed(behind, PORT, SECRET)(scope, receive, send)

    asyncio.run(play())
    unread = len(messages)
    return sent[0].get("status", sent[0]["type"]), given[0] if given else None, unread


@pytest.mark.parametrize("service", ["ssm", "s3", "lambda"])
@pytest.mark.parametrize(
    "target", ["/", "/bucket/a%20b/c%3Dd?list-type=2&prefix=a%2Fb", "/2015-03-31/functions/x%3A1/invocations"]
)
def test_what_is_signed_with_the_key_is_passed_on_whole(service: str, target: str) -> None:
    headers = sign("POST", target, b"one two", service=service)

    assert ask("POST", target, headers, b"one", b" two") == (200, ("POST", b"one two"), 0)


def test_another_key_is_refused() -> None:
    headers = sign("POST", "/", b"{}", key="another")

    assert ask("POST", "/", headers, b"{}")[:2] == (403, None)


def test_what_is_not_signed_is_refused_before_it_is_read() -> None:
    headers = {"Host": f"127.0.0.1:{PORT}", "Content-Type": "text/plain"}

    assert ask("POST", "/2015-03-31/functions", headers, b"a", b"b") == (403, None, 3)
    assert ask("POST", "/", headers | {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, b"a") == (
        403,
        None,
        2,
    )


def test_a_signature_is_good_for_what_was_signed_only() -> None:
    headers = sign("POST", "/a?b=c", b"{}")

    assert ask("POST", "/a?b=c", headers, b"{}")[0] == 200
    assert ask("PUT", "/a?b=c", headers, b"{}")[:2] == (403, None)
    assert ask("POST", "/x?b=c", headers, b"{}")[:2] == (403, None)
    assert ask("POST", "/a?b=d", headers, b"{}")[:2] == (403, None)
    assert ask("POST", "/a?b=c", headers, b"[]")[:2] == (403, None)
    assert ask("POST", "/a?b=c", headers | {"X-Amz-Target": "A.C"}, b"{}")[:2] == (403, None)


@pytest.mark.parametrize("header", [{"Origin": "http://evil.test"}, {"Host": "evil.test:4566"}], ids=str)
def test_a_web_page_is_refused_whatever_it_signed(header: dict[str, str]) -> None:
    assert ask("POST", "/", sign("POST", "/", b"{}") | header, b"{}") == (403, None, 2)


def test_a_web_socket_is_closed_before_it_opens() -> None:
    assert ask("GET", "/", {"Host": f"127.0.0.1:{PORT}"}, kind="websocket")[:2] == ("websocket.close", None)


def test_the_server_itself_begins_and_ends_the_application() -> None:
    assert ask("GET", "/", {}, kind="lifespan")[:2] == (200, ("GET", b""))
