"""A trading day under faults, with the real producer, provider, transform, redrive and views.

AWS is moto; Firehose and the schedule are played here, and time is simulated, so that a day takes a minute or
two. A process is an object: a killed one does nothing more, and the next one remembers nothing.
"""

import gzip
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import boto3
import pytest
from aws_faults import Faults, Killed
from bad_provider import Market, Server
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from set_aside_world import LAKE, STREAM, error_line, make_world
from set_aside_world import World as SetAsideWorld

from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem
from producer.planning.allowance import Allowance
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.alphavantage import AlphaVantage
from producer.providers.api_key import ApiKey
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import BarStream
from stockstream.errors import StockstreamError
from stockstream.instruments import parse_instruments
from stockstream.observability import logger
from stockstream.windows import Windows
from stockstream_local.cli import main
from transform.handler import handle

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MINUTE = timedelta(minutes=1)
TABLE = "the-table"
# A run may take so long, as in the template.
RUN_SECONDS = 45
CALM = timedelta(minutes=75)  # longer than any pause of the planner's
# What other producers may put into the stream by mistake: none of it can be repaired.
POISON = (
    b"",
    b"\xff\xfe",
    b"{",
    b"[]",
    b"null",
    b'{"schema":"bar.v9"}',
    b'{"schema":"bar.v1","close":"NaN"}',
)
# Of a thousand of Firehose's batches.
TRANSFORM_FAILS, REDELIVERED = 60, 60
TRIES = 3
_AWS_ERRORS = (BotoCoreError, ClientError)


class Day(NamedTuple):
    """What is played.

    Attributes:
        name: for people.
        instruments: as the setting INSTRUMENTS has them.
        start: UTC.
        end: UTC; nothing goes wrong any more in CALM before it.
        halted: the name of an instrument that halts.
        listed: the name of one that is listed late.
        times: how much more often something goes wrong than in a long day.
    """

    name: str
    instruments: str
    start: datetime
    end: datetime
    halted: str = ""
    listed: str = ""
    times: int = 1


def _utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


_NEW_YORK = "IBM,AAPL,MSFT,AMZN,NVDA,GOOGL,TSLA,KO,PEP,NEW"
_PAIRS = "fx:EUR/USD,fx:GBP/USD,fx:USD/JPY,fx:EUR/GBP,fx:EUR/JPY,fx:GBP/JPY"
_COINS = "crypto:BTC/USD,crypto:ETH/USD"
_TWO_EXCHANGES = f"{_NEW_YORK},F,GM,TSCO.LON,VOD.LON,BP.LON,RIO.LON,fx:EUR/USD,fx:USD/JPY,{_COINS}"
_CHINA = "SAIC.SHH,SPDB.SHH,BAO.SHH,CITIC.SHH,MIDEA.SHZ,VANKE.SHZ"
DAYS = (
    Day(
        "New York and London",
        _TWO_EXCHANGES,
        _utc(20, 12),
        _utc(20, 22, 15),
        halted="IBM",
        listed="NEW",
    ),
    Day(
        "half a day after Thanksgiving",
        _TWO_EXCHANGES,
        _utc(27, 13),
        _utc(27, 20, 30),
        halted="crypto:ETH/USD",
    ),
    Day(
        "Asia, with its lunch",
        f"{_CHINA},RELI.BSE,TCS.BSE,INFY.BSE,SBI.BSE,{_PAIRS},{_COINS},fx:AUD/USD,fx:USD/CHF",
        _utc(20, 1),
        _utc(20, 9, 30),
        halted="RELI.BSE",
        listed="TCS.BSE",
    ),
    Day(
        "a weekend of pairs",
        f"{_PAIRS},fx:AUD/USD,fx:USD/CHF,fx:EUR/CHF,fx:GBP/CHF,fx:AUD/JPY,fx:EUR/AUD,fx:GBP/AUD,fx:CHF/JPY,"
        "fx:USD/CAD,fx:EUR/CAD,fx:GBP/CAD,fx:CAD/JPY,IBM,AAPL",
        _utc(20, 19, 30),
        _utc(23, 1, 30),
        halted="fx:EUR/GBP",
    ),
)
SHORT = Day(
    "a short one",
    "IBM,NEW,TSCO.LON,fx:EUR/USD,crypto:BTC/USD",
    _utc(20, 14, 20),
    _utc(20, 17, 35),
    halted="IBM",
    listed="NEW",
    times=4,
)


