"""The Lambda entry point: alarms by SNS in, notices out."""

import time
from typing import TYPE_CHECKING, Any

from alert.alarms import parse_alarm
from alert.delivery import Outcome, deliver, report
from alert.desk import Desk, open_desk
from alert.details import find_details
from alert.durations import Past, recall
from alert.messages import Message, read_messages
from alert.notices import write_notice
from stockstream.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
@metrics.log_metrics
def handle(event: dict[str, Any], context: "LambdaContext") -> None:
    """Tells every channel of every message; fails if a channel is left, so that Lambda tries again."""
    desk = open_desk()
    until = time.time() + context.get_remaining_time_in_millis() / 1000
    report([outcome for message in read_messages(event) for outcome in _tell(message, desk, until)])


def _tell(message: Message, desk: Desk, until: float) -> list[Outcome]:
    alarm = parse_alarm(message.text)
    past = recall(alarm, desk.ledger) if alarm else Past()
    if past.is_birth:
        logger.info("birth of an alarm not told", notice_id=message.id)
        return []
    details = find_details(alarm, desk.logs, desk.alarm_metrics) if alarm else ()
    notice = write_notice(message, alarm, past.lasted, desk.places, (*past.sentences(), *details))
    return deliver(notice, desk.channels, desk.ledger, until)
