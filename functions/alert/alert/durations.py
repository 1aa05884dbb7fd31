"""What came before a change of an alarm's state, and since: the message of the change tells little of it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from alert.alarms import Alarm, State
from alert.errors import LedgerError
from alert.facts import format_moment
from alert.ledger import Ledger
from stockstream.observability import logger


class Past(NamedTuple):
    """What is known of the time before a change.

    Attributes:
        lasted: how long the alarm rang that is over now; None if it is not over, or nobody saw it begin.
        is_birth: nothing came before: a new alarm has seen its first data, and all is well.
        ended: when the alarm ended that is told of only now, after its end: a channel was down before.
    """

    lasted: timedelta | None = None
    is_birth: bool = False
    ended: datetime | None = None

    def sentences(self) -> tuple[str, ...]:
        """What a notice has to say about it, so that nobody runs after what is over."""
        return (f"This comes late: it was over at {format_moment(self.ended)}.",) if self.ended else ()


def recall(alarm: Alarm, ledger: Ledger) -> Past:
    """What came before; an alarm that rings, or that has lost its data, is remembered as a beginning."""
    if not alarm.arn or alarm.changed_at is None:
        return Past()
    try:
        if alarm.state is State.OK and alarm.previous_state in {State.ALARM, State.INSUFFICIENT_DATA}:
            began = ledger.end(alarm.arn, alarm.changed_at)
            # Every alarm begins without data, and tells that it is OK: a new stack would send them all.
            is_birth = began is None and alarm.previous_state == State.INSUFFICIENT_DATA
            return Past(alarm.changed_at - began if began else None, is_birth)
        # One that rang and then lost its data has gone on since it rang.
        if alarm.state is State.ALARM or (
            alarm.state is State.INSUFFICIENT_DATA and alarm.previous_state != State.ALARM
        ):
            return Past(ended=ledger.begin(alarm.arn, alarm.changed_at))
    except LedgerError as error:
        # Then it counts as news: to be told too much is better than not to be told.
        logger.warning("past not known", alarm=alarm.name, reason=str(error))
    return Past()
