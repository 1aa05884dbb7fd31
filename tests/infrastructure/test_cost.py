"""What docs/cost.md says of the default stack is what `stockstream cost` counts, and the template makes."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resolved_template import ResolvedTemplate
from said_by_code import metrics_of
from simulated_pipeline import Days, simulate

from producer.planning.planner import Plan
from stockstream.errors import Reason
from stockstream_generate.template_file import read_template
from stockstream_operate.cost.bill import SHAPE, format_table, monthly_bill
from stockstream_operate.cost.workload import MARKETS, MEMORIES, Workload

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"
TABLE = format_table(monthly_bill(Workload()))


def alarm_metrics(**parameters: str) -> int:
    """How many metrics the alarms are billed for; with a formula, each that goes into it."""
    alarms = ResolvedTemplate(**parameters).of_kind("AWS::CloudWatch::Alarm").values()
    return sum(
        sum("MetricStat" in metric for metric in each.get("Metrics", [{"MetricStat": {}}])) for each in alarms
    )


def count(kind: str) -> int:
    return len(ResolvedTemplate().of_kind(kind))


def test_what_is_counted_is_what_the_template_makes() -> None:
    memory: Any = ResolvedTemplate().of_kind("AWS::Serverless::Function")

    assert SHAPE.alarm_metrics == alarm_metrics()
    assert SHAPE.search_alarm_metrics == alarm_metrics(SearchEnabled="true") - alarm_metrics()
    assert SHAPE.parquet_alarm_metrics == alarm_metrics(LakeFormat="PARQUET") - alarm_metrics()
    assert SHAPE.compaction_alarm_metrics == alarm_metrics(CompactionEnabled="true") - alarm_metrics()
    assert SHAPE.composite_alarms == count("AWS::CloudWatch::CompositeAlarm")
    assert SHAPE.dashboards == count("AWS::CloudWatch::Dashboard")
    assert SHAPE.transform_mb == memory["TransformFunction"]["MemorySize"]
    assert str(Workload().memory_used) == memory["ProducerFunction"]["MemorySize"]
    allowed = read_template()["Parameters"]["ProducerMemory"]["AllowedValues"]
    assert list(map(str, MEMORIES)) == allowed


def test_the_page_shows_the_table_that_the_command_prints() -> None:
    assert TABLE in PAGE.read_text(encoding="utf-8")


def test_the_default_stack_stays_below_15_dollars() -> None:
    (listed, billed) = re.findall(r"together\*\* \| ([0-9.]+) \| ([0-9.]+) \|", TABLE)[0]

    assert float(billed) < 15
    # Where the account's free tier is used up, but for its three dashboards, the page names the sum.
    assert f"the left column is ${float(listed) - 3:.2f}." in PAGE.read_text(encoding="utf-8")


def test_the_metrics_are_as_many_as_producer_and_transform_send_while_a_market_is_open() -> None:
    # Not counted: refusals by reason, which a good day lacks, and QuotaRemaining, which is sent all day.
    sent = len(metrics_of("producer")) + len(metrics_of("transform")) - len(Reason) - 1

    assert sent == SHAPE.metrics


def test_the_hours_in_which_the_producer_sends_its_metrics_are_no_more_than_what_is_counted() -> None:
    # One day of trading on 25 requests: 24 hours of QuotaRemaining, and 8 of each other metric.
    start, end = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    hours = simulate(Days("IBM", Plan(25, 1), start, end)).hours()

    assert MARKETS["regular"][2] == 8
    assert hours.pop("QuotaRemaining") == 24
    assert set(hours) == metrics_of("producer") - {"QuotaRemaining"}
    assert max(hours.values()) <= 8


def test_the_parts_add_up() -> None:
    figures = r"\| ([0-9.]+) \| ([0-9.]+) \|$"
    rows = re.findall(r"^\| (?!\*)[A-Z][^|]*" + figures, TABLE, re.MULTILINE)
    total = re.findall(r"^\| \*\*together\*\* " + figures, TABLE, re.MULTILINE)

    assert len(rows) == 10
    # Each figure is rounded to a cent.
    for column in (0, 1):
        assert abs(sum(float(row[column]) for row in rows) - float(total[0][column])) < 0.05


def test_a_thousand_instruments_of_one_minute_bars_in_new_york_cost_less_than_25_dollars() -> None:
    lines = monthly_bill(Workload(1000, provider="alpaca", requests_per_day=None))

    assert sum(line.dollars - line.free for line in lines) < 25
