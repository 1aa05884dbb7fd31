"""How long an alarm rang: its message says only when it stopped."""

from datetime import timedelta

from alert.alarms import Alarm, State
from alert.errors import LedgerError
from alert.ledger import Ledger
from stockstream.observability import logger


def find_duration(alarm: Alarm, ledger: Ledger) -> timedelta | None:
    """How long the alarm rang that is over now; None if it is not over, or if nobody saw it begin."""
    if not alarm.arn or alarm.changed_at is None:
        return None
    try:
        if alarm.state is State.ALARM:
            ledger.begin(alarm.arn, alarm.changed_at)
        elif alarm.state is State.OK and alarm.previous_state == State.ALARM:
            began = ledger.end(alarm.arn, alarm.changed_at)
            return alarm.changed_at - began if began else None
    except LedgerError as error:
        logger.warning("duration not known", alarm=alarm.name, reason=str(error))
    return None
