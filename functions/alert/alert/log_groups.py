"""The log groups of the other functions: their lines around a moment."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import LogsError
from stockstream.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilterLogEventsResponseTypeDef

# As many as one answer of FilterLogEvents holds: two lines from each run about a thousand instruments.
MOST_LINES = 10_000
# No further page is asked for after that; the one under way takes 3 s more.
SECONDS = 4
# FilterLogEvents answers with the oldest lines first. So the newest minutes are asked for before the others,
# for which there may be no time. The API can reverse the order, which Lambda's own SDK may be too old for.
_NEWEST = (timedelta(minutes=5), timedelta(minutes=25))
_MILLISECOND = timedelta(milliseconds=1)
_ANY: Mapping[str, tuple[object, ...]] = MappingProxyType({})

type Line = dict[str, Any]


class LineFilter(NamedTuple):
    """Which log lines are looked for.

    Attributes:
        messages: lines with one of these messages,
        having: and with one of these values at each of these keys,
        lacking: and with none of these values.
    """

    messages: tuple[str, ...]
    having: Mapping[str, tuple[object, ...]] = _ANY
    lacking: Mapping[str, tuple[object, ...]] = _ANY

    def matches(self, line: Line) -> bool:
        """Whether a line is one of them."""
        return (
            line.get("message") in self.messages
            and all(line.get(key) in values for key, values in self.having.items())
            and not any(line.get(key) in values for key, values in self.lacking.items())
        )

    def pattern(self) -> str:
        """The same as a filter pattern of CloudWatch."""
        any_of = {"message": self.messages, **self.having}
        terms = [
            *(f"({' || '.join(_terms(key, '=', values))})" for key, values in any_of.items()),
            *(term for key, values in self.lacking.items() for term in _terms(key, "!=", values)),
        ]
        return f"{{ {' && '.join(terms)} }}"


class FoundLines(NamedTuple):
    """The lines that were found.

    Attributes:
        lines: the newest first.
        is_whole: whether these are all that there are.
    """

    lines: Sequence[Line]
    is_whole: bool = True


class Logs(Protocol):
    """The logs of the other functions."""

    def read_lines(
        self, function: str, line_filter: LineFilter, start: datetime, end: datetime
    ) -> FoundLines:
        """A function's log lines around a moment.

        Raises:
            LogsError: they cannot be read, or the log group is not known.
        """


@dataclass(frozen=True, slots=True)
class LogGroups:
    """The logs in CloudWatch.

    Attributes:
        names: the log group of each function.
        clock: seconds that never go back.
    """

    names: Mapping[str, str]
    client: "CloudWatchLogsClient"
    clock: Callable[[], float]

    def read_lines(
        self, function: str, line_filter: LineFilter, start: datetime, end: datetime
    ) -> FoundLines:
        """Asks for the newest minutes first, until there is no time left or no room."""
        if function not in self.names:
            raise LogsError(f"DETAIL_LOG_GROUPS names no log group of {function}")
        name, until = self.names[function], self.clock() + SECONDS
        lines: list[Line] = []
        for first, last in _newest_first(start, end):
            try:
                older = self._read_span(name, line_filter, (first, last), MOST_LINES - len(lines), until)
            except LogsError as error:
                if not lines:
                    raise
                logger.warning("details cut short", log_group=name, reason=str(error))
                return FoundLines(lines, is_whole=False)
            lines += older.lines
            if not older.is_whole:
                return FoundLines(lines, is_whole=False)
        return FoundLines(lines)

    def _read_span(
        self, name: str, line_filter: LineFilter, span: tuple[datetime, datetime], most: int, until: float
    ) -> FoundLines:
        """Asks page by page, since CloudWatch may answer with empty pages before one that has lines."""
        lines: list[Line] = []
        page: dict[str, str] = {}
        while len(lines) < most and self.clock() < until:
            answer = self._read_page(name, line_filter, span, page)
            parsed = (_parse(event.get("message", "")) for event in answer["events"])
            lines += (line for line in parsed if line and line_filter.matches(line))
            if not answer.get("nextToken"):
                return FoundLines(lines[::-1])
            page = {"nextToken": answer["nextToken"]}
        return FoundLines(lines[::-1], is_whole=False)

    def _read_page(
        self, name: str, line_filter: LineFilter, span: tuple[datetime, datetime], page: dict[str, Any]
    ) -> "FilterLogEventsResponseTypeDef":
        first, last = span
        try:
            return self.client.filter_log_events(
                logGroupName=name,
                filterPattern=line_filter.pattern(),
                startTime=int(first.timestamp() * 1000),
                endTime=int(last.timestamp() * 1000),
                limit=MOST_LINES,
                **page,
            )
        except (BotoCoreError, ClientError) as error:
            raise LogsError(f"the log group {name} cannot be read: {error}") from error


def _newest_first(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    # Both ends belong to a span, so that the next one ends before this one begins.
    last = end
    for first in (*(end - age for age in _NEWEST), start):
        if last >= start:
            yield max(first, start), last
            last = first - _MILLISECOND


def _terms(key: str, operator: str, values: Sequence[object]) -> list[str]:
    return [f"$.{key} {operator} {json.dumps(value)}" for value in values]


def _parse(text: str) -> Line | None:
    # An emulator that does not know JSON patterns answers with all lines, whatever their form.
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
