"""What a run takes as its instruments grow: calls, processor, seconds and memory, with the real clients.

Each number of instruments has a process of its own, beside a market and an AWS that answer as slowly as the
real ones do (stand_in.py). It starts cold, with the tails of hours in the table, and has two runs more, a
minute apart. MB is the most that the process has taken until then, all of it, as Lambda counts. Lambda gives
a whole processor from 1,769 MB on and less memory's share of it: the last column is the memory with which the
run's share suffices. The times are one machine's: read how they grow.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import boto3
import requests
from stand_in import AWS_SECONDS, LATENCY_SECONDS, NOW, encoded, numbers, stand_in

from producer.handler import AWS_CONFIG, STREAM_CONFIG
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem
from producer.memory.tail import Tail
from producer.memory.tail_items import encode_base, encode_head
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger, RequestState, quota_day
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.alpaca import Alpaca, parse_key
from producer.providers.alphavantage import AlphaVantage
from producer.providers.api_key import ApiKey
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import BarStream
from stockstream.instruments import parse_instruments
from stockstream.observability import metrics
from stockstream.partitions import PARTITIONS, WHOLE, Partition
from stockstream.times import format_time
from stockstream.windows import Windows

SIZES = (1, 10, 100, 1000, 5000)
TAIL_BARS = 299
WHOLE_PROCESSOR_MB = 1769
# Of a minute, what a run may take, so that a slow one does not meet the next.
RUN_SECONDS = 20
TABLE = "instruments"


class Measured(NamedTuple):
    """What one run took.

    Attributes:
        kind: which run it was.
        calls: of AWS, by name.
        sent: bars.
        seconds: of the clock.
        processor: seconds of it.
        megabytes: the most memory that the process had until then.
    """

    kind: str
    calls: dict[str, int]
    sent: int
    seconds: float
    processor: float
    megabytes: float


def main() -> None:
    """Prints a line for each run of each provider and number of instruments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", choices=["alpaca", "alphavantage"], action="append")
    parser.add_argument("--size", type=int, action="append", help=f"instruments; {SIZES} if left out")
    parser.add_argument(
        "--partitions", type=int, default=1, choices=PARTITIONS, help="run the first of so many of the list"
    )
    parser.add_argument(
        "--first", action="store_true", help="measure the very first run, with an empty table"
    )
    asked = parser.parse_args()
    print(f"a market that answers in {LATENCY_SECONDS} s, AWS in {AWS_SECONDS} s a call")
    print(
        f"{'provider':13}{'instruments':>11} {'run':6}{'bars':>7}{'reads':>7}{'puts':>6}{'writes':>7}"
        f"{'seconds':>9}{'CPU s':>7}{'MB':>6}{f'CPU lasts {RUN_SECONDS} s at':>19}"
    )
    for provider in asked.provider or ["alphavantage", "alpaca"]:
        for size in asked.size or SIZES:
            for run in measure(provider, size, Partition(1, asked.partitions), first=asked.first):
                _print(provider, size, run)


def measure(provider: str, size: int, partition: Partition = WHOLE, *, first: bool = False) -> list[Measured]:
    """The runs of one process."""
    context = get_context("spawn")
    with stand_in() as url:
        ours, its = context.Pipe()
        process = context.Process(target=_run, args=(its, provider, size, url, partition, first))
        process.start()
        runs: list[Measured] = ours.recv()
        process.join()
    return runs


def _print(provider: str, size: int, run: Measured) -> None:
    calls = run.calls
    reads = calls.get("GetItem", 0) + calls.get("BatchGetItem", 0)
    writes = sum(calls.get(name, 0) for name in ("BatchExecuteStatement", "PutItem", "TransactWriteItems"))
    needed = WHOLE_PROCESSOR_MB * run.processor / RUN_SECONDS
    print(
        f"{provider:13}{size:11,} {run.kind:6}{run.sent:7,}{reads:7,}{calls.get('PutRecords', 0):6,}"
        f"{writes:7,}{run.seconds:9.1f}{run.processor:7.1f}{run.megabytes:6.0f}{needed:16.0f} MB",
        flush=True,
    )


