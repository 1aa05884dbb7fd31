"""The alarm on batches that Firehose set aside, at a batch a minute: the loss rings, retries do not."""

from datetime import UTC, datetime, timedelta

import pytest
from alarm_evaluation import Change, Metrics
from metric_math import math_changes, read_math_alarms
from resolved_template import ResolvedTemplate

ALARM = read_math_alarms(ResolvedTemplate().of_kind("AWS::CloudWatch::Alarm"))["BatchSetAsideAlarm"]
READ = ("DataReadFromKinesisStream.Records", frozenset({("DeliveryStreamName", "BarDelivery")}))
ENRICHED, REJECTED = (
    (name, frozenset({("service", "transform")})) for name in ("BarsEnriched", "BarsRejected")
)
ERRORS, THROTTLES = (
    (name, frozenset({("FunctionName", "TransformFunction")})) for name in ("Errors", "Throttles")
)
MINUTE = timedelta(minutes=1)
OPEN, TROUBLE, CLOSE = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (14, 16, 18))


def day(lost: datetime | None = None, late: int = 0, calls: int = 1) -> Metrics:
    """A batch of three records a minute, transformed in the next minute; every tenth record is refused.

    Args:
        lost: the minute whose batch is never transformed.
        late: by how many minutes Firehose tells late what it read.
        calls: how often it calls with each batch.
    """
    metrics, minute = Metrics(), OPEN
    while minute < CLOSE:
        metrics.add(*READ, minute + late * MINUTE, 3)
        if minute != lost:
            refused = 1 if minute.minute % 10 == 7 else 0
            for _ in range(calls):
                metrics.add(*ENRICHED, minute + MINUTE, 3 - refused)
                metrics.add(*REJECTED, minute + MINUTE, refused)
        minute += MINUTE
    return metrics


def heard(metrics: Metrics) -> list[Change]:
    """What the alarm does, which is the same whether FILL fills a metric without any value or not."""
    by_filling, without = (
        math_changes(ALARM._replace(fills_nothing=fills), metrics, OPEN, CLOSE + timedelta(hours=1))
        for fills in (True, False)
    )
    assert by_filling == without
    return by_filling


@pytest.mark.parametrize("late", [0, 5])
def test_four_throttled_calls_in_a_minute_ring_once(late: int) -> None:
    metrics = day(lost=TROUBLE, late=late)
    metrics.add(*THROTTLES, TROUBLE, 1, 1, 1, 1)
    found = heard(metrics)

    assert [change.state for change in found] == ["ALARM", "OK"]
    assert TROUBLE < found[0].at <= TROUBLE + 15 * MINUTE


def test_four_errors_two_minutes_apart_ring_once() -> None:
    metrics = day(lost=TROUBLE)
    for attempt in range(4):
        metrics.add(*ERRORS, TROUBLE + 2 * attempt * MINUTE, 1)
    found = heard(metrics)

    assert [change.state for change in found] == ["ALARM", "OK"]
    assert TROUBLE + 6 * MINUTE < found[0].at <= TROUBLE + 15 * MINUTE


@pytest.mark.parametrize("calls", [1, 2])
def test_a_good_day_is_silent_though_batches_may_come_twice(calls: int) -> None:
    assert heard(day(calls=calls)) == []


def test_failed_calls_that_a_retry_makes_good_are_silent() -> None:
    metrics = day()
    for attempt in range(3):
        metrics.add(*THROTTLES, TROUBLE + attempt * MINUTE, 1)

    assert heard(metrics) == []


def test_a_batch_that_is_under_way_for_long_is_silent() -> None:
    assert heard(day(lost=TROUBLE)) == []
