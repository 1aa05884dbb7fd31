"""Details: what the logs say about an alarm that its message does not, such as which instrument moved.

CloudWatch's message knows the metric's value and no more, and a dimension for each instrument would cost
$0.30 a month each. So the lines are looked up that the value was counted from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from alert.alarms import Alarm, State
from alert.errors import LogsError
from alert.log_groups import Logs
from stockstream.observability import logger

MOST_DETAILS = 3
# Lines are written a little before the minute is evaluated in which they count, and none is written after.
_BEFORE, _AFTER = timedelta(minutes=3), timedelta(minutes=1)
_LONGEST = timedelta(hours=2)
# A composite alarm has no period of its own; requests that fail come up to 33 minutes apart.
_COMPOSITE = timedelta(minutes=35)

type Line = dict[str, Any]


class Source(NamedTuple):
    """Where the details of a metric stand.

    Attributes:
        function: whose log.
        messages: of which lines.
        tell: makes a sentence of one.
        rank: the greater, the more it matters; lines of one rank stay in their order, newest first.
        about: what a line is about: of two about the same thing only the graver is sent.
        nothing: what to say where there is no such line; empty for where to look.
    """

    function: str
    messages: tuple[str, ...]
    tell: Callable[[Line], str]
    rank: Callable[[Line], float] = lambda _line: 0
    about: Callable[[Line], object] | None = None
    nothing: str = ""


def find_details(alarm: Alarm, logs: Logs, alarm_metrics: Mapping[str, str]) -> Sequence[str]:
    """What the logs say about an alarm that goes off, a sentence each, what matters most first.

    Args:
        alarm: what its message says.
        logs: where to look.
        alarm_metrics: by its name, which metric an alarm watches that may set off a composite one.
    """
    names = alarm.trigger.metric_names if alarm.trigger else map(alarm_metrics.get, alarm.children)
    source = next((SOURCES[name] for name in names if name in SOURCES), None)
    if source is None or alarm.state is not State.ALARM or alarm.changed_at is None:
        return ()
    start = alarm.changed_at - _looked_at(alarm) - _BEFORE
    try:
        lines = logs.read_lines(source.function, source.messages, start, alarm.changed_at + _AFTER)
    except LogsError as error:
        logger.warning("details not found", alarm=alarm.name, reason=str(error))
        return (_look_for(source),)
    return _tell(lines, source) or (source.nothing or _look_for(source),)


def _looked_at(alarm: Alarm) -> timedelta:
    if alarm.trigger is None:
        return _COMPOSITE
    seconds = (alarm.trigger.period or 0) * (alarm.trigger.periods or 1)
    return min(timedelta(seconds=min(seconds, 86_400)), _LONGEST)


def _tell(lines: Iterable[Line], source: Source) -> tuple[str, ...]:
    about = source.about or source.tell
    newest_first = list(lines)[::-1]
    first: dict[object, Line] = {}
    for line in sorted(newest_first, key=lambda line: -source.rank(line)):
        first.setdefault(about(line), line)
    sentences = [source.tell(line) for line in first.values()]
    more = len(sentences) - MOST_DETAILS
    return (*sentences[:MOST_DETAILS], *([f"And {more} more."] if more > 0 else []))


def _look_for(source: Source) -> str:
    messages = " or ".join(f'"{message}"' for message in source.messages)
    return f"Which: look for {messages} in the {source.function}'s log."


def _tell_move(line: Line) -> str:
    change = _number(line.get("change_percent"))
    verb = "fell" if change < 0 else "rose"
    return (
        f"{line.get('instrument')} {verb} {abs(change):.2f} %, from {_price(line.get('from_price'))} "
        f"to {_price(line.get('to_price'))}, between {_clock(line.get('from_time'))} "
        f"and {_clock(line.get('to_time'))} UTC ({line.get('bars')} bars of {line.get('interval')})."
    )


def _tell_failure(line: Line) -> str:
    return f"{line.get('kind')}: {line.get('detail')}"


def _tell_deferred(line: Line) -> str:
    if "bars" in line:
        return f"{line.get('instrument')}: the stream did not take {line['bars']} bars."
    return f"{line.get('instrument')}: {line.get('detail')}"


def _tell_hole(line: Line) -> str:
    return f"{line.get('instrument')}: no bars between {line.get('after')} and {line.get('before')}."


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _price(value: object) -> str:
    return f"{_number(value):.10g}"


def _clock(value: object) -> str:
    # 2026-11-20T14:35:00Z; the day stands in the notice already.
    return str(value)[11:16]


_FAILURES = Source("producer", ("provider failed",), _tell_failure)

# By the name of the metric, so that an alarm may be called anything.
SOURCES = {
    "PriceMovePercent": Source(
        "producer",
        ("price moved",),
        _tell_move,
        rank=lambda line: abs(_number(line.get("change_percent"))),
        about=lambda line: str(line.get("instrument")),
    ),
    "RunsUnanswered": _FAILURES,
    "ProviderRefusals": _FAILURES,
    "BarsOverdueSeconds": _FAILURES._replace(
        nothing="No request failed: the provider answers, and shows nothing newer."
    ),
    "BarsDeferred": Source(
        "producer",
        ("stream refused bars", "bars left for the next run"),
        _tell_deferred,
        about=lambda line: str(line.get("instrument")),
    ),
    "HolesFound": Source("producer", ("hole found",), _tell_hole),
    "BarsRejected": Source("transform", ("record rejected",), lambda line: str(line.get("detail"))),
}
