"""What the schedule invokes."""

import os
from functools import cache

import boto3
import requests
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from producer.alpaca import Alpaca, parse_key
from producer.alphavantage import AlphaVantage
from producer.answers import Provider
from producer.bar_stream import BarStream
from producer.instrument_table import InstrumentTable
from producer.production import Producer
from producer.settings import ProducerSettings, read_settings
from stockstream.observability import MetricUnit, logger, metrics

# Kept back from the function's time, so that a run ends by itself and remembers what it sent.
RESERVE_SECONDS = 5


@cache
def _settings() -> ProducerSettings:
    return read_settings(os.environ)


def _count_request() -> None:
    metrics.add_metric("ProviderRequests", MetricUnit.Count, 1)


def _provider(settings: ProducerSettings, key: str) -> Provider:
    if settings.provider == "alpaca":
        return Alpaca(
            requests.Session(),
            settings.provider_url,
            parse_key(key),
            settings.provider_timeout_seconds,
            settings.market_hours,
            settings.alpaca_feed,
            before_request=_count_request,
        )
    # The replay market on one machine speaks as Alpha Vantage does.
    return AlphaVantage(
        requests.Session(),
        settings.provider_url,
        key.strip(),
        settings.provider_timeout_seconds,
        settings.market_hours,
        before_request=_count_request,
    )


@cache
def _producer() -> Producer:
    settings = _settings()
    config = Config(retries={"mode": "standard"}, connect_timeout=3, read_timeout=10)
    key = boto3.client("ssm", config=config).get_parameter(
        Name=settings.api_key_parameter_name, WithDecryption=True
    )
    return Producer(
        provider=_provider(settings, key["Parameter"]["Value"]),
        source=settings.provider,
        stream=BarStream(boto3.client("kinesis", config=config), settings.bar_stream_name),
        table=InstrumentTable(boto3.client("dynamodb", config=config), settings.instrument_table_name),
        interval=settings.interval,
        windows=settings.windows,
    )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handle(_event: dict[str, object], context: LambdaContext) -> dict[str, int]:
    """Sends the bars that are new or have changed; answers how many of each instrument."""
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    return _producer().run(_settings().instruments, seconds)
