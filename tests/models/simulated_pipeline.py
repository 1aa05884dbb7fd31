"""The real producer, run once a minute through simulated days: its market, its stream, its clock are models.

What it logs as metrics is kept, so that a test can ask which alarms these would set off.
"""

import random
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

from alarm_evaluation import Metrics

from producer import handler
from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailReader, TailWrite, VersionedTail
from producer.memory.ledger_item import VersionedLedger
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.answers import Answer, RejectedBar
from producer.providers.provider_errors import ProviderError, ProviderUnavailableError
from producer.publishing.post import Post
from producer.publishing.price_moves import PriceWatch
from producer.publishing.publisher import Publisher
from stockstream import observability
from stockstream.bar_stream import KeyedRecord
from stockstream.errors import Reason
from stockstream.instruments import Instrument, parse_instruments
from stockstream.partitions import WHOLE
from stockstream.sessions import market_of, sessions_between
from stockstream.times import format_time
from stockstream.windows import Windows

MINUTE = timedelta(minutes=1)
# The provider's own limit, in this model of the world: it does not follow what the producer reckons with.
BARS_SHOWN = 100

type Trades = Callable[[random.Random, datetime], bool]


def every_minute(_chance: random.Random, _minute: datetime) -> bool:
    """Whoever is traded in each minute."""
    return True


def seldom(chance: random.Random, minute: datetime) -> bool:
    """One minute in five; and not at all in the last half hour before each third hour."""
    return chance.random() < 0.2 and not (minute.hour % 3 == 2 and minute.minute >= 30)


def quiet_early_and_late(chance: random.Random, minute: datetime) -> bool:
    """Every minute from 14:30 to 21:00 UTC, New York's regular hours in winter; else one in five."""
    return time(14, 30) <= minute.time() < time(21) or chance.random() < 0.2


def each_third_hour(_chance: random.Random, minute: datetime) -> bool:
    """In the first minute of each third hour."""
    return minute.hour % 3 == 0 and minute.minute == 0


def until_a_quarter_to_ten(_chance: random.Random, minute: datetime) -> bool:
    """Every minute, and on 2026-11-20 no more after 9:45 in New York: it has another symbol then."""
    return minute < datetime(2026, 11, 20, 14, 45, tzinfo=UTC)


def never(_chance: random.Random, _minute: datetime) -> bool:
    """What does not exist."""
    return False


def on_no_holiday(_chance: random.Random, minute: datetime) -> bool:
    """Every minute but from 18:00 UTC on Christmas Eve, 22:00 on New Year's, to 22:30 on the day itself."""
    # 22:30 becomes the midnight in which the day ends.
    ends_at = (minute + timedelta(hours=1, minutes=30)).strftime("%m-%d")
    christmas, new_year = ((minute + timedelta(hours=hours)).strftime("%m-%d") for hours in (6, 2))
    return not ({christmas, ends_at} & {"12-25"} or {new_year, ends_at} & {"01-01"})


class Trouble(NamedTuple):
    """What goes wrong, from one moment to another.

    Attributes:
        failure: what the provider answers with in place of bars.
        freezes: the provider answers, with nothing newer than it had when the trouble began.
        stream_refuses: the stream takes nothing.
        impossible: of each bar the high is below the low.
    """

    start: datetime
    end: datetime
    failure: ProviderError | None = None
    freezes: bool = False
    stream_refuses: bool = False
    impossible: bool = False


class Jump(NamedTuple):
    """From a moment on an instrument's prices are so many times what they were."""

    instrument: str
    at: datetime
    factor: float


class Shown(NamedTuple):
    """An instrument's bars: open_times, numbers, and when the provider shows each for the first time."""

    times: list[str]
    numbers: list[Ohlcv]
    shown_at: list[datetime]