def _run(
    pipe: Connection,
    provider: str,
    size: int,
    url: str,
    partition: Partition,
    first: bool,  # noqa: FBT001
) -> None:
    """Two runs in this process, after a cold start as in Lambda."""
    names = [name for number in range(size) if partition.holds(name := f"A{number}")]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
    if not first:
        _keep_tails(names, url)
    moment = NOW
    producer = _producer(provider, names, url, partition, lambda: moment)
    runs = []
    if not first:
        _keep_ledger(producer, names)
    _calls(url)
    for kind in ("first", "next") if first else ("cold", "warm", "warm"):
        before, processor = time.perf_counter(), time.process_time()
        sent = producer.run(seconds=600)
        seconds, processor = time.perf_counter() - before, time.process_time() - processor
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        runs.append(Measured(kind, _calls(url), sum(sent.values()), seconds, processor, most))
        metrics.clear_metrics()  # as Lambda's handler does, which writes them first
        moment += timedelta(minutes=1)
    pipe.send(runs)


def _calls(url: str) -> dict[str, int]:
    with urlopen(f"{url}/calls") as answer:  # noqa: S310 (our own server)
        calls: dict[str, int] = json.load(answer)
    return calls


def _tail_bars(newest: datetime) -> dict[str, Any]:
    stamps = [newest - timedelta(minutes=minute) for minute in range(TAIL_BARS - 1, -1, -1)]
    return {format_time(stamp): Ohlcv(*numbers(stamp)) for stamp in stamps}


def _newest_sent() -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=2)


def _keep_tails(names: list[str], url: str) -> None:
    """Puts into the table what hours of trading have left there: a base of half an hour ago, and a head."""
    newest = _newest_sent()
    item, base = encode_base("NAME|1min", Tail(_tail_bars(newest - timedelta(minutes=15)), forgotten=True))
    head = encode_head("NAME|1min", 7, Tail(_tail_bars(newest), forgotten=True), base)
    body = json.dumps({"names": names, "items": [encoded(head), encoded(item)]}).encode()
    with urlopen(Request(f"{url}/kept", body)):  # noqa: S310 (our own server)
        pass


def _keep_ledger(producer: Producer, names: list[str]) -> None:
    minute, newest = NOW.replace(second=0) - timedelta(minutes=1), _newest_sent()
    state = RequestState(asked_at=minute, newest=newest, sent_until=newest, reread_at=minute)
    producer.ledger_item.write(Ledger(quota_day(NOW), 0, None, dict.fromkeys(names, state)), minute, 0)


def _producer(
    name: str, names: list[str], url: str, partition: Partition, now: Callable[[], datetime]
) -> Producer:
    allowance, session = Allowance(), requests.Session()
    asking: dict[str, Any] = {"before_request": allowance.spend, "now": now}
    provider: Any = (
        Alpaca(session, url, ApiKey(lambda: "id:secret", parse_key), 10, "extended", "iex", **asking)
        if name == "alpaca"
        else AlphaVantage(
            session, url, ApiKey(lambda: "key", str.strip), 10, "extended", is_scarce=False, **asking
        )
    )
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG, endpoint_url=url)
    kinesis = boto3.client("kinesis", config=STREAM_CONFIG, endpoint_url=url)
    return Producer(
        watchlist=Watchlist(parse_instruments(",".join(names)), "1min", "always"),
        provider=provider,
        allowance=allowance,
        plan=Plan(None, 1200, provider.instruments_per_request, partition.of),
        ledger_item=LedgerItem(dynamodb, TABLE, name, partition),
        publisher=Publisher(
            Post(
                name,
                BarStream(kinesis, "bars", warn=print),
                InstrumentTable(dynamodb, TABLE),
                "1min",
                Windows(),
                table_seconds=0,
                stream_seconds=0,
            )
        ),
        now=now,
    )


if __name__ == "__main__":
    main()
