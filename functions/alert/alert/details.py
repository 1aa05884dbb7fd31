"""Details: what the logs say about an alarm that its message does not, such as which instrument moved.

CloudWatch's message knows the metric's value and no more, and a dimension for each instrument would cost
$0.30 a month each. So the lines are looked up that the value was counted from.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from alert.alarms import Alarm
from alert.detail_sources import OF_CALLS, SOURCES, Source
from alert.errors import LogsError
from alert.log_groups import FoundLines, Line, Logs
from stockstream.alarm_words import AlarmState
from stockstream.observability import logger

MOST_DETAILS = 3
# A minute is evaluated a little after its lines were written.
_BEFORE, _AFTER = timedelta(minutes=3), timedelta(minutes=1)
_LONGEST = timedelta(hours=2)
# A composite alarm has no period of its own; requests to a provider that fails are up to 33 minutes apart.
_COMPOSITE = timedelta(minutes=35)


def find_details(alarm: Alarm, logs: Logs, alarm_metrics: Mapping[str, str]) -> Sequence[str]:
    """What the logs say about an alarm that goes off, a sentence each, what matters most first.

    Args:
        alarm: what its message says.
        logs: where to look.
        alarm_metrics: by its name, which metric an alarm watches that may set off a composite one.
    """
    names = alarm.trigger.metric_names if alarm.trigger else tuple(map(alarm_metrics.get, alarm.children))
    source = next((SOURCES[name] for name in names if name in SOURCES), None)
    if not OF_CALLS.isdisjoint(names):
        return ()
    if source is None or alarm.state is not AlarmState.ALARM or alarm.changed_at is None:
        return ()
    start = alarm.changed_at - _looked_at(alarm) - _BEFORE
    try:
        found = logs.read_lines(source.function, source.line_filter, start, alarm.changed_at + _AFTER)
    except LogsError as error:
        logger.warning("details not found", alarm=alarm.name, reason=str(error))
        return (_look_for(source),)
    return _describe(found, source)


def _looked_at(alarm: Alarm) -> timedelta:
    if alarm.trigger is None:
        return _COMPOSITE
    seconds = (alarm.trigger.period or 0) * (alarm.trigger.periods or 1)
    return min(timedelta(seconds=min(seconds, 86_400)), _LONGEST)


def _describe(found: FoundLines, source: Source) -> tuple[str, ...]:
    if not found.lines:
        # Only where all lines were read is it certain that there is no such line.
        return (source.nothing if source.nothing and found.is_whole else _look_for(source),)
    about = source.about or source.describe
    first: dict[object, Line] = {}
    for line in found.lines if source.is_current else _gravest_first(found.lines, source):
        first.setdefault(about(line), line)
    sentences = [source.describe(line) for line in _gravest_first(first.values(), source)]
    more = len(sentences) - MOST_DETAILS
    at_least = "" if found.is_whole and not source.is_sample else "at least "
    if more > 0:
        return (*sentences[:MOST_DETAILS], f"And {at_least}{more} more.")
    return (*sentences, *([] if found.is_whole else ["There may be more."]))


def _gravest_first(lines: Iterable[Line], source: Source) -> list[Line]:
    """The lines by rank; of one rank, one of each kind before a second of the same; else as they came."""
    seen: Counter[object] = Counter()
    order: list[tuple[float, int]] = []
    lines = list(lines)
    for line in lines:
        rank, kind = source.rank(line), source.kind(line)
        order.append((-rank, seen[rank, kind] if kind else 0))
        seen[rank, kind] += 1
    return [line for _, line in sorted(zip(order, lines, strict=True), key=lambda pair: pair[0])]


def _look_for(source: Source) -> str:
    messages = " or ".join(f'"{message}"' for message in source.line_filter.messages)
    return f"Which: look for {messages} in the {source.function}'s log."
