"""The facts of an alarm: its value against its threshold, and where it was measured."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from alert.alarms import BAND_COMPARISONS, Alarm, Trigger
from alert.readings import Reading, read_reason
from stockstream.alarm_words import AlarmState

_NAMED_CHILDREN = 3
_LARGE = 100_000


class Fact(NamedTuple):
    """One line of a notice."""

    title: str
    value: str


def alarm_facts(alarm: Alarm, lasted: timedelta | None) -> Iterator[Fact]:
    """What is known of an alarm, the most important first; what is not known is left out.

    Args:
        alarm: what its message says.
        lasted: how long it lasted, if it is over.
    """
    if alarm.changed_at:
        yield Fact("Since", format_moment(alarm.changed_at))
    if lasted is not None:
        yield Fact("Lasted", format_duration(int(lasted.total_seconds())))
    reading = read_reason(alarm.reason)
    if reading.value is not None:
        yield Fact("Value", _number(reading.value))
    if alarm.trigger:
        yield from _trigger_facts(alarm.trigger, reading)
    if alarm.children:
        more = (
            f" and {len(alarm.children) - _NAMED_CHILDREN} more"
            if len(alarm.children) > _NAMED_CHILDREN
            else ""
        )
        # If the alarm is over, the message names the child that ended last.
        title = "Ended with" if alarm.state is AlarmState.OK else "Set off by"
        yield Fact(title, ", ".join(alarm.children[:_NAMED_CHILDREN]) + more)
    if alarm.rule:
        yield Fact("Rule", alarm.rule)
    if alarm.previous_state:
        yield Fact("Before", alarm.previous_state)
    _, _, _, region, *_ = (*alarm.arn.split(":"), "", "", "", "")
    if where := ", ".join(part for part in (region, alarm.account) if part):
        yield Fact("Where", where)


def format_moment(moment: datetime) -> str:
    """A moment, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_duration(seconds: int) -> str:
    """A time span in its two largest units: `1 h 30 min`, `5 min`, `10 s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{count} {unit}"
        for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
        if count
    ]
    return " ".join(parts[:2]) or "0 s"


def _trigger_facts(trigger: Trigger, reading: Reading) -> Iterator[Fact]:
    if limit := _limit(trigger, reading):
        yield Fact("Threshold", " ".join(part for part in (limit, _periods(trigger)) if part))
    if trigger.metric:
        yield Fact(
            "Metric", f"{trigger.metric} ({trigger.statistic})" if trigger.statistic else trigger.metric
        )
    if trigger.dimensions:
        yield Fact("Dimensions", ", ".join(trigger.dimensions))


def _limit(trigger: Trigger, reading: Reading) -> str:
    if trigger.threshold is not None:
        return f"{trigger.comparison} {_number(trigger.threshold)}".strip()
    if trigger.comparison not in BAND_COMPARISONS:
        return ""
    if reading.lower is None or reading.upper is None:
        return f"{trigger.comparison} the expected band"
    return f"{trigger.comparison} the expected band of {_number(reading.lower)} to {_number(reading.upper)}"


def _periods(trigger: Trigger) -> str:
    if not trigger.periods or not trigger.period:
        return ""
    length = format_duration(trigger.period)
    if trigger.periods == 1:
        return f"in 1 period of {length}"
    # Without DatapointsToAlarm every period has to breach.
    return f"in {trigger.datapoints or trigger.periods} of {trigger.periods} periods of {length}"


def _number(value: float) -> str:
    # Six digits are enough to read, but g would turn a larger number into 1.23457e+06.
    return f"{value:,.6g}" if abs(value) < _LARGE else f"{value:,.10g}"
