"""`stockstream cost`: what a stack costs in a month, by resource, and what AWS has billed."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from stockstream.errors import StockstreamError
from stockstream.intervals import INTERVALS
from stockstream_operate.arguments import count
from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.cost.bill import BillLine, monthly_bill, savings, total
from stockstream_operate.cost.prices import AS_OF, PRICES
from stockstream_operate.cost.workload import INSTRUMENTS_A_REQUEST, MARKETS, MEMORIES, Workload
from stockstream_operate.counts import say_count
from stockstream_operate.instrument_list import read_followed
from stockstream_operate.screen import Screen
from stockstream_operate.stack import StackError, ask_stack

_DAYS = 30
# CloudFormation puts it on what it makes; Cost Explorer knows it once somebody has activated it.
_STACK_TAG = "aws:cloudformation:stack-name"


class CostError(StockstreamError):
    """The bill cannot be counted; the text says why."""


def add_cost(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream cost`."""
    command.description = (
        f"What a stack costs in a month, at AWS's list prices of {AS_OF}, without tax; "
        "and what each saving would bring. Without options it is the default stack."
    )
    option = command.add_argument
    option("--instruments", type=count, metavar="N", help="how many are followed (1)")
    option("--interval", choices=INTERVALS, help="how long a bar is (1min)")
    option(
        "--provider", choices=INSTRUMENTS_A_REQUEST, help="alpaca has a hundred in a request (alphavantage)"
    )
    option(
        "--requests-per-day", type=_requests, metavar="N", help="of the plan, 0 for no limit (25; alpaca 0)"
    )
    option("--market-hours", choices=MARKETS, help="when bars come (regular)")
    option("--parquet", action="store_true", help="LakeFormat=PARQUET")
    option("--compaction", action="store_true", help="CompactionEnabled=true")
    option("--search", action="store_true", help="SearchEnabled=true, with the smallest domain")
    option("--region", default="us-east-1", metavar="NAME", help="whose prices (us-east-1)")
    option(
        "--stack",
        metavar="NAME",
        help="count a stack of yours as it is deployed, and compare with what AWS billed in the last "
        f"{_DAYS} days (Cost Explorer takes $0.01 for the question)",
    )
    command.set_defaults(run=run_cost)


def run_cost(asked: argparse.Namespace, screen: Screen) -> None:
    """Prints the bill, and what would be less.

    Raises:
        StockstreamError: there is no such stack, or the region's prices are not known.
    """
    if asked.region not in PRICES:
        known = ", ".join(PRICES)
        raise CostError(f"--region {asked.region}: only the prices of {known} are known here")
    if asked.stack:
        state, stack = ask_stack(asked.stack)
        if state is None:
            raise StackError(f"There is no stack {asked.stack} in this account and region")
        work = workload_of(stack.parameters, len(read_followed(stack)))
    else:
        work = _workload(asked)
    lines = monthly_bill(work, asked.region)
    screen.say(_headline(work, asked.region))
    _show(
        screen,
        ["a month, in $", "list price", "with the always-free tier"],
        [_row(line) for line in [*lines, total(lines)]],
    )
    less = savings(work, asked.region)
    if less:
        screen.say("What would make it less, each by itself, at list prices:")
        _show(screen, ["change", "$ a month"], [[each.what, f"{each.dollars:.2f}"] for each in less])
    if asked.stack:
        _compare(asked.stack, screen)


def workload_of(parameters: Mapping[str, str], instruments: int) -> Workload:
    """What a stack with these parameters does that follows so many instruments."""
    provider = parameters["Provider"]
    return Workload(
        instruments=instruments,
        minutes=_minutes(parameters["Interval"]),
        provider=provider if provider in INSTRUMENTS_A_REQUEST else "alphavantage",
        market=parameters["MarketHours"],
        requests_per_day=int(parameters["RequestsPerDay"]) or None,
        parquet=parameters["LakeFormat"] == "PARQUET",
        search=parameters["SearchEnabled"] == "true" and not parameters["SearchEndpoint"],
        compaction=parameters.get("CompactionEnabled") == "true",
        buffer_seconds=int(parameters["DeliveryBufferSeconds"]),
        memory=int(parameters.get("ProducerMemory", MEMORIES[0])),
        shards=int(parameters.get("StreamShards", 1)),
        partitions=int(parameters.get("ProducerPartitions", 1)),
    )


def _workload(asked: argparse.Namespace) -> Workload:
    provider = asked.provider or "alphavantage"
    daily = asked.requests_per_day
    if daily is None:
        daily = 25 if provider == "alphavantage" and not asked.instruments else 0
    return Workload(
        instruments=asked.instruments or 1,
        minutes=_minutes(asked.interval or "1min"),
        provider=provider,
        market=asked.market_hours or "regular",
        requests_per_day=daily or None,
        parquet=asked.parquet,
        compaction=asked.compaction,
        search=asked.search,
    )


def _headline(work: Workload, region: str) -> str:
    followed = say_count(work.instruments, "instrument")
    plan = (
        f"{work.requests_per_day} requests a day" if work.requests_per_day else "no daily limit of requests"
    )
    return (
        f"{followed} in bars of {work.minutes} min, {work.provider}, {plan}, "
        f"MarketHours {work.market}, {region}: {work.bars:,} bars a month, "
        f"ProducerMemory={work.memory_used}, ProducerPartitions={work.partitions_used}, "
        f"StreamShards={work.shards_used}"
    )


def _compare(name: str, screen: Screen) -> None:
    """Says what AWS billed, where it may be asked."""
    today = datetime.now(UTC).date()
    try:
        answer = boto3.client("ce", region_name="us-east-1").get_cost_and_usage(
            TimePeriod={"Start": f"{today - timedelta(days=_DAYS)}", "End": f"{today}"},
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
            GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
            Filter={"Tags": {"Key": _STACK_TAG, "Values": [name]}},
        )
    except (BotoCoreError, ClientError) as error:
        screen.say(f"What AWS billed is not known: {say_aws_error(error)}")
        return
    billed: dict[str, float] = {}
    for month in answer["ResultsByTime"]:
        for group in month["Groups"]:
            service = group["Keys"][0]
            billed[service] = billed.get(service, 0.0) + float(group["Metrics"]["UnblendedCost"]["Amount"])
    if not billed:
        screen.say(
            f"AWS has billed nothing under the tag {_STACK_TAG}: activate it as a cost allocation tag in the "
            "console of Billing; what is billed from the next day on then counts."
        )
        return
    rows = sorted(billed.items(), key=lambda each: -each[1])
    screen.say(f"What AWS billed of it in the last {_DAYS} days, credits and free tier taken off:")
    rows.append(("together", sum(billed.values())))
    _show(screen, ["service", "$"], [[what, f"{dollars:.2f}"] for what, dollars in rows])


def _show(screen: Screen, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    screen.present(table)


def _row(line: BillLine) -> list[str]:
    return [line.what, f"{line.dollars:.2f}", f"{line.dollars - line.free:.2f}"]


def _minutes(interval: str) -> int:
    return int(INTERVALS[interval] / timedelta(minutes=1))


def _requests(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number: write 25, or 0 for no limit")
    return int(text)
