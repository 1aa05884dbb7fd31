"""What a stack says of itself in CloudWatch: its alarms, their last changes, its numbers of the last hour."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream_operate.aws_errors import say_aws_error

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from stockstream_operate.stack import Stack

SINCE = timedelta(hours=1)
_PERIOD_SECONDS = 300
# DescribeAlarms takes a hundred names, and DescribeAlarmHistory gives a hundred changes at once.
_MOST_NAMES = MOST_CHANGES = 100
_KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_ALARM, _OK, _NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
# CloudWatch's words for an alarm that has not been looked at yet.
_NEW = "Unchecked: Initial alarm creation"
_CHANGE = re.compile(r"from (\w+) to (\w+)")
# `[critical] What happened. Runbook: https://...`, as the template writes it.
_DESCRIPTION = re.compile(r"(?:\[\w+\]\s*)?(.*?)(?:\s*Runbook: \S+)?", re.DOTALL)
SUM, LATEST, P50, P99 = "sum", "latest", "p50", "p99"


class Metric(NamedTuple):
    """A metric that is read.

    Attributes:
        name: CloudWatch's.
        of: the service of the stack's own namespace; or for a namespace of AWS the output that names the
            resource.
        namespace: empty for the stack's own.
        dimension: what names the resource in that namespace.
        taken: SUM of the last hour, or the LATEST maximum; of QuotaRemaining the minimum, which is the same.
            P50 and P99 are percentiles, the newest, too.
    """

    name: str
    of: str
    namespace: str = ""
    dimension: str = "service"
    taken: str = SUM


class Point(NamedTuple):
    """What a metric was in one period.

    Attributes:
        at: when the period began, UTC.
        value: the sum, or what else was asked for.
    """

    at: datetime
    value: float


METRICS = {
    "requests": Metric("ProviderRequests", "producer"),
    "failures": Metric("ProviderFailures", "producer"),
    "quota": Metric("QuotaRemaining", "producer", taken=LATEST),
    "published": Metric("BarsPublished", "producer"),
    "revised": Metric("BarsRevised", "producer"),
    "delay_p50": Metric("BarDelaySeconds", "producer", taken=P50),
    "delay_p99": Metric("BarDelaySeconds", "producer", taken=P99),
    "impossible": Metric("BarsImpossible", "producer"),
    "deferred": Metric("BarsDeferred", "producer", taken=LATEST),
    "enriched": Metric("BarsEnriched", "transform"),
    "rejected": Metric("BarsRejected", "transform"),
    "behind": Metric(
        "GetRecords.IteratorAgeMilliseconds", "BarStreamName", "AWS/Kinesis", "StreamName", LATEST
    ),
    "waiting": Metric(
        "DeliveryToS3.DataFreshness", "BarDeliveryName", "AWS/Firehose", "DeliveryStreamName", LATEST
    ),
}


class AlarmState(NamedTuple):
    """An alarm of the stack.

    Attributes:
        name: as the template calls it: `BarsOverdueAlarm`.
        rings: whether something is wrong now.
        since: when its state changed.
        words: what it means that it rings.
    """

    name: str
    rings: bool
    since: datetime
    words: str


class Change(NamedTuple):
    """A change of an alarm of which people were told.

    Attributes:
        name: the alarm's, as the template calls it.
        at: when.
        rings: whether it began; otherwise it is over.
        words: what it means that it rings.
    """

    name: str
    at: datetime
    rings: bool
    words: str


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

    alarms: Sequence[AlarmState] | None = None
    changes: Sequence[Change] | None = None
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
        self._cloudwatch = cloudwatch
        self._names: dict[str, str] = {}

    def read(self, now: datetime) -> StackReport:
        """The stack as it is now.

        Args:
            now: the time, UTC.
        """
        troubles: list[str] = []
        alarms, changes, numbers = None, None, None
        try:
            found = self._describe_alarms()
            alarms = _read_alarms(found)
        except (BotoCoreError, ClientError) as error:
            found = {}
            troubles.append(f"The alarms cannot be read: {say_refusal(error)}")
        if found:
            try:
                changes = tuple(self._read_changes(found))
            except (BotoCoreError, ClientError) as error:
                troubles.append(f"The last notices cannot be read: {say_refusal(error)}")
        try:
            numbers = self._read_numbers(now)
        except (BotoCoreError, ClientError) as error:
            troubles.append(f"The numbers of the last hour cannot be read: {say_refusal(error)}")
        followed = ""
        try:
            followed = self._read_followed()
        except (BotoCoreError, ClientError) as error:
            troubles.append(f"The list of instruments cannot be read: {say_refusal(error)}")
        except StockstreamError as error:
            troubles.append(f"The list of instruments cannot be read: {error}")
        return StackReport(alarms, changes, numbers, tuple(troubles), self._stack.parameters, followed)

    def read_alarms(self) -> tuple[AlarmState, ...]:
        """The stack's alarms alone, by name.

        Raises:
            BotoCoreError, ClientError: they cannot be read.
        """
        return _read_alarms(self._describe_alarms())

    def _read_followed(self) -> str:
        if self._stack.parameters.get("InstrumentsFileEnabled") != "true":
            return self._stack.parameters.get("Instruments", "").split(",")[0].strip()
        # Here, so that who looks at a lake on this machine does not wait a second for the AWS SDK.
        from stockstream_operate.instrument_list import read_followed  # noqa: PLC0415

        return read_followed(self._stack)[0].name

    def _describe_alarms(self) -> dict[str, Mapping[str, Any]]:
        """The alarms as AWS describes them, by the template's names."""
        if not self._names:
            self._names = {
                physical.rpartition(":")[2]: logical
                for kind in _KINDS
                for logical, physical in self._stack.resources(kind).items()
            }
        names = list(self._names)
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(names), _MOST_NAMES):
            answer = self._cloudwatch.describe_alarms(
                AlarmNames=names[start : start + _MOST_NAMES], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for each in (*answer["MetricAlarms"], *answer["CompositeAlarms"]):
                found[self._names[each["AlarmName"]]] = each
        return found

    def _read_changes(self, alarms: Mapping[str, Mapping[str, Any]]) -> Iterable[Change]:
        answer = self._cloudwatch.describe_alarm_history(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            MaxRecords=MOST_CHANGES,
            ScanBy="TimestampDescending",
        )
        changes: list[Change] = []
        rang: dict[str, bool] = {}
        for each in reversed(answer["AlarmHistoryItems"]):
            name = self._names.get(each["AlarmName"])
            states = _CHANGE.search(each["HistorySummary"])
            # A new alarm is said to have gone from its first state to the same.
            if name is None or states is None or states[1] == states[2]:
                continue
            alarm = alarms.get(name, {})
            rings = _is_wrong(states[2], alarm)
            # An alarm that comes to be is OK at first, which is no news; one without actions tells nobody.
            if rings != rang.get(name, False) and alarm.get("AlarmActions"):
                changes.append(Change(name, each["Timestamp"], rings, _read_words(alarm)))
            rang[name] = rings
        return reversed(changes)

    def read_points(
        self, metrics: Mapping[str, Metric], now: datetime, period: int
    ) -> dict[str, list[Point]]:
        """What was measured in the last hour, the oldest first; nothing of what was not.

        Args:
            metrics: what is asked for, by any names that begin with a lower-case letter.
            now: the time, UTC.
            period: seconds of one point.

        Raises:
            BotoCoreError, ClientError: it cannot be read.
        """
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": key,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": metric.namespace or self._stack.name,
                            "MetricName": metric.name,
                            "Dimensions": [{"Name": metric.dimension, "Value": self._name_of(metric)}],
                        },
                        "Period": period,
                        "Stat": _statistic(metric),
                    },
                }
                for key, metric in metrics.items()
            ],
            StartTime=now - SINCE,
            EndTime=now,
        )
        points = {
            each["Id"]: sorted(map(Point, each["Timestamps"], each["Values"]))
            for each in answer["MetricDataResults"]
        }
        return {name: each for name, each in points.items() if each}

    def _read_numbers(self, now: datetime) -> dict[str, float]:
        points = self.read_points(METRICS, now, _PERIOD_SECONDS)
        return {
            name: sum(point.value for point in each) if METRICS[name].taken == SUM else each[-1].value
            for name, each in points.items()
        }

    def _name_of(self, metric: Metric) -> str:
        return self._stack.output(metric.of) if metric.namespace else metric.of


