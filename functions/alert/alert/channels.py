"""The ways out: an address on the web, and an SNS topic that people subscribe to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import ChannelError
from alert.mail import render_mail
from alert.notices import Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

_SELF = ("127.0.0.1", "localhost")


class Channel(Protocol):
    """Where notices go; `name` tells one channel from the others, in logs too."""

    @property
    def name(self) -> str:
        """No secret: a kind, and a parameter's or a topic's name."""

    def send(self, notice: Notice) -> None:
        """Hands a notice over.

        Raises:
            ChannelError: the channel did not take it.
        """


@dataclass(frozen=True, slots=True)
class Web:
    """An address that takes JSON by HTTP.

    Attributes:
        render: makes a notice into the channel's JSON.
        parameter: the SSM parameter that holds the address. It is read for each notice:
            alarms are rare, and an address that was changed counts at once.
        timeout_seconds: for the connection, and for the answer.
    """

    name: str
    render: Callable[[Notice], dict[str, Any]]
    parameter: str
    timeout_seconds: float
    ssm: "SSMClient"

    def send(self, notice: Notice) -> None:
        """Posts a notice; only an answer of 200 to 299 means that it was taken."""
        body = orjson.dumps(self.render(notice))
        address = self._read_address()
        try:
            answer = requests.post(
                address,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self.timeout_seconds,
                # A redirected POST becomes a GET, which some answer with 200 and an empty page.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # The error's own text holds the address.
            raise ChannelError(f"no answer ({type(error).__name__})") from None
        if not requests.codes.ok <= answer.status_code < requests.codes.multiple_choices:
            raise ChannelError(f"answered with HTTP {answer.status_code}")

    def _read_address(self) -> str:
        try:
            answer = self.ssm.get_parameter(Name=self.parameter, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            raise ChannelError(f"cannot read the SSM parameter {self.parameter}: {error}") from error
        address = answer["Parameter"]["Value"].strip()
        if not _is_address(address):
            raise ChannelError(
                f"the SSM parameter {self.parameter} holds no address that begins with https://"
            )
        return address


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _SELF)
    )


@dataclass(frozen=True, slots=True)
class Topic:
    """An SNS topic that people subscribe to by e-mail."""

    arn: str
    sns: "SNSClient"

    @property
    def name(self) -> str:
        """`mail:` and the topic's name."""
        return f"mail:{self.arn.rpartition(':')[2]}"

    def send(self, notice: Notice) -> None:
        """Publishes a notice."""
        mail = render_mail(notice)
        try:
            self.sns.publish(TopicArn=self.arn, Subject=mail.subject, Message=mail.text)
        except (BotoCoreError, ClientError) as error:
            raise ChannelError(f"SNS refused it: {error}") from error
