"""The producer's processes: each begins, runs, and ends by itself or is killed.

A process is an object: a killed one does nothing more, and the next one remembers nothing. Time is simulated,
so that a call which is never answered takes as long as its client waits, and a run that takes longer than
Lambda lets it is a fault, as is one that fails though nothing failed that it cannot do without.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
from alarm_evaluation import Metrics
from aws_faults import TAIL_FAILS, Faults, Killed
from bad_provider import Server
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from clock import Clock
from days import Day
from quick_aws import QUICK, QuickAws
from set_aside_world import STREAM
from together import Together

from producer.handler import AWS_CONFIG, RESERVE_SECONDS, STREAM_CONFIG
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import (
    InstrumentTable,
    TailConflictError,
    TailUnreachableError,
    VersionedTail,
)
from producer.memory.ledger_item import LeaseHeldError, LedgerItem, VersionedLedger
from producer.memory.tail import Tail
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.alphavantage import AlphaVantage
from producer.providers.api_key import ApiKey
from producer.providers.provider_http import LONGEST_REQUEST
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.aws_calls import longest_call
from stockstream.bar_stream import BarStream
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream.observability import logger, metrics
from stockstream.windows import Windows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient

TABLE, KEY_PARAMETER = "the-table", "/stockstream/api-key"
# As in the template: how long Lambda lets a run take, and how long it waits for the provider.
FUNCTION_SECONDS, PROVIDER_SECONDS = 50, 10
_PRODUCER = frozenset({("service", "producer")})
_PRODUCER_FUNCTION = frozenset({("FunctionName", "ProducerFunction")})
_AWS_ERRORS = (BotoCoreError, ClientError)
_NEVER = datetime.min.replace(tzinfo=UTC)

type Reproach = Callable[[str], None]


class _WatchedLedger(LedgerItem):
    """The ledger's item, of which a process that is alone must not take itself for its rival."""

    def __init__(self, client: "DynamoDBClient", reproach: Reproach) -> None:
        super().__init__(client, TABLE, "alphavantage")
        self._reproach = reproach
        self.held_until = _NEVER

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        try:
            written = super().write(ledger, held_until, read_version)
        except LeaseHeldError:
            self._reproach("a run took itself for another that holds the ledger")
            raise
        self.held_until = held_until
        return written


class _WatchedTable(InstrumentTable):
    """The table of tails, of which the same is true."""

    def __init__(self, client: "DynamoDBClient", reproach: Reproach) -> None:
        super().__init__(client, TABLE)
        self._reproach = reproach

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        try:
            return super().write_tail(instrument, interval, tail, read_version)
        except TailConflictError:
            self._reproach(f"a run took itself for another that wrote the tail of {instrument}")
            raise