class SimulatedMarket:
    """A provider. One bar in forty shows a minute or two late, one in thirty is revised two minutes on.

    Args:
        instruments: whose bars there are.
        hours: one of sessions.HOURS.
        span: the time for which bars are made.
        delay: by how much the plan delays its data.
        trades: in which minutes an instrument is traded; every_minute for those that are not named.
        jumps: of prices.
        flaky: how many of a thousand requests get no answer, at random.
    """

    instruments_per_request = 1
    answers_since = False

    def __init__(
        self,
        instruments: Sequence[Instrument],
        hours: str,
        span: tuple[datetime, datetime],
        delay: timedelta,
        trades: Mapping[str, Trades],
        jumps: Iterable[Jump],
        flaky: int,
    ) -> None:
        self.now = span[0]
        self.trouble: Trouble | None = None
        self._flaky, self._chance = flaky, random.Random("flaky")
        self._bars = {
            each.name: _make_bars(each, hours, span, delay, trades.get(each.name, every_minute), jumps)
            for each in instruments
        }

    def fetch(
        self, instruments: Sequence[Instrument], _interval: str, _since: datetime | None
    ) -> dict[str, Answer]:
        """The newest hundred bars that show, the one that is forming among them."""
        handler._producer(WHOLE).allowance.spend()  # noqa: SLF001 (as the providers do before each request)
        trouble = self.trouble
        if trouble and trouble.failure:
            raise trouble.failure
        if self._chance.randrange(1000) < self._flaky:
            raise ProviderUnavailableError("no answer")
        seen_at = trouble.start if trouble and trouble.freezes else self.now
        answers = {each.name: self._answer(each, seen_at) for each in instruments}
        if trouble and trouble.impossible:
            return {name: _impossible(answer) for name, answer in answers.items()}
        return answers

    def requests_per_month(self, _instrument: Instrument, _interval: str) -> int:
        """One; nobody asks."""
        return 1

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """Nobody asks for history here."""
        raise NotImplementedError

    def _answer(self, instrument: Instrument, seen_at: datetime) -> Answer:
        times, numbers, shown_at = self._bars[instrument.name]
        last = bisect_left(times, format_time(seen_at + MINUTE))
        first = max(0, last - BARS_SHOWN)
        bars = {
            times[position]: _revised(numbers[position], times[position], shown_at[position], seen_at)
            for position in range(first, last)
            if shown_at[position] <= seen_at
        }
        return Answer(bars, [], self.now, self.now + timedelta(milliseconds=300), reaches_back=True)


def _impossible(answer: Answer) -> Answer:
    rejected = [
        RejectedBar(time, Reason.HIGH_BELOW_LOW, "high is below low", str(numbers))
        for time, numbers in answer.bars.items()
    ]
    return replace(answer, bars={}, rejected=rejected)


def _revised(numbers: Ohlcv, time: str, shown_at: datetime, seen_at: datetime) -> Ohlcv:
    is_revised = int(time[14:16]) % 30 == 7 and seen_at >= shown_at + 2 * MINUTE
    return numbers._replace(volume=(numbers.volume or 0) + 1) if is_revised else numbers


def _make_bars(
    instrument: Instrument,
    hours: str,
    span: tuple[datetime, datetime],
    delay: timedelta,
    trades: Trades,
    jumps: Iterable[Jump],
) -> Shown:
    chance = random.Random(instrument.name)
    shown = Shown([], [], [])
    price = 100.0
    for session in sessions_between(market_of(instrument, hours), *span):
        minute = max(session.opens, span[0])
        while minute < min(session.closes, span[1]):
            price *= 1 + chance.uniform(-1, 1) / 2000
            factor = 1.0
            for jump in jumps:
                factor *= jump.factor if jump.instrument == instrument.name and minute >= jump.at else 1.0
            if trades(chance, minute):
                close = price * factor
                late = chance.choice((1, 2)) if chance.randrange(40) == 0 else 0
                shown.times.append(format_time(minute))
                shown.numbers.append(Ohlcv(close, close * 1.001, close * 0.999, close, 100.0))
                # A bar shows while it forms.
                shown.shown_at.append(minute + delay + late * MINUTE)
            minute += MINUTE
    return shown


class _Stream:
    def __init__(self) -> None:
        self.refuses = False

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        return set() if self.refuses else set(range(len(records)))


