"""A trading day under faults, with the real producer, provider, transform, redrive and views.

AWS is moto or played, as are Firehose and the schedule, and time is simulated: a day takes a minute or two.
What each part of it draws is drawn by itself: what one of them draws more changes nothing of the others.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from alarm_evaluation import Metrics
from aws_faults import CALLED, Killed
from bad_provider import Market, Server
from clock import Clock
from days import Day
from delivery import Firehose
from processes import KEY_PARAMETER, PROVIDER_SECONDS, Processes
from quick_aws import QuickAws
from set_aside_world import World as SetAsideWorld
from set_aside_world import make_world

from stockstream.instruments import parse_instruments
from stockstream_local.cli import main
from stockstream_operate.redrive import redrive_command

MINUTE = timedelta(minutes=1)
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
_STREAM = frozenset({("StreamName", "BarStream")})


class World:
    """A day, its market, and all that the producer touches.

    Args:
        day: what is played.
        seed: of all that is drawn.
        aws: a stream, a bucket, and a transform that the redrive finds.
        lake: an empty folder.
        clock: at the day's start.

    Attributes:
        skews: by how much the provider's clock was ahead, each from a moment on.
        measured: the metrics of the day, as CloudWatch would have them.
        outages: what was down on purpose, and from when to when.
        counts: what happened to the day as a whole.
    """

    def __init__(self, day: Day, seed: int, aws: SetAsideWorld, lake: Path, clock: Clock) -> None:
        self.day = day
        self._seed = seed
        self._aws = aws
        self._clock = clock
        self._chance = self.chance_of("schedule")
        self.instruments = parse_instruments(day.instruments)
        self.market = Market(self.instruments, day.end, self.chance_of("market"), day.halted, day.listed)
        self.skews = [(day.start - timedelta(days=99), timedelta())]
        self.server = Server(
            self.market,
            lambda: clock.now + self.skews[-1][1],
            self.chance_of("provider"),
            clock.let_go_by,
            PROVIDER_SECONDS,
        )
        self.measured = Metrics()
        self.outages: list[tuple[str, datetime, datetime]] = []
        self._quick = QuickAws()
        self.processes = Processes(
            self.instruments,
            self.server,
            clock,
            self.measured,
            self._quick,
            self.chance_of("AWS"),
            day,
        )
        self.faults = self.processes.faults
        self.poison: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.firehose = Firehose(self._quick.records, lake, self.chance_of("Firehose"), self.measured)
        self._to_hang: list[str] = []
        self._keys = 0
        self._key_is_stored_at: datetime | None = None
        self._replace_key()
        self._store_key()
        # Each day has one rotation at least, early enough to see what comes of it.
        self._rotates_at = day.start + self._chance.randint(20, 90) * MINUTE

    def chance_of(self, part: str) -> random.Random:
        """What draws for one part of the day."""
        return random.Random(f"{self._seed} {part}")

    def play(self, *, until_reproached: bool = False) -> None:
        """The whole day, and its calm end; or until a run should have done something otherwise."""
        clock = self._clock
        while clock.now < self.day.end:
            if until_reproached and self.reproaches:
                return
            if self.day.end - clock.now <= CALM and not self.faults.calm:
                self._calm_down()
            self._play_minute()
            clock.wait_until(clock.now.replace(second=0, microsecond=0) + MINUTE)
        for _ in range(2):
            self.firehose.read(clock.now)
            self.firehose.deliver(clock.now)
            with self._operator():
                assert main(["redrive", "--apply"]) == 0
        self.firehose.read(clock.now)
        self.firehose.deliver(clock.now)

    @property
    def last_run(self) -> datetime:
        """When the last run began."""
        return self.processes.last_run

    @property
    def reproaches(self) -> list[str]:
        """What the producer should have done otherwise, whatever came of it."""
        overwritten = [f"{key}: written over a version that was not read" for key in self._quick.overwritten]
        return self.faults.reproaches + self.processes.reproaches + overwritten

    def all_faults(self) -> Counter[str]:
        """How often each kind of fault took place."""
        return (
            self.faults.counts
            + self.server.counts
            + self.firehose.counts
            + self.counts
            + Counter({"poison": len(self.poison)})
        )

    def set_aside(self) -> list[bytes]:
        """What Firehose set aside and the redrive left."""
        keys = [key for key in self._aws.files() if key.startswith("processing-failed/")]
        return [entry for key in keys for entry in self._aws.entries(key)]

    def provider_times(self, moment: datetime) -> Iterator[datetime]:
        """What the provider's clock said at a moment, and whenever it was moved before, the latest first."""
        for since, skew in reversed(self.skews):
            if since <= moment:
                yield moment + skew
                moment = since

    def _calm_down(self) -> None:
        self.faults.calm = self.server.calm = self.firehose.calm = True
        self.firehose.blind_until = self.firehose.broken_until = self._clock.now
        self.skews.append((self._clock.now, timedelta()))
        if self._key_is_stored_at:
            self._store_key(late=True)

    def _play_minute(self) -> None:
        calm, minute = self.faults.calm, self._clock.now
        if not calm:
            self._break_something()
            self._hang_something()
            self._rotate_key()
        # The schedule skips a run, and doubles one.
        times = 1 if calm else self._chance.choices((0, 1, 2), (2, 96, 2))[0]
        self.counts["skipped by the schedule"] += times == 0
        self.counts["doubled by the schedule"] += times == 2
        for _ in range(times):
            if not calm and self._chance.randrange(100) == 0:
                self.processes.replace_warm()
                self.counts["cold start"] += 1
            self._clock.wait_until(minute + timedelta(seconds=20))
            self.processes.run()
        self._measure_stream()
        self.firehose.read(self._clock.now)
        if self._chance.randrange(3) == 0:
            self.firehose.deliver(self._clock.now)

    def _measure_stream(self) -> None:
        stored, refused = self.faults.take_puts()
        if stored or refused:
            self._measure("IncomingRecords", stored)
            self._measure("PutRecords.FailedRecords", 0)
            self._measure("WriteProvisionedThroughputExceeded", refused)

    def _measure(self, metric: str, value: float) -> None:
        self.measured.add(metric, _STREAM, self._clock.now.replace(second=0, microsecond=0), value)

    def _break_something(self) -> None:
        """What lasts for a while, now and then."""
        chance = self._chance
        if chance.randrange(400) == 0:
            minutes = chance.randint(2, 150 // self.day.times)
            self.server.down_until = self._begin_outage("provider outage", minutes)
            self.server.hangs = chance.randrange(2) == 0
        if chance.randrange(300) == 0:
            self.faults.burst_until = self._begin_outage("throttle burst", chance.randint(2, 10))
        if chance.randrange(300) == 0:
            self.firehose.blind_until = self._begin_outage("stream not readable", chance.randint(5, 40))
        if chance.randrange(400) == 0:
            self.firehose.broken_until = self._begin_outage("transform broken", chance.randint(3, 20))
        if chance.randrange(120) == 0:
            self.skews.append((self._clock.now, chance.randint(-5, 5) * MINUTE))
            self.counts["provider's clock moved"] += 1
        if chance.randrange(20) == 0:
            self.poison.append(chance.choice(POISON[1:]) + str(len(self.poison)).encode())
            self._quick.records.append(self.poison[-1])
        if chance.randrange(150) == 0:
            self._redrive_under_faults()

    def _hang_something(self) -> None:
        """A service that takes calls and answers none, and a tail that its table fails for."""
        chance = self._chance
        if chance.randrange(120 // self.day.times) == 0:
            # Each has its turn.
            self._to_hang = self._to_hang or chance.sample(CALLED, len(CALLED))
            service = self._to_hang.pop()
            self.faults.hung_until[service] = self._begin_outage("AWS hangs", chance.randint(1, 6))
            if service == "ssm":
                self.processes.replace_warm()  # only a new process reads the key
            if service == "s3":
                self._redrive_under_faults()  # and only the redrive reads files
        if chance.randrange(200 // self.day.times) == 0:
            tail = f"{chance.choice(self.instruments).name}|1min"
            self.faults.lost_tail = tail, self._clock.now + chance.randint(2, 20) * MINUTE

    def _rotate_key(self) -> None:
        """Somebody replaces the provider's key; the new one is stored at once, as a rule."""
        if self._key_is_stored_at and self._clock.now >= self._key_is_stored_at:
            self._store_key(late=True)
        is_first = self._keys == 1 and self._clock.now >= self._rotates_at
        if is_first or (self._keys > 1 and self._chance.randrange(400) == 0):
            self._replace_key()
            self.counts["key rotated"] += 1
            late = 0 if is_first else self._chance.choice((0, 0, 3))
            if late:
                self._key_is_stored_at = self._clock.now + late * MINUTE
                self.counts["key stored minutes later"] += 1
            else:
                self._store_key()

    def _replace_key(self) -> None:
        self._keys += 1
        self.server.key = f"S3CRETKEY{self._keys}"
        self.processes.key_known_at = self.day.end

    def _store_key(self, *, late: bool = False) -> None:
        boto3.client("ssm").put_parameter(
            Name=KEY_PARAMETER, Value=self.server.key, Type="SecureString", Overwrite=True
        )
        self._key_is_stored_at = None
        # Whoever was refused before this reads the key again once a minute at the most.
        self.processes.key_known_at = self._clock.now + late * 2 * MINUTE

    def _begin_outage(self, name: str, minutes: int) -> datetime:
        end = self._clock.now + minutes * MINUTE
        self.counts[name] += 1
        self.outages.append((name, self._clock.now, end))
        return end

    def _redrive_under_faults(self) -> None:
        """An operator redrives in the middle of it all, and may be cut off at any call."""
        self.counts["redrive in the middle"] += 1
        with suppress(Killed, SystemExit), self._operator(), redirect_stderr(StringIO()):
            main(["redrive", "--apply"])
        self.faults.revive()

    @contextmanager
    def _operator(self) -> Iterator[None]:
        """Somebody at a terminal, whose calls may fail, too."""
        self.faults.alone = True
        try:
            with (
                redirect_stdout(StringIO()),
                patch.object(redrive_command, "boto3", SimpleNamespace(client=self.processes.client)),
                patch.object(redrive_command, "BarStream", self.processes.open_stream),
            ):
                yield
        finally:
            self.faults.alone = False


@contextmanager
def open_world(day: Day, seed: int, lake: Path) -> Iterator[World]:
    """A world in which nothing has happened yet.

    Args:
        day: what is played.
        seed: of all that is drawn.
        lake: an empty folder.
    """
    clock = Clock(day.start)

    def longest_pause(_backoff: object, context: Any) -> float:
        return float(min(2 ** (context.attempt_number - 1), 20))

    with (
        pytest.MonkeyPatch.context() as patches,
        make_world(patches) as aws,
        # One request after another, so that a seed repeats its day.
        patch("producer.fetching.REQUESTS_AT_ONCE", 1),
        # And so that a slow machine changes nothing: only who waits lets time pass.
        patch("producer.production.time.monotonic", lambda: clock.seconds),
        # Of botocore alone: a thread that something else has left would let hours go by.
        patch("botocore.endpoint.time", SimpleNamespace(sleep=clock.let_go_by)),
        # It says who it is in each call, which takes a tenth of a day.
        patch("botocore.useragent.UserAgentString.to_string", lambda _self: "drill"),
        # The SDK draws its pauses: here they are as long as they may be.
        patch("botocore.retries.standard.ExponentialBackoff.delay_amount", longest_pause),
    ):
        yield World(day, seed, aws, lake, clock)
