"""The producer's handler in moto's AWS, with a provider on this machine."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from moto import mock_aws

from producer import handler

BAR = {"1. open": "10", "2. high": "12", "3. low": "9", "4. close": "11", "5. volume": "7"}
META = {"2. Symbol": "IBM", "4. Interval": "1min", "6. Time Zone": "US/Eastern"}
REFUSED = {"Error Message": "the parameter apikey is invalid or missing."}
LAST_DAYS = {"2026-09": "2026-09-30", "2026-10": "2026-10-30"}


def answer_of(day: str, symbol: str = "IBM") -> dict[str, Any]:
    return {
        "Meta Data": META | {"2. Symbol": symbol},
        "Time Series (1min)": {f"{day} 15:{minute}:00": BAR for minute in (58, 59)},
    }


class Market(BaseHTTPRequestHandler):
    """Answers who shows the key, and everybody about coins."""

    key = "the-key"

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        if urlsplit(self.path).path == "/v1beta3/crypto/us/bars":
            self._answer_as_alpaca(asked["symbols"])
            return
        if urlsplit(self.path).path == "/0/public/OHLC":
            self._answer_as_kraken(asked["pair"])
            return
        day = LAST_DAYS[asked["month"]] if "month" in asked else "2026-11-20"
        self._send(answer_of(day, asked["symbol"]) if asked["apikey"] == self.key else REFUSED)

    def _answer_as_alpaca(self, symbols: str) -> None:
        """Two minutes of each coin, to whoever shows no key."""
        newest = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=3)
        times = [f"{newest + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}" for minute in (0, 1)]
        bars = [{"t": time, "o": 10, "h": 12, "l": 9, "c": 11, "v": 7} for time in times]
        has_key = any(name.lower().startswith("apca") for name in self.headers)
        self._send({"bars": {} if has_key else dict.fromkeys(symbols.split(","), bars)})

    def _answer_as_kraken(self, pair: str) -> None:
        """Two minutes of a coin that have ended, and one that is forming."""
        forming = int(datetime.now(UTC).timestamp()) // 60 * 60
        rows = [[forming - seconds, "10", "12", "9", "11", "10.5", "7", 3] for seconds in (120, 60, 0)]
        self._send({"error": [], "result": {pair: rows, "last": forming - 60}})

    def _send(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_market() -> Iterator[str]:
    """The provider's address."""
    with HTTPServer(("127.0.0.1", 0), Market) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def producer_stack(monkeypatch: pytest.MonkeyPatch, provider_url: str) -> Iterator[None]:
    """What the handler needs: its environment, the key, the stream and the table."""
    environment = {
        "INSTRUMENTS": "IBM",
        "INTERVAL": "1min",
        "PROVIDER": "replay",
        "PROVIDER_URL": provider_url,
        "PROVIDER_TIMEOUT_SECONDS": "5",
        "MARKET_HOURS": "always",
        "REQUESTS_PER_DAY": "0",
        "REQUESTS_PER_MINUTE": "10",
        "ALPACA_FEED": "iex",
        "API_KEY_PARAMETER_NAME": "/stockstream/api-key",
        "BAR_STREAM_NAME": "bars",
        "INSTRUMENT_TABLE_NAME": "instruments",
        "SMA_WINDOWS": "5,20,50,200",
        "EMA_WINDOWS": "12,26",
        "PRICE_MOVE_PERCENT": "5",
        "PRICE_MOVE_BARS": "5",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws(config={"core": {"passthrough": {"urls": [provider_url]}}}):
        boto3.client("ssm").put_parameter(Name="/stockstream/api-key", Value="the-key", Type="SecureString")
        boto3.client("kinesis").create_stream(StreamName="bars", ShardCount=1)
        boto3.client("dynamodb").create_table(
            TableName="instruments",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        )
        yield
    handler._producer.cache_clear()  # noqa: SLF001 (the next test has another environment)
    handler._listed.cache_clear()  # noqa: SLF001
    handler._settings.cache_clear()  # noqa: SLF001


def stream_ids() -> list[str]:
    """The bars in the stream, oldest record first."""
    return [record["id"] for record in stream_records()]


def stream_records() -> list[dict[str, Any]]:
    """The records in the stream, the oldest first."""
    client = boto3.client("kinesis")
    shard = client.list_shards(StreamName="bars")["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamName="bars", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return [json.loads(record["Data"]) for record in records]


def invoke(event: Any, seconds: float = 50) -> Mapping[str, object]:
    """Calls the handler, which Lambda would end after so many seconds."""
    context = SimpleNamespace(
        function_name="producer",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:producer",
        aws_request_id="1",
        get_remaining_time_in_millis=lambda: int(1000 * seconds),
    )
    answer: Mapping[str, object] = handler.handle(event, context)
    return answer