class _Table:
    def __init__(self) -> None:
        self.tails: dict[str, VersionedTail] = {}

    def read_tails(self, _instruments: Sequence[str], _interval: str) -> TailReader:
        return lambda instrument: self.tails.get(instrument, VersionedTail(Tail(), 0))

    def write_tail(self, instrument: str, _interval: str, tail: Tail, read_version: int) -> VersionedTail:
        self.tails[instrument] = VersionedTail(tail, read_version + 1)
        return self.tails[instrument]

    def write_together(self, writes: Sequence[TailWrite], interval: str) -> list[VersionedTail]:
        return [self.write_tail(instrument, interval, tail, version) for instrument, tail, version in writes]


class _LedgerItem:
    def __init__(self) -> None:
        self.page = VersionedLedger(Ledger())

    def read(self) -> VersionedLedger:
        return self.page

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        self.page = VersionedLedger(ledger, read_version + 1, held_until)
        return self.page


class Days(NamedTuple):
    """What is simulated.

    Attributes:
        instruments: as the setting INSTRUMENTS has them.
        start, end: UTC, whole minutes.
        together: how many instruments a request takes.
        delay: by how much the provider really delays its data; all is set up for a quarter of an hour.
        trades: in which minutes an instrument is traded; every_minute for those that are not named.
        troubles: what goes wrong.
        flaky: how many of a thousand requests get no answer, at random.
        hours: one of sessions.HOURS.
    """

    instruments: str
    plan: Plan
    start: datetime
    end: datetime
    together: int = 1
    delay: timedelta = timedelta()
    trades: Mapping[str, Trades] = {}
    troubles: Sequence[Trouble] = ()
    jumps: Sequence[Jump] = ()
    flaky: int = 0
    hours: str = "regular"


def simulate(days: Days) -> Metrics:
    """The metrics of the producer's runs, each twenty seconds past its minute, through the real handler."""
    instruments = parse_instruments(days.instruments)
    # Before the first day there are bars too, as in life.
    span = (days.start - timedelta(days=4), days.end)
    market = SimulatedMarket(instruments, days.hours, span, days.delay, days.trades, days.jumps, days.flaky)
    market.instruments_per_request = days.together
    stream, metrics = _Stream(), Metrics()
    producer = Producer(
        watchlist=Watchlist(instruments, "1min", days.hours),
        provider=market,
        allowance=Allowance(),
        plan=days.plan._replace(instruments_per_request=days.together),
        ledger_item=_LedgerItem(),  # type: ignore[arg-type]  # a fake
        publisher=Publisher(
            Post(
                source="alphavantage",
                stream=stream,  # type: ignore[arg-type]  # a fake
                table=_Table(),  # type: ignore[arg-type]  # a fake
                interval="1min",
                windows=Windows(sma=(5, 20), ema=(12,)),
                table_seconds=0,
                stream_seconds=0,
            ),
            watch=PriceWatch(percent=5, bars=5, hours=days.hours),
        ),
        now=lambda: market.now,
    )
    context: Any = SimpleNamespace(
        function_name="producer",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:producer",
        aws_request_id="1",
        get_remaining_time_in_millis=lambda: 50_000,
    )
    observability.metrics.clear_metrics()  # what other tests measured and did not write
    with (
        patch.object(handler, "_producer", lambda _: producer),
        patch.object(handler, "_listed", lambda _: None),
        patch.object(handler, "_settings", lambda: SimpleNamespace(partitions=1)),
        warnings.catch_warnings(),
    ):
        # Powertools says so of each run at night, once in a process.
        warnings.filterwarnings("ignore", "No application metrics to publish")
        for now in _minutes(days.start, days.end):
            market.now = now + timedelta(seconds=20)
            market.trouble = next((each for each in days.troubles if each.start <= now < each.end), None)
            stream.refuses = bool(market.trouble and market.trouble.stream_refuses)
            printed = StringIO()
            with redirect_stdout(printed):
                handler.handle({}, context)
            for line in printed.getvalue().splitlines():
                metrics.add_line(line, now)
    return metrics


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += MINUTE
