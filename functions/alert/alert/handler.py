"""The Lambda entry point: alarms by SNS in, notices out."""

import time
from typing import TYPE_CHECKING, Any

from alert.alarms import parse_alarm
from alert.delivery import Outcome, deliver, report
from alert.dependencies import Dependencies, make_dependencies
from alert.details import find_details
from alert.durations import Outage, find_outage
from alert.messages import Message, check_records, read_messages
from alert.notices import write_notice
from stockstream.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
@metrics.log_metrics
def handle(event: dict[str, Any], context: "LambdaContext") -> None:
    """Sends each message's notice to every channel; fails if one did not get it, so that Lambda repeats."""
    dependencies = make_dependencies()
    until = time.time() + context.get_remaining_time_in_millis() / 1000
    report(
        [
            outcome
            for message in read_messages(event)
            for outcome in _send_notice(message, dependencies, until)
        ]
    )
    check_records(event)


def _send_notice(message: Message, dependencies: Dependencies, until: float) -> list[Outcome]:
    alarm = parse_alarm(message.text)
    outage = find_outage(alarm, dependencies.alarm_changes) if alarm else Outage()
    if outage.is_first_state:
        logger.info("first state of an alarm not sent", notice_id=message.id)
        return []
    details = find_details(alarm, dependencies.logs, dependencies.alarm_metrics) if alarm else ()
    notice = write_notice(
        message, alarm, outage.lasted, dependencies.link_targets, (*outage.sentences(), *details)
    )
    return deliver(notice, dependencies.channels, dependencies.ledger, until)
