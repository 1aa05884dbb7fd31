"""The web channel against a port where nobody listens, and with parameters of our own."""

import traceback
from typing import TYPE_CHECKING, cast

import pytest

from alert.channels.addresses import Web
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


def send(value: str, kind: str = "webhook") -> str:
    """The whole text of the error that a channel with this parameter ends in."""
    ssm = cast("SSMClient", Parameters(url=value))
    with pytest.raises(ChannelError) as caught:
        Web(f"{kind}:url", KINDS[kind], "url", 5.0, ssm).send(NOTICE)
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


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.may_sign])
def test_a_channel_that_cannot_be_signed_takes_an_address_alone(kind: str) -> None:
    told = send("https://127.0.0.1:1/ hunter2", kind)

    assert "the SSM parameter url holds more than an address" in told
    assert "hunter2" not in told