class Firehose:
    """Reads the stream, buffers, calls the real transform, and writes files: in any order, once or more."""

    def __init__(self, kinesis: "KinesisClient", lake: Path, chance: random.Random) -> None:
        self._kinesis, self._lake, self._chance = kinesis, lake, chance
        (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
        self._iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        self._buffer: list[dict[str, Any]] = []
        self._files = 0
        self.calm = False
        self.records: list[bytes] = []
        self.counts: Counter[str] = Counter()

    def read(self, now: datetime) -> None:
        """Takes what came into the stream."""
        answer = self._kinesis.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        for each in answer["Records"]:
            self.records.append(each["Data"])
            self._buffer.append(
                {
                    "recordId": str(len(self.records)),
                    "data": b64encode(each["Data"]).decode(),
                    "approximateArrivalTimestamp": round(now.timestamp() * 1000),
                }
            )

    def deliver(self, now: datetime) -> None:
        """Delivers the buffer, in up to five batches at once that overtake each other."""
        batches = []
        while self._buffer:
            size = self._chance.randint(1, 500)
            batches.append(self._buffer[:size])
            del self._buffer[:size]
        self._chance.shuffle(batches)
        for batch in batches:
            self._deliver_batch(batch, now)
            if not self.calm and self._chance.randrange(1000) < REDELIVERED:
                self.counts["redelivered"] += 1
                self._deliver_batch(batch, now)

    def _deliver_batch(self, batch: list[dict[str, Any]], now: datetime) -> None:
        tries = 0
        while not self.calm and self._chance.randrange(1000) < TRANSFORM_FAILS * (1 if not tries else 8):
            self.counts["transform timed out"] += 1
            tries += 1
            if tries == TRIES:
                lines = [error_line(b64decode(each["data"]), "Lambda.FunctionTimedOut") for each in batch]
                self._set_aside(lines, now)
                return
        self._chance.shuffle(batch)
        entries = handle({"invocationId": "i", "records": batch}, None)["records"]
        data = {each["recordId"]: b64decode(each["data"]) for each in batch}
        body = b"".join(b64decode(each["data"]) for each in entries if each["result"] == "Ok")
        lines = [error_line(data[each["recordId"]]) for each in entries if each["result"] != "Ok"]
        self._files += 1
        if body:
            path = self._lake / "bars" / f"dt={now.date()}" / f"bars-{self._files:06}.json.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(body, 1))
        if lines:
            self._set_aside(lines, now)

    def _set_aside(self, lines: Sequence[bytes], now: datetime) -> None:
        self._files += 1
        key = f"processing-failed/dt={now.date()}/bars-{self._files:06}"
        boto3.client("s3").put_object(Bucket=LAKE, Key=key, Body=b"\n".join(lines))


class World:
    """A day, its market, and all that the producer touches.

    Args:
        day: what is played.
        seed: of all that is drawn.
        aws: a stream, a bucket, and a transform that the redrive finds.
        lake: an empty folder.
    """

    def __init__(self, day: Day, seed: int, aws: SetAsideWorld, lake: Path) -> None:
        self.day = day
        self._aws = aws
        self.chance = random.Random(seed)
        self.now = day.start
        self.instruments = parse_instruments(day.instruments)
        self.market = Market(self.instruments, day.end, self.chance, day.halted, day.listed)
        self.server = Server(self.market, lambda: self.now, self.chance)
        self.faults = Faults(self.chance, day.times, lambda: self.now, self._overtake)
        self.poison: list[bytes] = []
        self.runs: Counter[str] = Counter()
        self.last_run = day.start
        self._slept = 0.0
        self.kinesis = aws.kinesis
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.firehose = Firehose(self.kinesis, lake, self.chance)
        self.producer = self._new_process()

    def play(self) -> None:
        """The whole day, and its calm end."""
        while self.now < self.day.end:
            if self.day.end - self.now <= CALM:
                self.faults.calm = self.server.calm = self.firehose.calm = True
            self._play_minute()
            self.now = self.now.replace(second=0, microsecond=0) + MINUTE
        for _ in range(2):
            self.firehose.read(self.now)
            self.firehose.deliver(self.now)
            with redirect_stdout(StringIO()):
                assert main(["redrive", "--apply"]) == 0
        self.firehose.read(self.now)
        self.firehose.deliver(self.now)

    def set_aside(self) -> list[bytes]:
        """What Firehose set aside and the redrive left."""
        keys = [key for key in self._aws.files() if key.startswith("processing-failed/")]
        return [entry for key in keys for entry in self._aws.entries(key)]

    def _play_minute(self) -> None:
        calm, minute = self.faults.calm, self.now
        if not calm and self.chance.randrange(400) == 0:
            self.server.down_until = self.now + self.chance.randint(2, 150) * MINUTE
            self.runs["provider outage"] += 1
        if not calm and self.chance.randrange(20) == 0:
            self.poison.append(self.chance.choice(POISON[1:]) + str(len(self.poison)).encode())
            self.kinesis.put_record(StreamName=STREAM, Data=self.poison[-1], PartitionKey="poison")
        # The schedule skips a run, and doubles one.
        times = 1 if calm else self.chance.choices((0, 1, 2), (2, 96, 2))[0]
        for _ in range(times):
            if not calm and self.chance.randrange(100) == 0:
                self.producer = self._new_process()  # Lambda replaces a warm one
            self.now = max(self.now, minute + timedelta(seconds=20))
            self._run(self.producer)
        self.firehose.read(self.now)
        if self.chance.randrange(3) == 0:
            self.firehose.deliver(self.now)

    def _run(self, producer: Producer) -> None:
        self.runs["run"] += 1
        self.last_run, self._slept = self.now, 0.0
        try:
            producer.run(RUN_SECONDS)
        except Killed:
            self.runs["killed"] += 1
            self.faults.revive()
            self.producer = self._new_process()
        except (StockstreamError, *_AWS_ERRORS) as error:
            self.runs[f"failed: {type(error).__name__}"] += 1

    def _overtake(self) -> None:
        """A process hangs until its lease has ended; another one runs, and dies perhaps."""
        self.now += timedelta(seconds=RUN_SECONDS + 20)
        self.runs["run"] += 1
        try:
            self._new_process().run(RUN_SECONDS)
        except Killed:
            self.runs["killed"] += 1
        except (StockstreamError, *_AWS_ERRORS) as error:
            self.runs[f"failed: {type(error).__name__}"] += 1

    def _sleep(self, seconds: float) -> None:
        self._slept += seconds

    def _new_process(self) -> Producer:
        config = Config(retries={"mode": "standard"})
        dynamodb, kinesis = boto3.client("dynamodb", config=config), boto3.client("kinesis", config=config)
        for client in (dynamodb, kinesis):
            self.faults.meet(client)
        allowance = Allowance(lambda: 0.0)
        return Producer(
            watchlist=Watchlist(self.instruments, "1min", "regular"),
            provider=AlphaVantage(
                self.server,
                "https://market.test",
                ApiKey(lambda: "S3CRETKEY", str.strip),
                5,
                "regular",
                before_request=allowance.spend,
                now=lambda: self.now,
                sleep=self._sleep,
            ),
            allowance=allowance,
            plan=Plan(None, 75),
            ledger_item=LedgerItem(dynamodb, TABLE, "alphavantage"),
            publisher=Publisher(
                source="alphavantage",
                stream=BarStream(
                    kinesis,
                    STREAM,
                    warn=logger.debug,
                    now=lambda: self._slept,
                    sleep=self._sleep,
                    jitter=lambda limit: limit,
                ),
                table=InstrumentTable(dynamodb, TABLE),
                interval="1min",
                windows=Windows(),
            ),
            now=lambda: self.now,
        )


@contextmanager
def open_world(day: Day, seed: int, lake: Path) -> Iterator[World]:
    """A world in which nothing has happened yet.

    Args:
        day: what is played.
        seed: of all that is drawn.
        lake: an empty folder.
    """
    with (
        pytest.MonkeyPatch.context() as patches,
        make_world(patches) as aws,
        # One request after another, so that a seed repeats its day.
        patch("producer.fetching.REQUESTS_AT_ONCE", 1),
        # And so that a slow machine changes nothing: no time passes while a run works.
        patch("producer.production.time.monotonic", lambda: 0.0),
        patch("botocore.endpoint.time.sleep", lambda _seconds: None),
    ):
        yield World(day, seed, aws, lake)