class Processes:
    """The processes of a day, one after the other, or one over the other.

    Args:
        instruments: what they follow.
        server: the provider's.
        clock: of the day.
        measured: takes what the function's metrics say.
        aws: the table and the stream.
        chance: draws what AWS does.
        day: how often more than in a long day, and about how many instruments a request asks.

    Attributes:
        faults: AWS's.
        counts: what became of the runs.
        last_run: when the last one began.
        key_known_at: from when on whoever reads the key again gets the one that the provider takes.
        reproaches: what a run should have done otherwise, in sentences.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        server: Server,
        clock: Clock,
        measured: Metrics,
        aws: QuickAws,
        chance: random.Random,
        day: Day,
    ) -> None:
        self._together = day.together
        self._instruments, self._server, self._clock, self._measured = instruments, server, clock, measured
        self.faults = Faults(aws, chance, day.times, clock, self._overtake)
        self.counts: Counter[str] = Counter()
        self.last_run = self.key_known_at = clock.now
        self.reproaches: list[str] = []
        self._warm: Producer | None = None
        self._is_overtaken = False

    def replace_warm(self) -> None:
        """Lambda replaces the process that is warm: the next run begins cold."""
        self._warm = None

    def run(self) -> None:
        """A run of the process that is warm, or of a new one."""
        self.last_run, self._is_overtaken = self._clock.now, False
        self._measure("Errors", _PRODUCER_FUNCTION, self._fails(self._start))
        if self.faults.is_dead:
            self.faults.revive()
            self._warm = None

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client whose calls may fail."""
        if service in QUICK:
            # Signatures take long, and nobody here checks them.
            config = (config or Config()).merge(Config(signature_version=UNSIGNED))
        client = boto3.client(service, config=config)  # type: ignore[call-overload]  # of any service
        self.faults.meet(client)
        return client

    def open_stream(
        self, kinesis: "KinesisClient", name: str, call_seconds: float = 0.0, **_options: object
    ) -> BarStream:
        """The stream, whose pauses are simulated and as long as they may be."""
        return BarStream(
            kinesis,
            name,
            warn=logger.debug,
            now=self._seconds,
            sleep=self._clock.let_go_by,
            jitter=lambda limit: limit,
            call_seconds=call_seconds,
        )

    def _start(self) -> Producer:
        self._warm = self._warm or self._new_process()
        return self._warm

    def _fails(self, start: Callable[[], Producer]) -> bool:
        """Has a process run; whether Lambda counts an error."""
        self.counts["run"] += 1
        began, troubles = self._clock.seconds, self._troubles()
        self.faults.begin(began + FUNCTION_SECONDS)
        try:
            producer = start()
            memory = cast("_WatchedLedger", producer.ledger_item)
            memory.held_until = _NEVER
            producer.run(FUNCTION_SECONDS - RESERVE_SECONDS - (self._clock.seconds - began))
        except Killed:
            self.counts["killed"] += 1
            metrics.clear_metrics()
            return True
        except (StockstreamError, *_AWS_ERRORS) as error:
            self.counts[f"failed: {type(error).__name__}"] += 1
            self._flush()
            self._judge_failure(error, self._troubles() - troubles)
            self._judge(self._clock.seconds - began, self._troubles() - troubles)
            return True
        self._flush()
        self._judge(self._clock.seconds - began, self._troubles() - troubles)
        if memory.held_until > self._clock.now:
            self._reproach("a run ended by itself and holds the ledger")
        return False

    def _troubles(self) -> Counter[str]:
        """What has gone wrong until now, by the service, and what was refused to an old key."""
        names = [TAIL_FAILS, "old key refused"]
        return self.faults.services + Counter(
            {name: (self.faults.counts + self._server.counts)[name] for name in names}
        )

    def _judge_failure(self, error: Exception, troubles: Counter[str]) -> None:
        """No run does without the table, nor a cold one without its key; one tail is no reason."""
        is_excused = troubles["at a call of dynamodb"] or troubles["at a call of ssm"]
        if not is_excused and not (isinstance(error, TailUnreachableError) and troubles[TAIL_FAILS]):
            self._reproach(f"a run failed though neither table nor key did: {error}")

    def _judge(self, seconds: float, troubles: Counter[str]) -> None:
        if seconds > FUNCTION_SECONDS:
            self._reproach(f"a run took {seconds:.0f} s, and Lambda ends it after {FUNCTION_SECONDS}")
        is_known = self._clock.now >= self.key_known_at
        if is_known and troubles["old key refused"] > 1 and not troubles["at a call of ssm"]:
            self._reproach(f"a run showed an old key {troubles['old key refused']} times")

    def _reproach(self, sentence: str) -> None:
        # Who was overtaken has a rival, and no time.
        if not self._is_overtaken:
            self.reproaches.append(f"{sentence}, at {self._clock.now:%d %H:%M:%S}")

    def _flush(self) -> None:
        """What the handler would write as a line of its log."""
        for name, metric in metrics.metric_set.items():
            self._measure(name, _PRODUCER, *metric["Value"])
        metrics.clear_metrics()

    def _measure(self, metric: str, dimensions: frozenset[tuple[str, str]], *values: float) -> None:
        self._measured.add(metric, dimensions, self._clock.now.replace(second=0, microsecond=0), *values)

    def _overtake(self) -> None:
        """A machine stands still until its process's lease has ended; another runs, and dies perhaps."""
        self._is_overtaken = True
        self._clock.now += timedelta(seconds=FUNCTION_SECONDS + 15)
        stands_at = self._clock.seconds
        self._measure("Errors", _PRODUCER_FUNCTION, self._fails(self._new_process))
        self._clock.seconds = stands_at

    def _seconds(self) -> float:
        return self._clock.seconds

    def _new_process(self) -> Producer:
        dynamodb, ssm = (self.client(each, AWS_CONFIG) for each in ("dynamodb", "ssm"))
        allowance = Allowance(self._seconds)

        def read_key() -> str:
            answer = ssm.get_parameter(Name=KEY_PARAMETER, WithDecryption=True)
            return str(answer["Parameter"]["Value"])

        provider = AlphaVantage(
            self._server,
            "https://market.test",
            ApiKey(read_key, str.strip, self._seconds),
            PROVIDER_SECONDS,
            "regular",
            before_request=allowance.spend,
            is_scarce=False,
            now=lambda: self._clock.now,
            sleep=self._clock.let_go_by,
        )
        return Producer(
            watchlist=Watchlist(self._instruments, "1min", "regular"),
            provider=Together(provider, self._together) if self._together > 1 else provider,
            allowance=allowance,
            plan=Plan(None, 75, self._together),
            ledger_item=_WatchedLedger(dynamodb, self._reproach),
            publisher=Publisher(
                Post(
                    source="alphavantage",
                    stream=self.open_stream(
                        self.client("kinesis", STREAM_CONFIG), STREAM, longest_call(STREAM_CONFIG)
                    ),
                    table=_WatchedTable(dynamodb, self._reproach),
                    interval="1min",
                    windows=Windows(),
                    table_seconds=longest_call(AWS_CONFIG),
                    stream_seconds=longest_call(STREAM_CONFIG),
                )
            ),
            request_seconds=LONGEST_REQUEST * PROVIDER_SECONDS,
            now=lambda: self._clock.now,
        )
