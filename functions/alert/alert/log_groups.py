"""The log groups of the other functions: which of their lines stand around a moment."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from alert.errors import LogsError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilterLogEventsResponseTypeDef

MOST_LINES = 200
# No further page is asked for after that; the one under way takes 3 s more.
SECONDS = 4


class Logs(Protocol):
    """Where functions write what they do."""

    def read_lines(
        self, function: str, messages: Sequence[str], start: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        """A function's log lines with one of these messages, oldest first.

        Raises:
            LogsError: they cannot be read, or nobody said where they are.
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
        self, function: str, messages: Sequence[str], start: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        """Asks page by page, since CloudWatch may answer with an empty page before the one that matters."""
        if function not in self.names:
            raise LogsError(f"DETAIL_LOG_GROUPS names no log group of {function}")
        lines: list[dict[str, Any]] = []
        until = self.clock() + SECONDS
        page: dict[str, str] = {}
        while len(lines) < MOST_LINES and self.clock() < until:
            answer = self._read_page(self.names[function], messages, start, end, page)
            lines += filter(None, (_parse(event.get("message", ""), messages) for event in answer["events"]))
            if not answer.get("nextToken"):
                break
            page = {"nextToken": answer["nextToken"]}
        return lines[:MOST_LINES]

    def _read_page(
        self,
        name: str,
        messages: Sequence[str],
        start: datetime,
        end: datetime,
        page: dict[str, Any],
    ) -> "FilterLogEventsResponseTypeDef":
        wanted = " || ".join(f'($.message = "{message}")' for message in messages)
        try:
            return self.client.filter_log_events(
                logGroupName=name,
                filterPattern=f"{{ {wanted} }}",
                startTime=int(start.timestamp() * 1000),
                endTime=int(end.timestamp() * 1000),
                limit=MOST_LINES,
                **page,
            )
        except (BotoCoreError, ClientError) as error:
            raise LogsError(f"the log group {name} cannot be read: {error}") from error


def _parse(text: str, messages: Sequence[str]) -> dict[str, Any] | None:
    # The emulator does not know JSON patterns and answers with every line, so the message is looked at again.
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and line.get("message") in messages else None
