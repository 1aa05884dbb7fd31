"""The kinds of channels that are posted to by HTTP: a new one is a module with its renderer, and a line here.

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
        find_refusal: why the channel refused the notice although it answered 200 to 299, read from the body;
            empty if it did not.
        may_sign: whether the parameter may hold a secret after the address, with which each notice is signed;
            Slack and Teams check no signature.
    """

    render: Callable[[Notice], dict[str, Any]]
    find_refusal: Callable[[bytes], str]
    may_sign: bool = False


KINDS = {
    "slack": ChannelKind(render_slack, find_slack_refusal),
    "teams": ChannelKind(render_teams, find_teams_refusal),
    # docs/notices.md promises that only the status counts.
    "webhook": ChannelKind(render_webhook, lambda _body: "", may_sign=True),
}
