"""The web channel against servers of our own that behave badly, and with parameters of our own."""

import time
import traceback
import tracemalloc
from itertools import repeat
from typing import TYPE_CHECKING, cast

import pytest
from raw_server import head, server

from alert.channels.channel import HttpChannel
from alert.channels.kinds import KINDS
from alert.errors import ChannelError
from alert.notices import Notice

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NOTICE = Notice("m1", "errors", None, None, "", None, None, (), "", ())


class Parameters:
    """SSM with the values that it was given."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, dict[str, str]]:  # noqa: N803 - AWS's names
        assert WithDecryption
        return {"Parameter": {"Value": self.values[Name]}}


def post(url: str, kind: str, seconds: float = 5.0) -> None:
    """Sends the notice to an address."""
    ssm = cast("SSMClient", Parameters(url=url))
    HttpChannel(f"{kind}:url", KINDS[kind], "url", seconds, ssm).send(NOTICE)


def send(value: str, kind: str = "webhook") -> str:
    """The whole text of the error that a channel with this parameter ends in."""
    ssm = cast("SSMClient", Parameters(url=value))
    with pytest.raises(ChannelError) as caught:
        HttpChannel(f"{kind}:url", KINDS[kind], "url", 5.0, ssm).send(NOTICE)
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/hunter2",
        "https://a..b/hunter2",
        "https://127.0.0.1:99999/hunter2",
        "https://[hunter2",
        "http://hunter2.example",
        "hunter2",
    ],
)
def test_no_error_holds_the_address(url: str) -> None:
    assert "hunter2" not in send(f"{url} a shared secret")


KINDS_OF_TEAMS_ERRORS = [
    b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with x",
    b'{"error":{"code":"WorkflowTriggerIsNotEnabled"}}',
]


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("slack", "200 OK", b"ok"),
        ("slack", "200 OK", b' {"ok":true}\n'),
        ("slack", "200 OK", b'{"success":true}'),
        ("teams", "202 Accepted", b""),
        ("teams", "200 OK", b"1"),
        ("webhook", "204 No Content", b""),
        ("webhook", "200 OK", b"no error"),
    ],
)
def test_an_answer_that_says_so_means_that_a_notice_was_taken(kind: str, status: str, said: bytes) -> None:
    with server(head(len(said), status=status), said) as url:
        post(url, kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        *(("teams", said) for said in KINDS_OF_TEAMS_ERRORS),
        ("slack", b'{"ok":false,"error":"channel_not_found"}'),
        ("slack", b"<html>Log in to the proxy</html>"),
        ("slack", b""),
        ("slack", b"no_service"),
    ],
)
def test_an_answer_of_200_that_holds_a_failure_is_a_failure(kind: str, said: bytes) -> None:
    with server(head(len(said)), said) as url, pytest.raises(ChannelError, match=r'^answered "'):
        post(url, kind)


def test_an_answer_that_repeats_the_address_does_not_bring_it_into_the_log() -> None:
    said = b"failed: POST /HUNTER2/services"
    with server(head(len(said)), said) as url, pytest.raises(ChannelError, match=r"POST \[key\]"):
        post(f"{url}/hunter2/services", "teams")


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_that_was_taken_is_taken_though_its_answer_drips_or_never_ends(kind: str) -> None:
    started = time.monotonic()
    with server(head(600_000_000), again=repeat(bytes(65536), 10_000)) as url:
        tracemalloc.start()
        try:
            post(url, kind, seconds=5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    with server(head(100), pause=0.02, again=repeat(b"o", 100)) as url:
        post(url, kind, seconds=0.3)

    assert peak < 1_000_000
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.may_sign])
def test_a_channel_that_cannot_be_signed_takes_an_address_alone(kind: str) -> None:
    told = send("https://127.0.0.1:1/ hunter2", kind)

    assert "the SSM parameter url holds more than an address" in told
    assert "hunter2" not in told