def say_refusal(error: BotoCoreError | ClientError) -> str:
    """Why AWS did not answer, and what to do."""
    if isinstance(error, ClientError) and "AccessDenied" in error.response.get("Error", {}).get("Code", ""):
        return (
            f"your credentials may not call {error.operation_name}. "
            "Who administers the account can allow it, and the rest of the page works without."
        )
    return say_aws_error(error)


def _statistic(metric: Metric) -> str:
    if metric.taken == SUM:
        return "Sum"
    if metric.taken in {P50, P99}:
        return metric.taken
    return "Minimum" if metric.name == "QuotaRemaining" else "Maximum"


def _read_alarms(found: Mapping[str, Mapping[str, Any]]) -> tuple[AlarmState, ...]:
    return tuple(_read_alarm(name, each) for name, each in sorted(found.items()))


def _read_alarm(name: str, alarm: Mapping[str, Any]) -> AlarmState:
    is_new = alarm.get("StateReason", "").startswith(_NEW)
    rings = not is_new and _is_wrong(alarm["StateValue"], alarm)
    since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
    return AlarmState(name, rings, since, _read_words(alarm))


def _is_wrong(state: str, alarm: Mapping[str, Any]) -> bool:
    """Whether something is wrong: for some alarms it is that data ends."""
    return state == _ALARM or (state == _NO_DATA and bool(alarm.get("InsufficientDataActions")))


def _read_words(alarm: Mapping[str, Any]) -> str:
    found = _DESCRIPTION.fullmatch(alarm.get("AlarmDescription") or "")
    return found[1] if found else ""
