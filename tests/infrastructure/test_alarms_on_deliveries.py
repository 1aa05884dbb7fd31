"""The alarms on what each delivery reads, through simulated days in which somebody reads it, or nobody does.

What goes in is what the real producer sends (simulated_pipeline); the deliveries, and CloudWatch, are models.
"""

from datetime import UTC, datetime, timedelta

import pytest
from alarm_evaluation import Change, Metrics
from metric_math import math_changes, read_math_alarms
from resolved_template import ResolvedTemplate
from simulated_pipeline import Days, seldom, simulate

from producer.planning.planner import Plan

ALARMS = read_math_alarms(ResolvedTemplate(SearchEnabled="true").of_kind("AWS::CloudWatch::Alarm"))
LAKE, SEARCH = ALARMS["DeliveryIdleAlarm"], ALARMS["SearchDeliveryIdleAlarm"]
FREE, PAID = Plan(requests_per_day=25, requests_per_minute=1), Plan(None, 75)
MINUTE = timedelta(minutes=1)
# What the producer sends, the stream's own count of it, and what each delivery reads.
SENT = ("BarsPublished", frozenset({("service", "producer")}))
CAME_IN = ("IncomingRecords", frozenset({("StreamName", "BarStream")}))
READ = {
    delivery: ("DataReadFromKinesisStream.Records", frozenset({("DeliveryStreamName", delivery)}))
    for delivery in ("BarDelivery", "SearchDelivery")
}
# Two days of trading, in New York from 14:30 to 21:00 UTC, and the night between them.
START, END = datetime(2026, 11, 19, 14, tzinfo=UTC), datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(Days("IBM", PAID, START, END), id="paid"),
        pytest.param(Days("IBM", FREE, START, END), id="25 a day"),
        pytest.param(Days("TINY", PAID, START, END, trades={"TINY": seldom}), id="seldom traded"),
    ],
)
def sent(request: pytest.FixtureRequest) -> dict[datetime, float]:
    """How many records went into the stream in each minute in which any did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stockstream.observability.metrics.provider.service", "producer")
        minutes = simulate(request.param).of(*SENT)
    found = {minute: sum(values) for minute, values in minutes.items() if sum(values)}
    assert len(found) > 40  # or silence would prove nothing
    return found


def world(
    sent: dict[datetime, float],
    late: int,
    broken: tuple[datetime, datetime] = (END, END),
    delivery: str = "BarDelivery",
) -> Metrics:
    """The metrics of a stream and of its two deliveries.

    Args:
        late: in how many minutes records are read, and the reading counted.
        broken: from when to when one delivery reads nothing; then it reads all that waited.
        delivery: which.
    """
    metrics = Metrics()
    for minute, records in sent.items():
        metrics.add(*CAME_IN, minute, records)
        for each, metric in READ.items():
            is_unread = each == delivery and broken[0] <= minute < broken[1]
            metrics.add(*metric, (broken[1] if is_unread else minute) + late * MINUTE, records)
    return metrics


def heard(metrics: Metrics) -> list[Change]:
    """What both alarms do, which is the same whether FILL fills a metric without any value or not."""
    by_filling, without = (
        sorted(
            change
            for alarm in (LAKE, SEARCH)
            for change in math_changes(alarm._replace(fills_nothing=fills), metrics, START, END)
        )
        for fills in (True, False)
    )
    assert by_filling == without
    return by_filling


@pytest.mark.sampled(2)
@pytest.mark.parametrize("late", [0, 6])
def test_when_all_is_read_no_alarm_goes_off_in_a_new_stack_or_at_night(
    sent: dict[datetime, float], late: int
) -> None:
    assert heard(world(sent, late)) == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("delivery", "alarm"),
    [("BarDelivery", "DeliveryIdleAlarm"), ("SearchDelivery", "SearchDeliveryIdleAlarm")],
)
def test_23_hours_without_a_reader_are_heard_within_15_minutes_though_the_other_delivery_reads(
    sent: dict[datetime, float], delivery: str, alarm: str
) -> None:
    breaks = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)
    found = heard(world(sent, 1, (breaks, breaks + timedelta(hours=23)), delivery))

    assert [(change.alarm, change.state) for change in found] == [(alarm, "ALARM"), (alarm, "OK")]
    first = min(minute for minute in sent if minute >= breaks)
    assert first < found[0].at <= first + 15 * MINUTE


@pytest.mark.sampled(1)
def test_a_delivery_that_has_never_read_is_heard_within_15_minutes(sent: dict[datetime, float]) -> None:
    found = heard(world(sent, 1, (START, END)))

    assert {change.alarm for change in found} == {"DeliveryIdleAlarm"}
    assert found[0].at <= min(sent) + 15 * MINUTE


@pytest.mark.sampled(1)
def test_it_ends_when_the_reader_is_back_and_not_because_the_market_closes(
    sent: dict[datetime, float],
) -> None:
    breaks, mended = (datetime(2026, 11, 19, hour, tzinfo=UTC) for hour in (16, 23))
    found = heard(world(sent, 1, (breaks, mended)))

    assert [change.state for change in found] == ["ALARM", "OK"]
    assert mended < found[1].at <= mended + 5 * MINUTE


def test_hourly_bars_that_nobody_reads_are_told_once() -> None:
    hours = {datetime(2026, 11, 20, hour, 0, tzinfo=UTC): 1.0 for hour in range(10, 21)}
    found = heard(world(hours, 1, (START, END)))

    assert [change.state for change in found] == ["ALARM"]
