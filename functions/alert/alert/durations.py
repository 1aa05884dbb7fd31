"""How long an alarm lasted, and whether it is over: the message of a change of state does not say."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from alert.alarm_changes import AlarmChanges, StateChange
from alert.alarms import Alarm
from alert.errors import ChangesError
from alert.facts import format_moment
from stockstream.alarm_words import AlarmState
from stockstream.observability import logger

# CloudWatch keeps an alarm's history for two weeks at least; its times and those of the messages differ by
# less than two seconds.
_REMEMBERED = timedelta(days=14)
_SAME_MOMENT = timedelta(seconds=2)


class Outage(NamedTuple):
    """What is known of an alarm besides the change of its state.

    Attributes:
        lasted: from the alarm's beginning to its end; None if it is not over, or its beginning is not known.
        is_first_state: whether a new alarm has seen its first data, and all is well.
        ended: when the alarm ended, if the notice of its beginning is sent only afterwards: a channel was
            down, or the message of the end came first.
    """

    lasted: timedelta | None = None
    is_first_state: bool = False
    ended: datetime | None = None

    def sentences(self) -> tuple[str, ...]:
        """What a notice says about it: that an alarm is over already, and nothing is left to do."""
        return (f"This comes late: it was over at {format_moment(self.ended)}.",) if self.ended else ()


def find_outage(alarm: Alarm, changes: AlarmChanges) -> Outage:
    """The outage that an alarm's change of state begins, continues or ends, from CloudWatch's history.

    It is the same in whatever order the messages come, and however often. If the history cannot be read,
    nothing is known, and the notice is sent: one too many is better than one too few.
    """
    if alarm.changed_at is None:
        return Outage()
    try:
        if alarm.state is not AlarmState.OK:
            later = changes.since(alarm.name, alarm.changed_at)
            return Outage(ended=next((change.at for change in later if change.after == AlarmState.OK), None))
        if alarm.previous_state in {AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA}:
            began = _find_beginning(alarm, alarm.changed_at, changes.until(alarm.name, alarm.changed_at))
            return Outage(
                lasted=alarm.changed_at - began if began else None,
                is_first_state=began is None and _may_be_new(alarm, alarm.changed_at),
            )
    except ChangesError as error:
        logger.warning("outage not known", alarm=alarm.name, reason=str(error))
    return Outage()


def _find_beginning(alarm: Alarm, ended: datetime, changes: Iterable[StateChange]) -> datetime | None:
    """When the outage began that ended at a moment: when it went to ALARM, or else when it lost its data."""
    alarm_at = no_data_at = None
    state = alarm.previous_state
    for change in changes:
        if change.before == change.after:
            continue
        if change.after == AlarmState.OK and ended - change.at <= _SAME_MOMENT:
            continue  # the end itself
        if state == AlarmState.OK or change.after != state:
            break  # an earlier outage, or one of a deleted alarm of the same name
        if state == AlarmState.ALARM:
            alarm_at = change.at
        else:
            no_data_at = change.at
        state = change.before
    return alarm_at or no_data_at


def _may_be_new(alarm: Alarm, first_state_at: datetime) -> bool:
    """Whether this may be a new alarm's first data. Each begins without, and that is nothing to report."""
    return alarm.previous_state == AlarmState.INSUFFICIENT_DATA and (
        # An older alarm may have lost its data before CloudWatch's history begins.
        alarm.configured_at is None or first_state_at - alarm.configured_at < _REMEMBERED
    )
