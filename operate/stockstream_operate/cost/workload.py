"""What a stack has to do in a month: its bars, requests and runs. Pure."""

from dataclasses import dataclass
from math import ceil

from stockstream.partitions import PARTITIONS
from stockstream_operate.cost.figures import (
    PRODUCER_MB,
    PRODUCER_MB_AN_INSTRUMENT,
    PRODUCER_SECONDS,
    RECORD_BYTES,
    WHOLE_PROCESSOR_MB,
)
from stockstream_operate.cost.prices import HOURS

# By market: its days in a month, and the minutes and hours of each, from the hour of the opening bell to the
# one of the last look after the close.
MARKETS = {"regular": (21, 390, 8), "extended": (21, 960, 17), "always": (365 / 12, 1440, 24)}
INSTRUMENTS_A_REQUEST = {"alphavantage": 1, "alpaca": 100}
REQUESTS_AT_ONCE, REQUEST_SECONDS = 10, 0.3
# After these the producer begins no request in a run; ProducerSlowAlarm says so.
RUN_SECONDS = 20
MOST_REQUESTS = round(RUN_SECONDS * REQUESTS_AT_ONCE / REQUEST_SECONDS)
# What ProducerMemory may be. More would bring a second processor, and Python works on one.
MEMORIES = (256, 512, 1024, WHOLE_PROCESSOR_MB)
# A shard takes so much a second. A run on a quick processor puts its bars in half of its time.
SHARD_BYTES, PUT_SECONDS = 1024**2, 10


@dataclass(frozen=True, slots=True)
class Workload:
    """What is followed, and how.

    Attributes:
        instruments: how many.
        minutes: how long a bar is.
        provider: a key of INSTRUMENTS_A_REQUEST.
        market: a key of MARKETS.
        requests_per_day: of the plan; None where it counts only minutes.
        parquet: whether the lake has it.
        search: whether there is a search domain of its own.
        compaction: whether each finished day's files are joined.
        buffer_seconds: of the delivery.
        memory: the producer's, in MB; None for the least that suffices.
        shards: the stream's; None for the fewest that suffice.
        partitions: among how many runs of a minute the list is divided; None for the fewest that suffice.
    """

    instruments: int = 1
    minutes: int = 1
    provider: str = "alphavantage"
    market: str = "regular"
    requests_per_day: int | None = 25
    parquet: bool = False
    search: bool = False
    compaction: bool = False
    buffer_seconds: int = 60
    memory: int | None = None
    shards: int | None = None
    partitions: int | None = None

    @property
    def bars(self) -> int:
        """How many bars come in a month."""
        days, minutes, _ = MARKETS[self.market]
        return round(self.instruments * days * minutes / self.minutes)

    @property
    def open_hours(self) -> float:
        """Hours of a month in which a market is open or just closed."""
        days, _, hours = MARKETS[self.market]
        return min(days * hours, HOURS)

    @property
    def requests_of_a_round(self) -> int:
        """How many requests ask each instrument once."""
        return ceil(self.instruments / INSTRUMENTS_A_REQUEST[self.provider])

    @property
    def requests_of_a_run(self) -> int:
        """How many requests a minute makes at the most: as many as a run's time allows, divided or not."""
        return min(self.requests_of_a_round, MOST_REQUESTS)

    @property
    def requests(self) -> int:
        """How many requests are made in a month."""
        days, minutes, _ = MARKETS[self.market]
        wanted = self.requests_of_a_run * minutes / self.minutes
        return round(days * (wanted if self.requests_per_day is None else min(wanted, self.requests_per_day)))

    @property
    def asking_runs(self) -> int:
        """In how many minutes of a month the producer asks; with a daily limit, one for each request."""
        days, minutes, _ = MARKETS[self.market]
        return round(min(self.requests, days * minutes / self.minutes))

    @property
    def heads(self) -> int:
        """How often a tail is read and written in a month."""
        return min(self.bars, self.requests * min(self.instruments, INSTRUMENTS_A_REQUEST[self.provider]))

    @property
    def bars_of_a_run(self) -> float:
        """How many bars are sent in a minute in which the producer asks."""
        return self.bars / max(1, self.asking_runs)

    @property
    def processor_seconds(self) -> float:
        """What a minute's answers need of a processor, all partitions together."""
        return self.heads / max(1, self.asking_runs) * PRODUCER_SECONDS[self.provider]

    @property
    def partitions_used(self) -> int:
        """The partitions that were asked for, or the fewest whose runs have time for their part.

        They have what their memory brings of a processor, a whole one where none was asked for. A plan that
        counts days has one partition.
        """
        if self.partitions or self.requests_per_day is not None:
            return self.partitions or 1
        share = min(1.0, (self.memory or WHOLE_PROCESSOR_MB) / WHOLE_PROCESSOR_MB)
        fitting = (each for each in PARTITIONS if self.processor_seconds <= each * RUN_SECONDS * share)
        return next(fitting, PARTITIONS[-1])

    @property
    def memory_needed(self) -> float:
        """MB with which a run fits into its memory, and its processor's share into a run's time."""
        # Lambda keeps an environment for each run at once, which comes to serve one partition after another.
        held = PRODUCER_MB + self.instruments * PRODUCER_MB_AN_INSTRUMENT
        seconds = self.processor_seconds / self.partitions_used
        return max(held * 1.2, WHOLE_PROCESSOR_MB * seconds / RUN_SECONDS)

    @property
    def memory_used(self) -> int:
        """The producer's MB: those that were asked for, or the least of ProducerMemory that suffices."""
        fitting = (each for each in MEMORIES if each >= self.memory_needed)
        return self.memory or next(fitting, MEMORIES[-1])

    @property
    def shards_used(self) -> int:
        """The stream's: those that were asked for, or the fewest that take a run's bars within its time."""
        return self.shards or max(1, ceil(self.bars_of_a_run * RECORD_BYTES / (SHARD_BYTES * PUT_SECONDS)))

    @property
    def asking_seconds(self) -> float:
        """How long the provider's answers take in a run."""
        requests = self.requests / max(1, self.asking_runs)
        return ceil(requests / REQUESTS_AT_ONCE) * REQUEST_SECONDS
