"""Delivery: each notice once to each channel, none of which holds up the others."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from alert.channels.channel import Channel
from alert.errors import ChannelError, DeliveryError, LedgerError
from alert.notice_ledger import Claim, NoticeLedger
from alert.notices import Notice
from stockstream.observability import MetricUnit, logger, metrics


class DeliveryResult(StrEnum):
    """What became of a notice on a channel."""

    SENT = "sent"
    REPEATED = "repeated"  # the channel has had it before
    HELD = "held"  # another invocation is sending it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One notice on one channel.

    Attributes:
        reason: why it failed; empty otherwise.
    """

    notice: Notice
    channel: str
    result: DeliveryResult
    reason: str = ""


def deliver(notice: Notice, channels: Sequence[Channel], ledger: NoticeLedger, until: float) -> list[Outcome]:
    """Sends a notice to all channels at once, so that one that hangs costs the others no time.

    There is no second attempt here: Lambda repeats the invocation a minute and two minutes later, which
    costs no waiting time, and the ledger keeps a repetition from sending to a channel twice.

    Args:
        notice: what to send.
        channels: where to send it.
        ledger: which of them have had it.
        until: when this invocation must be over, in seconds since 1970.
    """
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:
        futures = [pool.submit(_send_once, notice, channel, ledger, until) for channel in channels]
    # Asked for only now: an unexpected error of one channel must not cancel the others.
    return [future.result() for future in futures]


def report(outcomes: Sequence[Outcome]) -> None:
    """Writes what became of an event's notices to the log and the metrics.

    Raises:
        DeliveryError: a channel has not got its notice, or not yet.
    """
    for outcome in outcomes:
        notice = outcome.notice
        keys = {
            "notice_id": notice.id,
            "alarm": notice.name,
            "state": notice.state,
            "channel": outcome.channel,
        }
        match outcome.result:
            case DeliveryResult.SENT:
                logger.info("notice sent", extra=keys)
            case DeliveryResult.REPEATED:
                logger.info("notice sent before", extra=keys)
            case DeliveryResult.HELD:
                logger.info("notice left to another invocation", extra=keys)
            case DeliveryResult.FAILED:
                logger.error("notice failed", extra={**keys, "reason": outcome.reason})
    results = [outcome.result for outcome in outcomes]
    metrics.add_metric("NoticesSent", MetricUnit.Count, results.count(DeliveryResult.SENT))
    metrics.add_metric("NoticesFailed", MetricUnit.Count, results.count(DeliveryResult.FAILED))
    # The invocation that holds a notice may die before it sends it, so this event must come again.
    left = [
        outcome.channel
        for outcome in outcomes
        if outcome.result in {DeliveryResult.HELD, DeliveryResult.FAILED}
    ]
    if left:
        raise DeliveryError(
            f"{len(left)} of {len(results)} notices not sent, on: {', '.join(sorted(set(left)))}"
        )


def _send_once(notice: Notice, channel: Channel, ledger: NoticeLedger, until: float) -> Outcome:
    key = f"{notice.id}|{channel.name}"
    try:
        claim = ledger.claim(key, until)
    except LedgerError as error:
        # Better twice than not at all.
        logger.warning("notice not claimed", notice_id=notice.id, channel=channel.name, reason=str(error))
        claim = Claim.GRANTED
    if claim is Claim.SENT:
        return Outcome(notice, channel.name, DeliveryResult.REPEATED)
    if claim is Claim.HELD:
        return Outcome(notice, channel.name, DeliveryResult.HELD)
    try:
        channel.send(notice)
    except ChannelError as error:
        outcome, settle = Outcome(notice, channel.name, DeliveryResult.FAILED, str(error)), ledger.release
    else:
        outcome, settle = Outcome(notice, channel.name, DeliveryResult.SENT), ledger.confirm
    try:
        settle(key)
    except LedgerError as error:
        logger.warning("claim not settled", notice_id=notice.id, channel=channel.name, reason=str(error))
    return outcome
