"""A month's bill, line by line, and what each saving would bring. Pure."""

from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from stockstream_operate.cost.figures import (
    ASKING_SECONDS,
    IDLE_SECONDS,
    LEDGER_BYTES,
    LEDGER_BYTES_AN_INSTRUMENT,
    LOG_KB,
    READ_UNITS_A_BAR,
    RECORD_BYTES,
    STORED_BYTES_A_BAR,
    TRANSFORM_SECONDS,
    TRANSFORM_SECONDS_A_BAR,
    WHOLE_PROCESSOR_MB,
    WRITE_UNITS_A_BAR,
)
from stockstream_operate.cost.prices import (
    ATHENA_LEAST_BYTES,
    FREE_ALARM_METRICS,
    FREE_DASHBOARDS,
    FREE_GB_SECONDS,
    FREE_LAMBDA_CALLS,
    FREE_LOG_GB,
    FREE_METRICS,
    FREE_TRANSITIONS,
    HOURS,
    PRICES,
    Prices,
)
from stockstream_operate.cost.workload import MARKETS, Workload
from stockstream_operate.counts import say_count

RUNS = HOURS * 60
GB = 1024**3
FIREHOSE_UNIT_BYTES = 5 * 1024
# What a line of the log takes for each answer that it names, and how many it names at most.
_ID_KB, _MOST_IDS = 0.045, 100
_SEARCH_DISK_GB = 10
_A_CENT = 0.01
# Of LakeCompaction: a night looks at seven days, each in six steps or so; a day that has files, and each
# 500 of them, take more.
_NIGHT_STEPS, _DAY_STEPS, _PAGE_STEPS, _PAGE_FILES = 2 + 7 * 6, 4, 5, 500
# Joining a day reads its files once, and comparing it twice and the Parquet, which has a third of the bytes.
_TIMES_READ, _PARQUET_SHARE = 3, 1 / 3
_QUERIES_A_DAY = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """What the template makes, which a test counts in it.

    Attributes:
        alarm_metrics: how many metrics its alarms are billed for.
        search_alarm_metrics: those of a search domain of its own.
        parquet_alarm_metrics: those of the lake's conversion.
        compaction_alarm_metrics: those of its compaction.
        composite_alarms: how many.
        dashboards: how many.
        metrics: what producer and transform send while a market is open, each in every hour.
        transform_mb: the transform's memory.
    """

    alarm_metrics: int = 30
    search_alarm_metrics: int = 6
    parquet_alarm_metrics: int = 1
    compaction_alarm_metrics: int = 1
    composite_alarms: int = 1
    dashboards: int = 1
    metrics: int = 16
    transform_mb: int = 512


SHAPE = Shape()


class BillLine(NamedTuple):
    """What one thing costs in a month, in dollars; free is what the always-free tier takes off."""

    what: str
    dollars: float
    free: float = 0.0


class Saving(NamedTuple):
    """A change, and the dollars a month that it takes off the list price."""

    what: str
    dollars: float


def monthly_bill(work: Workload, region: str = "us-east-1", shape: Shape = SHAPE) -> list[BillLine]:
    """The lines of the bill.

    Args:
        work: what the stack does.
        region: a key of PRICES.
        shape: what the template makes.
    """
    price = PRICES[region]
    lines = [
        BillLine(
            f"Kinesis: {say_count(work.shards_used, 'shard')}, and PUT units",
            price.shard_hour * HOURS * work.shards_used + work.bars * price.put_unit,
        ),
        *_cloudwatch(work, price, shape),
        _lambda(work, price, shape),
        BillLine("DynamoDB", _dynamodb(work, price)),
        BillLine("Firehose: 5 KB a bar", _firehose_gb(work) * price.firehose_gb),
    ]
    if work.parquet:
        lines.append(BillLine("Firehose: conversion to Parquet", _firehose_gb(work) * price.conversion_gb))
    stored = work.bars * STORED_BYTES_A_BAR / GB
    lines.append(
        BillLine(
            "S3: a file for each buffer, and a month of bars",
            _files(work) * price.s3_put + stored * price.s3_gb_month,
        )
    )
    if work.compaction:
        lines.append(_compaction(work, price))
    if work.search:
        domain = HOURS * price.search_hour + _SEARCH_DISK_GB * price.search_gb_month
        lines.append(BillLine("OpenSearch: the smallest domain", domain))
    return lines


