"""What a year's runs said: log lines, metrics, and which of the template's alarms these ring."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, NamedTuple
from unittest.mock import patch

from alarm_evaluation import Change, Metrics, changes, composite_changes, read_alarms
from resolved_template import ResolvedTemplate

from stockstream.observability import logger, metrics

MINUTE = timedelta(minutes=1)
_TEMPLATE = ResolvedTemplate()
_PROPERTIES = _TEMPLATE.of_kind("AWS::CloudWatch::Alarm")
_PRODUCER = frozenset({("service", "producer")})
ALARMS = [alarm for alarm in read_alarms(_PROPERTIES, "stockstream") if alarm.dimensions == _PRODUCER]
DOWN = "PipelineDownAlarm"
_RULE: str = _TEMPLATE.of_kind("AWS::CloudWatch::CompositeAlarm")[DOWN]["AlarmRule"]
_NOTIFIES = {name for name, each in _PROPERTIES.items() if "AlarmActions" in each} | {DOWN}
_MEASURED = {alarm.metric for alarm in ALARMS}
# What says how things are now, and is above zero while they are bad.
_STATES = ("RunsUnanswered", "BarsOverdueSeconds", "BarsDeferred")


class Said(NamedTuple):
    """A warning or an error, and when it was logged."""

    at: datetime
    line: Mapping[str, Any]


class Rang(NamedTuple):
    """An alarm that tells people, from when on and until when."""

    alarm: str
    at: datetime
    until: datetime | None


class Told:
    """What the runs said so far.

    Args:
        stands: for how long what a run measured of a state stands, until the next one: as long a run in each
            minute would have measured the same, or worse.

    Attributes:
        said: the warnings and errors.
        sums: of each metric.
        is_well: whether the last run found nothing to be wrong that lasts.
    """

    def __init__(self, stands: timedelta = MINUTE) -> None:
        self.said: list[Said] = []
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.is_well = True
        self._stands, self._states, self._last = stands, dict[str, float](), datetime.min.replace(tzinfo=UTC)
        self._metrics, self._lines = Metrics(), StringIO()
        self._run: list[tuple[str, float]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, what is logged and measured comes here."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(logger.registered_handler, "stream", self._lines))
            stack.enter_context(patch.object(metrics, "add_metric", self._add))
            yield
        metrics.clear_metrics()

    def _add(self, name: str, _unit: object, value: float) -> None:
        self._run.append((name, value))

    def end_run(self, at: datetime) -> None:
        """Notes what a run said."""
        at = at.replace(second=0, microsecond=0)
        between = self._last + MINUTE
        while between < min(at, self._last + self._stands):
            for name, value in self._states.items():
                self._metrics.add(name, _PRODUCER, between, value)
            between += MINUTE
        self._last, self._states = at, {name: value for name, value in self._run if name in _STATES}
        self.is_well = not any(self._states.values())
        for name, value in self._run:
            self.sums[name] += value
            if name in _MEASURED:
                self._metrics.add(name, _PRODUCER, at, value)
        self._run.clear()
        if self._lines.tell():
            lines = map(json.loads, self._lines.getvalue().splitlines())
            self.said += [Said(at, each) for each in lines if each["level"] in {"WARNING", "ERROR"}]
            self._lines.seek(0)
            self._lines.truncate()

    def rang(self, start: datetime, end: datetime) -> list[Rang]:
        """The alarms that tell people, in the order in which they rang."""
        found = changes(ALARMS, self._metrics, start, end)
        found += composite_changes(DOWN, _RULE, found)
        told = sorted(each for each in found if each.alarm in _NOTIFIES)
        return [
            Rang(each.alarm, each.at, _end_of(each, told[place + 1 :]))
            for place, each in enumerate(told)
            if each.state == "ALARM"
        ]


def _end_of(ring: Change, later: Sequence[Change]) -> datetime | None:
    return next((each.at for each in later if each.alarm == ring.alarm), None)
