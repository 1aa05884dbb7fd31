"""What a stack says of itself in CloudWatch: its alarms, their last changes, its numbers of the last hour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.stack_alarms import AlarmChange, AlarmReader, StackAlarm, read_states
from stockstream_operate.stack_metrics import MetricReader

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from stockstream_operate.stack import Stack


@dataclass(frozen=True, slots=True)
class StackReport:
    """What is known of a stack; None of what could not be read.

    Attributes:
        alarms: all of them, by name.
        changes: the newest first.
        numbers: by the names of METRICS; what was not measured in the last hour is not there.
        troubles: why something could not be read, a sentence each.
        parameters: the stack's.
        followed: the name of the first instrument that the stack follows; empty where it is not known.
    """

    alarms: Sequence[StackAlarm] | None = None
    changes: Sequence[AlarmChange] | None = None
    numbers: Mapping[str, float] | None = None
    troubles: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    followed: str = ""


class StackReader:
    """Reads the reports of one stack. It only reads, and says what it may not read.

    Args:
        stack: the stack.
        cloudwatch: boto3's client.
    """

    def __init__(self, stack: "Stack", cloudwatch: "CloudWatchClient") -> None:
        self._stack = stack
        self._alarms = AlarmReader(stack, cloudwatch)
        self._metrics = MetricReader(stack, cloudwatch)

    def read(self, now: datetime) -> StackReport:
        """The stack as it is now.

        Args:
            now: the time, UTC.
        """
        troubles: list[str] = []

        def ask[Answer](what: str, read: Callable[[], Answer]) -> Answer | None:
            try:
                return read()
            except (BotoCoreError, ClientError) as error:
                troubles.append(f"{what} cannot be read: {say_refusal(error)}")
            except StockstreamError as error:
                troubles.append(f"{what} cannot be read: {error}")
            return None

        described = ask("The alarms", self._alarms.describe)
        changes = ask("The last notices", lambda: self._alarms.read_changes(described)) if described else None
        numbers = ask("The numbers of the last hour", lambda: self._metrics.read_numbers(now))
        followed = ask("The list of instruments", self._read_followed)
        return StackReport(
            None if described is None else read_states(described),
            changes,
            numbers,
            tuple(troubles),
            self._stack.parameters,
            followed or "",
        )

    def _read_followed(self) -> str:
        if self._stack.parameters.get("InstrumentsFileEnabled") != "true":
            return self._stack.parameters.get("Instruments", "").split(",")[0].strip()
        # Here, so that a look at a lake on this machine does not wait a second for the AWS SDK.
        from stockstream_operate.instrument_list import read_followed  # noqa: PLC0415

        return read_followed(self._stack)[0].name


def say_refusal(error: BotoCoreError | ClientError) -> str:
    """Why AWS did not answer, and what to do."""
    if isinstance(error, ClientError) and "AccessDenied" in error.response.get("Error", {}).get("Code", ""):
        return (
            f"your credentials may not call {error.operation_name}. "
            "Who administers the account can allow it, and the rest of the page works without."
        )
    return say_aws_error(error)
