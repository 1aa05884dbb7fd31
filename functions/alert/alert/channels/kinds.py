"""The kinds of channels that are posted to by HTTP: a new one is a renderer's module, and an entry here.

The last part of an SSM parameter's name says of which kind the channel is: `/stockstream/slack`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from alert.channels.slack import find_slack_refusal, render_slack
from alert.channels.teams import find_teams_refusal, render_teams
from alert.channels.webhook import render_webhook
from alert.notices import Notice


class ChannelKind(NamedTuple):
    """One kind of channel.

    Attributes:
        render: makes a notice into the channel's JSON.
        find_refusal: what the body of an answer of 200 to 299 says against a notice; empty for nothing.
        may_sign: whether a secret may stand behind the address, by which each notice is signed; Slack and
            Teams trust whoever knows the address.
    """

    render: Callable[[Notice], dict[str, Any]]
    find_refusal: Callable[[bytes], str]
    may_sign: bool = False


KINDS = {
    "slack": ChannelKind(render_slack, find_slack_refusal),
    "teams": ChannelKind(render_teams, find_teams_refusal),
    # docs/notices.md says that the status is all that counts.
    "webhook": ChannelKind(render_webhook, lambda _body: "", may_sign=True),
}
