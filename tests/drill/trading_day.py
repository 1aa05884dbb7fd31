"""A trading day under faults, with the real producer, provider, transform, redrive and views.

AWS is moto; Firehose and the schedule are played here, and time is simulated, so that a day takes a minute or
two. A process is an object: a killed one does nothing more, and the next one remembers nothing.
"""

import gzip
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import boto3
import pytest
from alarm_evaluation import Metrics
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
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import BarStream
from stockstream.errors import StockstreamError
from stockstream.instruments import parse_instruments
from stockstream.observability import logger, metrics
from stockstream.windows import Windows
from stockstream_local.cli import main
from stockstream_operate.redrive import redrive_command
from transform.answers import AnswerTooLargeError, cut_to_fit
from transform.handler import handle

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MINUTE = timedelta(minutes=1)
TABLE, KEY_PARAMETER = "the-table", "/stockstream/api-key"
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
TRANSFORM_FAILS, REDELIVERED, OVER_THE_LIMIT = 60, 60, 10
TRIES = 4
# The dimensions of the template's metrics, by the names that ResolvedTemplate gives its resources.
_PRODUCER = frozenset({("service", "producer")})
_TRANSFORM = frozenset({("service", "transform")})
_PRODUCER_FUNCTION = frozenset({("FunctionName", "ProducerFunction")})
_TRANSFORM_FUNCTION = frozenset({("FunctionName", "TransformFunction")})
_STREAM = frozenset({("StreamName", "BarStream")})
_DELIVERY = frozenset({("DeliveryStreamName", "BarDelivery")})
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
        _utc(20, 22, 45),
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
    """Reads the stream, buffers, calls the real transform, and writes files: in any order, once or more.

    Attributes:
        calm: whether nothing goes wrong.
        blind_until: until when it may not read the stream.
        broken_until: until when the transform fails.
        records: all that it read.
        counts: how often each fault took place.
    """

    def __init__(
        self, kinesis: "KinesisClient", lake: Path, chance: random.Random, measured: Metrics
    ) -> None:
        self._kinesis, self._lake, self._chance, self._measured = kinesis, lake, chance, measured
        (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
        self._iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        self._buffer: list[dict[str, Any]] = []
        self._files = 0
        self.calm = False
        self.blind_until = self.broken_until = datetime.min.replace(tzinfo=UTC)
        self.records: list[bytes] = []
        self.counts: Counter[str] = Counter()

    def read(self, now: datetime) -> None:
        """Takes what came into the stream."""
        if now < self.blind_until:
            return
        before = len(self.records)
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
        if len(self.records) > before:
            self._measure("DataReadFromKinesisStream.Records", _DELIVERY, now, len(self.records) - before)

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
        self._chance.shuffle(batch)
        entries = self._transform(batch, now)
        if entries is None:
            lines = [error_line(b64decode(each["data"]), "Lambda.FunctionTimedOut") for each in batch]
            self.counts["set aside as a whole"] += 1
            self._set_aside(lines, now)
            return
        data = {each["recordId"]: b64decode(each["data"]) for each in batch}
        body = b"".join(b64decode(each["data"]) for each in entries if each["result"] == "Ok")
        lines = [error_line(data[each["recordId"]]) for each in entries if each["result"] != "Ok"]
        self._measure("BarsEnriched", _TRANSFORM, now, len(entries) - len(lines))
        self._measure("BarsRejected", _TRANSFORM, now, len(lines))
        self._files += 1
        if body:
            path = self._lake / "bars" / f"dt={now.date()}" / f"bars-{self._files:06}.json.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(body, 1))
            self._measure("DeliveryToS3.Success", _DELIVERY, now, 1)
        if lines:
            self._set_aside(lines, now)

    def _transform(self, batch: list[dict[str, Any]], now: datetime) -> list[dict[str, str]] | None:
        """The transform's answer; None if it fails as often as Firehose calls."""
        for attempt in range(TRIES):
            if self._draw("transform timed out", TRANSFORM_FAILS * (8 if attempt else 1), now):
                entries = None
            elif self._draw("answer over the limit", OVER_THE_LIMIT, now):
                entries = _transform_within(batch, sum(len(each["data"]) for each in batch) // 2)
            else:
                entries = handle({"invocationId": "i", "records": batch}, None)["records"]
            self._measure("Errors", _TRANSFORM_FUNCTION, now, entries is None)
            self._measure("ExecuteProcessing.Success", _DELIVERY, now, entries is not None)
            if entries is not None:
                return entries
        return None

    def _draw(self, fault: str, rate: int, now: datetime) -> bool:
        if self.calm:
            return False
        took_place = self._chance.randrange(1000) < rate
        if fault == "transform timed out":
            took_place = took_place or now < self.broken_until
        self.counts[fault] += took_place
        return took_place

    def _measure(
        self, metric: str, dimensions: frozenset[tuple[str, str]], at: datetime, value: float
    ) -> None:
        self._measured.add(metric, dimensions, at.replace(second=0, microsecond=0), float(value))

    def _set_aside(self, lines: Sequence[bytes], now: datetime) -> None:
        self._files += 1
        key = f"processing-failed/dt={now.date()}/bars-{self._files:06}"
        boto3.client("s3").put_object(Bucket=LAKE, Key=key, Body=b"\n".join(lines))


def _transform_within(batch: list[dict[str, Any]], limit: int) -> list[dict[str, str]] | None:
    """The transform's answer where Lambda lets out so many bytes; None where it fails."""
    with patch(
        "transform.firehose.cut_to_fit", lambda entries, records: cut_to_fit(entries, records, limit, limit)
    ):
        try:
            entries: list[dict[str, str]] = handle({"invocationId": "i", "records": batch}, None)["records"]
        except AnswerTooLargeError:
            return None
    return entries


class World:
    """A day, its market, and all that the producer touches.

    Args:
        day: what is played.
        seed: of all that is drawn.
        aws: a stream, a bucket, and a transform that the redrive finds.
        lake: an empty folder.

    Attributes:
        skews: by how much the provider's clock was ahead, each from a moment on.
        measured: the metrics of the day, as CloudWatch would have them.
        outages: what was down on purpose, and from when to when.
    """

    def __init__(self, day: Day, seed: int, aws: SetAsideWorld, lake: Path) -> None:
        self.day = day
        self._aws = aws
        self.chance = random.Random(seed)
        self.now = day.start
        self.instruments = parse_instruments(day.instruments)
        self.market = Market(self.instruments, day.end, self.chance, day.halted, day.listed)
        self.skews = [(day.start - timedelta(days=99), timedelta())]
        self.server = Server(self.market, lambda: self.now + self.skews[-1][1], self.chance, self._let_go_by)
        self.measured = Metrics()
        self.outages: list[tuple[str, datetime, datetime]] = []
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
        boto3.client("ssm").put_parameter(Name=KEY_PARAMETER, Value="S3CRETKEY", Type="SecureString")
        self.firehose = Firehose(self.kinesis, lake, self.chance, self.measured)
        self.producer: Producer | None = None

    def play(self) -> None:
        """The whole day, and its calm end."""
        while self.now < self.day.end:
            if self.day.end - self.now <= CALM and not self.faults.calm:
                self._calm_down()
            self._play_minute()
            self.now = self.now.replace(second=0, microsecond=0) + MINUTE
        for _ in range(2):
            self.firehose.read(self.now)
            self.firehose.deliver(self.now)
            with redirect_stdout(StringIO()):
                assert main(["redrive", "--apply"]) == 0
        self.firehose.read(self.now)
        self.firehose.deliver(self.now)

    def all_faults(self) -> Counter[str]:
        """How often each kind of fault took place."""
        of_runs = {"run", "killed"} | {each for each in self.runs if each.startswith("failed")}
        return (
            self.faults.counts
            + self.server.counts
            + self.firehose.counts
            + Counter({kind: times for kind, times in self.runs.items() if kind not in of_runs})
            + Counter({"poison": len(self.poison)})
        )

    def set_aside(self) -> list[bytes]:
        """What Firehose set aside and the redrive left."""
        keys = [key for key in self._aws.files() if key.startswith("processing-failed/")]
        return [entry for key in keys for entry in self._aws.entries(key)]

    def skew_at(self, moment: datetime) -> timedelta:
        """By how much the provider's clock was ahead at a moment."""
        return next(skew for since, skew in reversed(self.skews) if since <= moment)

    def _calm_down(self) -> None:
        self.faults.calm = self.server.calm = self.firehose.calm = True
        self.faults.burst_until = self.firehose.blind_until = self.firehose.broken_until = self.now
        self.skews.append((self.now, timedelta()))

    def _play_minute(self) -> None:
        calm, minute = self.faults.calm, self.now
        if not calm:
            self._break_something()
        # The schedule skips a run, and doubles one.
        times = 1 if calm else self.chance.choices((0, 1, 2), (2, 96, 2))[0]
        self.runs["skipped by the schedule"] += times == 0
        self.runs["doubled by the schedule"] += times == 2
        for _ in range(times):
            if not calm and self.chance.randrange(100) == 0:
                self.producer = None  # Lambda replaces a warm one
                self.runs["cold start"] += 1
            self.now = max(self.now, minute + timedelta(seconds=20))
            self._run()
        self._measure_stream()
        self.firehose.read(self.now)
        if self.chance.randrange(3) == 0:
            self.firehose.deliver(self.now)

    def _measure_stream(self) -> None:
        stored, refused = self.faults.take_puts()
        if stored or refused:
            self._measure("IncomingRecords", _STREAM, stored)
            self._measure("PutRecords.FailedRecords", _STREAM, 0)
            self._measure("WriteProvisionedThroughputExceeded", _STREAM, refused)

    def _break_something(self) -> None:
        """What lasts for a while, now and then."""
        if self.chance.randrange(400) == 0:
            self.server.down_until = self._begin_outage("provider outage", self.chance.randint(2, 150))
        if self.chance.randrange(300) == 0:
            self.faults.burst_until = self._begin_outage("throttle burst", self.chance.randint(2, 10))
        if self.chance.randrange(300) == 0:
            self.firehose.blind_until = self._begin_outage("stream not readable", self.chance.randint(5, 40))
        if self.chance.randrange(400) == 0:
            self.firehose.broken_until = self._begin_outage("transform broken", self.chance.randint(3, 20))
        if self.chance.randrange(120) == 0:
            self.skews.append((self.now, self.chance.randint(-5, 5) * MINUTE))
            self.runs["provider's clock moved"] += 1
        if self.chance.randrange(20) == 0:
            self.poison.append(self.chance.choice(POISON[1:]) + str(len(self.poison)).encode())
            self.kinesis.put_record(StreamName=STREAM, Data=self.poison[-1], PartitionKey="poison")
        if self.chance.randrange(150) == 0:
            self._redrive_under_faults()

    def _begin_outage(self, name: str, minutes: int) -> datetime:
        end = self.now + minutes * MINUTE
        self.runs[name] += 1
        self.outages.append((name, self.now, end))
        return end

    def _redrive_under_faults(self) -> None:
        """An operator redrives in the middle of it all, and may be cut off at any call."""
        self.runs["redrive in the middle"] += 1
        self._slept = 0.0
        self.faults.alone = True
        with (
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
            patch.object(redrive_command, "boto3", SimpleNamespace(client=self._client)),
            patch.object(redrive_command, "BarStream", self._open_stream),
            suppress(Killed, SystemExit),
        ):
            main(["redrive", "--apply"])
        self.faults.alone = False
        self.faults.revive()

    def _open_stream(self, kinesis: "KinesisClient", name: str, **_options: object) -> BarStream:
        return BarStream(
            kinesis,
            name,
            warn=logger.debug,
            now=lambda: self._slept,
            sleep=self._sleep,
            jitter=lambda limit: limit,
        )

    def _client(self, service: str, config: Config | None = None) -> Any:
        client = boto3.client(service, config=config)  # type: ignore[call-overload]  # of any service
        self.faults.meet(client)
        return client

    def _measure(self, metric: str, dimensions: frozenset[tuple[str, str]], *values: float) -> None:
        self.measured.add(metric, dimensions, self.now.replace(second=0, microsecond=0), *values)

    def _let_go_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _run(self) -> None:
        self.last_run, self._slept = self.now, 0.0
        self._measure("Errors", _PRODUCER_FUNCTION, self._fails(self._warm))
        if self.faults.is_dead:
            self.faults.revive()
            self.producer = None

    def _warm(self) -> Producer:
        self.producer = self.producer or self._new_process()
        return self.producer

    def _fails(self, start: Callable[[], Producer]) -> bool:
        """Has a process run; whether Lambda counts an error."""
        self.runs["run"] += 1
        try:
            start().run(RUN_SECONDS)
        except Killed:
            self.runs["killed"] += 1
            metrics.clear_metrics()
            return True
        except (StockstreamError, *_AWS_ERRORS) as error:
            self.runs[f"failed: {type(error).__name__}"] += 1
            self._flush()
            return True
        self._flush()
        return False

    def _flush(self) -> None:
        """What the handler would write as a line of its log."""
        for name, metric in metrics.metric_set.items():
            self._measure(name, _PRODUCER, *metric["Value"])
        metrics.clear_metrics()

    def _overtake(self) -> None:
        """A process hangs until its lease has ended; another one runs, and dies perhaps."""
        self.now += timedelta(seconds=RUN_SECONDS + 20)
        self._measure("Errors", _PRODUCER_FUNCTION, self._fails(self._new_process))

    def _sleep(self, seconds: float) -> None:
        self._slept += seconds

    def _time(self) -> float:
        return self.now.timestamp()

    def _new_process(self) -> Producer:
        config = Config(retries={"mode": "standard"})
        dynamodb, kinesis, ssm = (self._client(each, config) for each in ("dynamodb", "kinesis", "ssm"))
        allowance = Allowance(lambda: 0.0)
        return Producer(
            watchlist=Watchlist(self.instruments, "1min", "regular"),
            provider=AlphaVantage(
                self.server,
                "https://market.test",
                ApiKey(
                    lambda: ssm.get_parameter(Name=KEY_PARAMETER, WithDecryption=True)["Parameter"]["Value"],
                    str.strip,
                    self._time,
                ),
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
                Post(
                    source="alphavantage",
                    stream=self._open_stream(kinesis, STREAM),
                    table=InstrumentTable(dynamodb, TABLE),
                    interval="1min",
                    windows=Windows(),
                )
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
