"""The channels: an address that is posted to by HTTP, and an SNS topic that people subscribe to."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson
import requests
from botocore.exceptions import BotoCoreError, ClientError

from alert.channels.kinds import ChannelKind
from alert.channels.mail import render_mail
from alert.channels.webhook import SIGNATURE_HEADER, sign
from alert.errors import ChannelError
from alert.notices import Notice
from stockstream.guarded_http import GuardedHttp, NoAnswerError
from stockstream.reading import keep_secret
from stockstream.settings import is_private

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient


# Enough for the words of an error.
_MOST_ANSWER_BYTES = 16 * 1024


class Channel(Protocol):
    """Where notices go; `name` tells one channel from the others, in logs too."""

    @property
    def name(self) -> str:
        """A kind, and the name of a parameter or a topic: no secret."""

    def send(self, notice: Notice) -> None:
        """Hands a notice over.

        Raises:
            ChannelError: the channel did not take it.
        """


@dataclass(frozen=True, slots=True)
class HttpChannel:
    """An address that takes JSON by HTTP.

    The address and the secret are read from SSM for each notice: alarms are rare, and a secret that was
    changed is used at once.

    Attributes:
        kind: how a notice looks there.
        parameter: the SSM parameter that holds the address and, after a space, the secret for signatures.
        timeout_seconds: from the first try to connect to the last byte of the answer.
    """

    name: str
    kind: ChannelKind
    parameter: str
    timeout_seconds: float
    ssm: "SSMClient"

    def send(self, notice: Notice) -> None:
        """Posts a notice, which was taken if the answer is 200 to 299 and its body says nothing else."""
        address, secret = self._read()
        body = orjson.dumps(self.kind.render(notice))
        headers = {"Content-Type": "application/json"}
        if secret:
            headers[SIGNATURE_HEADER] = sign(body, secret, int(time.time()))
        try:
            with requests.Session() as session:
                answer = GuardedHttp(session).post(
                    address,
                    body,
                    headers=headers,
                    seconds=self.timeout_seconds,
                    most_bytes=_MOST_ANSWER_BYTES,
                )
        except NoAnswerError as error:
            raise ChannelError(str(error)) from None
        if not requests.codes.ok <= answer.status < requests.codes.multiple_choices:
            raise ChannelError(f"answered with HTTP {answer.status}")
        # A body that did not come whole says nothing: the status counts, and the notice may have been taken.
        if answer.flaw is None and (refusal := self.kind.find_refusal(answer.body)):
            raise ChannelError(refusal)

    def _read(self) -> tuple[str, str]:
        """The address, and the secret; empty where there is none."""
        try:
            answer = self.ssm.get_parameter(Name=self.parameter, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            raise ChannelError(f"cannot read the SSM parameter {self.parameter}: {error}") from error
        address, _, secret = answer["Parameter"]["Value"].strip().partition(" ")
        if not is_private(address):
            raise ChannelError(
                f"the SSM parameter {self.parameter} holds no address that begins with https://"
            )
        if secret and not self.kind.may_sign:
            raise ChannelError(f"the SSM parameter {self.parameter} holds more than an address")
        # A channel may repeat them in its answer. The secret part of an address is its path.
        for each in (address, "/" + address.partition("://")[2].partition("/")[2], secret.strip()):
            keep_secret(each)
        return address, secret.strip()


@dataclass(frozen=True, slots=True)
class TopicChannel:
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
