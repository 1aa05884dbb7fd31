"""How long an alarm lasted, and whether it is over: the message of a change of state does not say."""

from datetime import datetime, timedelta
from typing import NamedTuple

from alert.alarms import Alarm, State
from alert.errors import LedgerError
from alert.facts import format_moment
from alert.notice_ledger import NoticeLedger
from stockstream.observability import logger


class AlarmHistory(NamedTuple):
    """What is known of an alarm besides the change of its state.

    Attributes:
        lasted: from the alarm's beginning to its end; None if it is not over, or its beginning is not known.
        is_first_state: whether a new alarm has seen its first data, and all is well.
        ended: when the alarm ended, if its beginning is sent only now, since a channel was down.
    """

    lasted: timedelta | None = None
    is_first_state: bool = False
    ended: datetime | None = None

    def sentences(self) -> tuple[str, ...]:
        """What a notice says of it: of an alarm that is over, that nothing is left to do."""
        return (f"This comes late: it was over at {format_moment(self.ended)}.",) if self.ended else ()


def record_change(alarm: Alarm, ledger: NoticeLedger) -> AlarmHistory:
    """Keeps the moment when an alarm goes to ALARM or loses its data, and says what is known of it."""
    if not alarm.arn or alarm.changed_at is None:
        return AlarmHistory()
    try:
        if alarm.state is State.OK and alarm.previous_state in {State.ALARM, State.INSUFFICIENT_DATA}:
            began = ledger.end(alarm.arn, alarm.changed_at)
            # Every alarm begins without data and then goes to OK: a new stack would send a notice for each.
            is_first_state = began is None and alarm.previous_state == State.INSUFFICIENT_DATA
            return AlarmHistory(alarm.changed_at - began if began else None, is_first_state)
        # One that was in ALARM and then lost its data has gone on since it was in ALARM.
        if alarm.state is State.ALARM or (
            alarm.state is State.INSUFFICIENT_DATA and alarm.previous_state != State.ALARM
        ):
            return AlarmHistory(ended=ledger.begin(alarm.arn, alarm.changed_at))
    except LedgerError as error:
        # Then the notice is sent: one too many is better than one too few.
        logger.warning("history not known", alarm=alarm.name, reason=str(error))
    return AlarmHistory()
