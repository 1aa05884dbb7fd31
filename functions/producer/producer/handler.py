"""What the schedule invokes."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial

import boto3
import requests
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from producer.backfill import read_backfill
from producer.listed_instruments import ListedInstruments
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem
from producer.memory.list_item import ListItem
from producer.memory.split_item import SplitItem
from producer.partitioning import backfill_each, read_partition
from producer.planning.allowance import Allowance
from producer.planning.coverage import measure_coverage
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import ProviderAccess
from producer.providers.provider_http import LONGEST_REQUEST
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from producer.settings import ProducerSettings, check_instrument, read_settings
from stockstream.aws_calls import longest_call
from stockstream.bar_stream import BarStream
from stockstream.observability import logger, metrics
from stockstream.partitions import Partition
from stockstream.sessions import ending_calendars

# AWS answers within milliseconds. A call without an answer in two seconds is repeated.
AWS_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    # Each concurrent request uses DynamoDB and Kinesis, so there are more connections than requests.
    max_pool_connections=20,
)
# BarStream repeats its calls itself, and checks the time before each.
STREAM_CONFIG = AWS_CONFIG.merge(
    Config(read_timeout=3, retries={"mode": "standard", "total_max_attempts": 1})
)
# Each run begins with the list. If S3 is slow, the next run asks again.
LIST_CONFIG = AWS_CONFIG.merge(
    Config(connect_timeout=0.5, read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 1})
)
# Reserved at the end of the function's time for writing the ledger, in a call that may be answered late, and
# the metrics.
RESERVE_SECONDS = longest_call(AWS_CONFIG) + 1


@cache
def _settings() -> ProducerSettings:
    return read_settings(os.environ)


# One for each partition, since only the first one reports what is bad in the list.
@cache
def _listed(partition: Partition) -> ListedInstruments | None:
    """The instruments that a file lists; None where the settings list them."""
    settings = _settings()
    if settings.instrument_bucket_name is None:
        return None
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
    return ListedInstruments(
        boto3.client("s3", config=LIST_CONFIG),
        settings.instrument_bucket_name,
        ListItem(dynamodb, settings.instrument_table_name, settings.provider),
        partial(check_instrument, settings),
        settings.watchlist.instruments,
        reports=partition.number == 1,
    )


@cache
def _producer(partition: Partition) -> Producer:
    settings, listed = _settings(), _listed(partition)
    everything = settings.watchlist
    if listed:
        everything = replace(everything, instruments=listed.instruments)
    watchlist = replace(
        everything, instruments=tuple(each for each in everything.instruments if partition.holds(each.name))
    )
    dynamodb = boto3.client("dynamodb", config=AWS_CONFIG)
    allowance = Allowance()
    kind = PROVIDERS[settings.provider]
    provider = kind.open(
        ProviderAccess(
            session=requests.Session(),
            url=settings.provider_url,
            read_key=_key_reader(settings, everything, allowance),
            timeout_seconds=settings.provider_timeout_seconds,
            hours=watchlist.hours,
            options=settings.provider_options,
            before_request=allowance.spend,
            is_scarce=settings.requests_per_day is not None,
        )
    )
    plan = Plan(
        settings.requests_per_day,
        settings.requests_per_minute,
        provider.instruments_per_request,
        partition.of,
    )
    if partition.number == 1:
        _warn(everything, plan)
    return Producer(
        watchlist=watchlist,
        provider=provider,
        allowance=allowance,
        plan=plan._replace(requests_per_minute=partition.share_of(plan.requests_per_minute)),
        ledger_item=LedgerItem(dynamodb, settings.instrument_table_name, settings.provider, partition),
        publisher=Publisher(
            Post(
                source=settings.provider,
                stream=BarStream(
                    boto3.client("kinesis", config=STREAM_CONFIG),
                    settings.bar_stream_name,
                    warn=logger.warning,
                    call_seconds=longest_call(STREAM_CONFIG),
                ),
                table=InstrumentTable(dynamodb, settings.instrument_table_name),
                interval=watchlist.interval,
                windows=settings.windows,
                table_seconds=longest_call(AWS_CONFIG),
                stream_seconds=longest_call(STREAM_CONFIG),
            ),
            watch=settings.watch,
        ),
        delay=kind.delay(settings.provider_options),
        request_seconds=LONGEST_REQUEST * settings.provider_timeout_seconds,
        read_splits=SplitItem(dynamodb, settings.instrument_table_name).read,
    )


def _key_reader(
    settings: ProducerSettings, watchlist: Watchlist, allowance: Allowance
) -> Callable[[], str] | None:
    """A function that reads the provider's key; None if no instrument needs one."""
    if not any(map(PROVIDERS[settings.provider].needs_key, watchlist.instruments)):
        return None
    ssm = boto3.client("ssm", config=AWS_CONFIG)

    def read() -> str:
        # A key may be read again during a run; that takes less time than the request that needs it.
        allowance.require_time()
        answer = ssm.get_parameter(Name=settings.api_key_parameter_name, WithDecryption=True)
        return answer["Parameter"]["Value"]

    return read


def _warn(watchlist: Watchlist, plan: Plan) -> None:
    """Logs at each cold start what a person should change before bars are lost."""
    now = datetime.now(UTC)
    coverage = measure_coverage(watchlist, plan, now)
    if not coverage.covers:
        logger.warning("plan does not cover the instruments", detail=coverage.message)
    for market, day in ending_calendars(watchlist.count_by_market(), now).items():
        logger.warning("calendar ends: take a newer release", market=market, day=day.isoformat())


def _up_to_date(partition: Partition) -> Producer:
    """The producer of a partition, with the list as it is now."""
    listed = _listed(partition)
    if listed and listed.refresh():
        # Another list may need a key that the last one did not, and its coverage is another.
        _producer.cache_clear()
    return _producer(partition)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handle(event: dict[str, object], context: LambdaContext) -> Mapping[str, object]:
    """Sends a partition's bars that are new or have changed, or a month; answers what became of each."""

    def seconds() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS

    of = _settings().partitions
    if backfill := read_backfill(event):
        return backfill_each(
            backfill,
            of,
            lambda partition, instruments: _up_to_date(partition).backfill(
                instruments, backfill.month, seconds()
            ),
        )
    partition = read_partition(event, of)
    if partition is None:
        logger.info("no such partition", detail=f"there are {of}")
        return {}
    return _up_to_date(partition).run(seconds())
