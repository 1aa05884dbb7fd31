"""Who may ask the emulator: only what is signed with this run's secret key.

ministack answers everybody, and runs the code that it is sent. Without this, any web page that is open on
this machine could have its code run here.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stockstream_operate.loopback import is_foreign

type _Message = MutableMapping[str, Any]
type _Receive = Callable[[], Awaitable[_Message]]
type _Send = Callable[[_Message], Awaitable[None]]
type App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# As AWS documents it: Signature Version 4, Authorization header.
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/, ]+)/(?P<day>\d{8})/(?P<region>[^/, ]+)/(?P<service>[^/, ]+)"
    r"/aws4_request, ?SignedHeaders=(?P<signed>[^, ]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def admit_signed(app: App, port: int, secret_key: str) -> App:
    """An ASGI application that refuses with 403 what is not signed with a key, and passes on the rest.

    Args:
        app: what is asked.
        port: where it listens.
        secret_key: the key. The access key's id may be any: in the emulator it names an account.
    """

    async def admit(scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        authorization = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        foreign = is_foreign(headers.get("host"), headers.get("origin"), port)
        if scope["type"] != "http" or foreign or authorization is None:
            await _refuse(scope, send)
            return
        body = await _read(receive)
        if not hmac.compare_digest(
            _sign(scope, headers, body, authorization, secret_key), authorization["signature"]
        ):
            await _refuse(scope, send)
            return
        await app(scope, _give(body, receive), send)

    return admit


def _sign(
    scope: _Message, headers: dict[str, str], body: bytes, authorization: re.Match[str], secret_key: str
) -> str:
    """The signature that the request has if it was signed with the key."""
    target = scope["raw_path"].decode("ascii") + "?" + scope["query_string"].decode("ascii")
    signed = {name: headers.get(name, "") for name in authorization["signed"].split(";")}
    request = AWSRequest(scope["method"], f"http://{headers['host']}{target}", signed, body)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    kind = S3SigV4Auth if authorization["service"] == "s3" else SigV4Auth
    signer = kind(
        Credentials(authorization["key"], secret_key), authorization["service"], authorization["region"]
    )
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


async def _read(receive: _Receive) -> bytes:
    pieces, is_whole = [], False
    while not is_whole:
        message = await receive()
        pieces.append(message.get("body", b""))
        # A client that leaves gets no answer, whatever is read of its request.
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
    return b"".join(pieces)


def _give(body: bytes, receive: _Receive) -> _Receive:
    """Gives the body that was read, and then what else comes."""
    messages: list[_Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> _Message:
        return messages.pop() if messages else await receive()

    return receive_again


async def _refuse(scope: _Message, send: _Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    message = "This request is not signed with the key of the run: `stockstream env` prints it."
    body = json.dumps({"__type": "InvalidSignatureException", "message": message}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": headers})
    await send({"type": "http.response.body", "body": body})
