"""The Lambda entry point: alarms by SNS in, notices out."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from alert.channels import Channel, Topic, Web
from alert.delivery import deliver
from alert.errors import DeliveryError
from alert.messages import read_messages
from alert.notices import write_notice
from alert.settings import read_settings
from alert.webhook import render_webhook
from stockstream.observability import MetricUnit, logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RENDERERS = {"webhook": render_webhook}
# The SDK's own patience (a minute, four times over) would outlast the function.
_AWS = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})


@logger.inject_lambda_context
@metrics.log_metrics
def handle(event: dict[str, Any], context: "LambdaContext") -> None:  # noqa: ARG001 - Lambda passes it
    """Tells every channel of every message; fails if a channel is left, so that Lambda tries again."""
    places = read_settings().places
    notices = [write_notice(message, places) for message in read_messages(event)]
    outcomes = [outcome for notice in notices for outcome in deliver(notice, open_channels())]
    for notice, channel, problem in outcomes:
        keys = {"notice_id": notice.id, "alarm": notice.name, "state": notice.state, "channel": channel}
        if problem is None:
            logger.info("notice sent", extra=keys)
        else:
            logger.error("notice failed", extra={**keys, "reason": problem})
    failed = [outcome.channel for outcome in outcomes if outcome.problem is not None]
    metrics.add_metric("NoticesSent", MetricUnit.Count, len(outcomes) - len(failed))
    metrics.add_metric("NoticesFailed", MetricUnit.Count, len(failed))
    if failed:
        raise DeliveryError(
            f"{len(failed)} of {len(outcomes)} notices not sent, on: {', '.join(sorted(set(failed)))}"
        )


@cache
def open_channels() -> tuple[Channel, ...]:
    """The channels that the settings name, with their AWS clients."""
    settings = read_settings()
    channels: list[Channel] = []
    if settings.notice_topic_arn:
        channels.append(Topic(settings.notice_topic_arn, boto3.client("sns", config=_AWS)))
    if settings.web_channels:
        ssm = boto3.client("ssm", config=_AWS)
        channels += [
            Web(f"{kind}:{parameter}", _RENDERERS[kind], parameter, settings.webhook_timeout_seconds, ssm)
            for kind, parameter in settings.web_channels
        ]
    return tuple(channels)
