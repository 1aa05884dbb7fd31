"""A stack's metrics in CloudWatch: what passed each of its parts in the last hour."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from stockstream_operate.stack import Stack

SINCE = timedelta(hours=1)
_PERIOD_SECONDS = 300
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


class MetricReader:
    """Reads the metrics of one stack.

    Args:
        stack: the stack.
        cloudwatch: boto3's client.
    """

    def __init__(self, stack: "Stack", cloudwatch: "CloudWatchClient") -> None:
        self._stack = stack
        self._cloudwatch = cloudwatch

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

    def read_numbers(self, now: datetime) -> dict[str, float]:
        """A number for each of METRICS, by its name; nothing of what was not measured in the last hour.

        Args:
            now: the time, UTC.

        Raises:
            BotoCoreError, ClientError: it cannot be read.
        """
        points = self.read_points(METRICS, now, _PERIOD_SECONDS)
        return {
            name: sum(point.value for point in each) if METRICS[name].taken == SUM else each[-1].value
            for name, each in points.items()
        }

    def _name_of(self, metric: Metric) -> str:
        return self._stack.output(metric.of) if metric.namespace else metric.of


def _statistic(metric: Metric) -> str:
    if metric.taken == SUM:
        return "Sum"
    if metric.taken in {P50, P99}:
        return metric.taken
    return "Minimum" if metric.name == "QuotaRemaining" else "Maximum"