def savings(work: Workload, region: str = "us-east-1") -> list[Saving]:
    """What else could be chosen, and what each alone takes off; the greatest first, and none below a cent."""
    changes = {
        "Interval=5min": replace(work, minutes=max(work.minutes, 5)),
        "SearchEnabled=false": replace(work, search=False),
        "LakeFormat=JSON": replace(work, parquet=False),
        "CompactionEnabled=false": replace(work, compaction=False),
        "MarketHours=regular": replace(work, market="regular") if work.market == "extended" else work,
        "DeliveryBufferSeconds=300": replace(work, buffer_seconds=max(work.buffer_seconds, 300)),
        "the fewest StreamShards that suffice": replace(work, shards=None),
        "the fewest ProducerPartitions that suffice": replace(work, partitions=None),
        "half of the instruments": replace(work, instruments=max(1, work.instruments // 2)),
    }
    now = total(monthly_bill(work, region)).dollars
    found = [Saving(what, now - total(monthly_bill(each, region)).dollars) for what, each in changes.items()]
    return sorted((each for each in found if each.dollars >= _A_CENT), key=lambda each: -each.dollars)


def total(lines: list[BillLine]) -> BillLine:
    """Their sum."""
    return BillLine("together", sum(line.dollars for line in lines), sum(line.free for line in lines))


def format_table(lines: list[BillLine]) -> str:
    """The lines as a Markdown table, with their sum."""
    rows = [*lines, total(lines)._replace(what="**together**")]
    return "\n".join(
        [
            "| a month, in $ | list price | with the always-free tier |",
            "|---|--:|--:|",
            *(f"| {line.what} | {line.dollars:.2f} | {line.dollars - line.free:.2f} |" for line in rows),
        ]
    )


def _cloudwatch(work: Workload, price: Prices, shape: Shape) -> list[BillLine]:
    alarms = shape.alarm_metrics
    alarms += shape.search_alarm_metrics * work.search + shape.parquet_alarm_metrics * work.parquet
    alarms += shape.compaction_alarm_metrics * work.compaction
    daily = work.requests_per_day is not None  # QuotaRemaining is sent all day
    metric_hours = shape.metrics * work.open_hours + HOURS * daily
    runs, named = work.partitions_used, work.instruments / work.partitions_used - 1
    logged = runs * (RUNS * LOG_KB + work.asking_runs * _ID_KB * max(0, min(_MOST_IDS, named)))
    logs = logged / 1e6 * price.log_gb
    metric_hour = price.metric_month / HOURS
    return [
        BillLine(
            f"CloudWatch: alarms on {alarms} metrics",
            price.alarm_month * alarms,
            free=price.alarm_month * min(FREE_ALARM_METRICS, alarms),
        ),
        BillLine("CloudWatch: the composite alarm", price.composite_alarm_month * shape.composite_alarms),
        BillLine(
            f"CloudWatch: {shape.metrics + daily} metrics, by the hour in which they are sent",
            metric_hour * metric_hours,
            free=metric_hour * min(FREE_METRICS * HOURS, metric_hours),
        ),
        BillLine(
            "CloudWatch: the dashboard",
            price.dashboard_month * shape.dashboards,
            free=price.dashboard_month * min(FREE_DASHBOARDS, shape.dashboards),
        ),
        BillLine("CloudWatch: logs", logs, free=min(logs, FREE_LOG_GB * price.log_gb)),
    ]


def _lambda(work: Workload, price: Prices, shape: Shape) -> BillLine:
    memory, runs = work.memory_used, work.partitions_used
    # Waiting for the provider, or working at the memory's share of a processor, whichever takes longer.
    share = min(1.0, memory / WHOLE_PROCESSOR_MB)
    asking = max(ASKING_SECONDS, work.asking_seconds + work.processor_seconds / runs / share)
    idle = (RUNS - work.asking_runs) * IDLE_SECONDS
    # Each call of the transform takes up to a megabyte of records.
    deliveries = max(work.asking_runs, work.bars * RECORD_BYTES / 1024**2)
    transforming = deliveries * TRANSFORM_SECONDS
    transforming += work.bars * TRANSFORM_SECONDS_A_BAR * WHOLE_PROCESSOR_MB / shape.transform_mb
    producing = runs * (idle + work.asking_runs * asking)
    seconds = memory / 1024 * producing + shape.transform_mb / 1024 * transforming
    calls = runs * RUNS + deliveries
    divided = f" in {runs} partitions" if runs > 1 else ""
    return BillLine(
        f"Lambda: the producer{divided} with {memory} MB",
        seconds * price.lambda_gb_second + calls * price.lambda_call,
        free=min(seconds, FREE_GB_SECONDS) * price.lambda_gb_second
        + min(calls, FREE_LAMBDA_CALLS) * price.lambda_call,
    )


def _dynamodb(work: Workload, price: Prices) -> float:
    """Of each run a ledger is read; a run that asks writes it twice, and a head for each answer."""
    runs = work.partitions_used
    ledger = LEDGER_BYTES + work.instruments / runs * LEDGER_BYTES_AN_INSTRUMENT
    reads = runs * RUNS * ceil(ledger / 4096) + work.heads * READ_UNITS_A_BAR
    writes = runs * work.asking_runs * 2 * ceil(ledger / 1024) + work.heads * WRITE_UNITS_A_BAR
    return reads * price.read_unit + writes * price.write_unit


def _compaction(work: Workload, price: Prices) -> BillLine:
    days = MARKETS[work.market][0]
    files = _files(work)
    stored = work.bars * STORED_BYTES_A_BAR
    read = max(days * _QUERIES_A_DAY * ATHENA_LEAST_BYTES, stored * (_TIMES_READ + _PARQUET_SHARE))
    steps = HOURS / 24 * _NIGHT_STEPS + days * (_DAY_STEPS + _PAGE_STEPS * ceil(files / days / _PAGE_FILES))
    return BillLine(
        "Compaction: Athena, S3 and Step Functions",
        read / 1e12 * price.athena_tb + files * _TIMES_READ * price.s3_get + steps * price.transition,
        free=min(steps, FREE_TRANSITIONS) * price.transition,
    )


def _firehose_gb(work: Workload) -> float:
    return work.bars * FIREHOSE_UNIT_BYTES / GB


def _files(work: Workload) -> float:
    """At most one for each buffer, while bars come; one for each run where they come more seldom."""
    buffers = work.open_hours * 3600 / max(1, work.buffer_seconds)
    return min(work.asking_runs, buffers) if work.buffer_seconds else work.asking_runs
