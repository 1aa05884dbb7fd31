"""Delivery: each notice to each channel, none of which holds up the others."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from alert.channels import Channel
from alert.errors import ChannelError
from alert.notices import Notice


class Outcome(NamedTuple):
    """What became of one notice on one channel.

    Attributes:
        problem: None if the channel took it.
    """

    notice: Notice
    channel: str
    problem: str | None


def deliver(notice: Notice, channels: Sequence[Channel]) -> list[Outcome]:
    """Sends a notice to all channels at once, so that one that hangs costs the others no time."""
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:
        return list(pool.map(lambda channel: _send(notice, channel), channels))


def _send(notice: Notice, channel: Channel) -> Outcome:
    try:
        channel.send(notice)
    except ChannelError as error:
        return Outcome(notice, channel.name, str(error))
    return Outcome(notice, channel.name, None)
