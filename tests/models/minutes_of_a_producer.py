"""The real producer and the real providers, run once a minute. Servers, stream and table are models.

A server shows what the real one would at that minute, over HTTP: so a test sees each request, and decides
what is refused.
"""

import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from math import ceil
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson
import requests
from urllib3.response import HTTPResponse

from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import TailConflictError, TailReader, TailWrite, VersionedTail
from producer.memory.ledger_item import LeaseHeldError, VersionedLedger
from producer.memory.tail import Tail
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.alpaca import Alpaca, parse_key
from producer.providers.alphavantage import AlphaVantage
from producer.providers.api_key import ApiKey
from producer.providers.kraken import Kraken
from producer.providers.provider import Provider
from producer.publishing.post import Post
from producer.publishing.publisher import Publisher
from stockstream.bar_stream import KeyedRecord
from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument, parse_instruments
from stockstream.sessions import market_of, sessions_between
from stockstream.times import format_time
from stockstream.windows import Windows

MINUTE = timedelta(minutes=1)
# What each real server shows: these are the world's numbers, and not the producer's.
SHORT_ANSWER_BARS = 100
LONG_ANSWER = timedelta(days=30)
LONGEST_LOOKBACK = 199
PRICES = ("1. open", "2. high", "3. low", "4. close")
NEW_YORK = ZoneInfo("America/New_York")

type Refusal = bytes | Exception


class Clock:
    """The time in a world."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)


class Market:
    """Bars of each minute of trading, or longer ones from the opening on; no two in a row have one close.

    Args:
        instruments: which there are.
        hours: one of sessions.HOURS.
        span: from when to when.
        silent: the names of those that are never traded.
        length: how long a bar lasts; the session's end may cut the last one short.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        hours: str,
        span: tuple[datetime, datetime],
        silent: Iterable[str] = (),
        length: timedelta = MINUTE,
    ) -> None:
        self.times: dict[str, list[datetime]] = {}
        for each in instruments:
            minutes = self.times[each.name] = []
            if each.name in set(silent):
                continue
            for session in sessions_between(market_of(each, hours), *span):
                start, end = max(session.opens, span[0]), min(session.closes, span[1])
                minutes += [start + number * length for number in range(ceil((end - start) / length))]

    def between(self, name: str, start: datetime, end: datetime) -> list[datetime]:
        """The open_times from a moment to just before another."""
        times = self.times[name]
        return times[bisect_left(times, start) : bisect_left(times, end)]


@cache
def local_time(open_time: datetime) -> str:
    """When a bar begins, as Alpha Vantage writes it."""
    return open_time.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")


# Tests look at the same records again and again.
_decode = lru_cache(20_000)(orjson.loads)


@cache
def close_of(open_time: datetime) -> float:
    """What a bar closes at."""
    return 100 + int(open_time.timestamp()) // 60 % 997 / 8


class Server(requests.Session):
    """What the servers share: each request is kept, and the market answers it unless a test refuses it.

    Attributes:
        page_bars: how many bars a page holds, of a server that has pages.
        behind: how far what it shows is behind the market, at each request.
    """

    page_bars = 10_000

    def __init__(self, market: Market, clock: Clock) -> None:
        super().__init__()
        self.market, self.clock = market, clock
        self.asked: list[tuple[datetime, dict[str, str]]] = []
        self.bars_shown = 0
        # By open_time: from when on a bar shows with another close.
        self.revisions: dict[datetime, tuple[datetime, float]] = {}
        self.refuse: Callable[[dict[str, str]], Refusal | None] = lambda _parameters: None
        self.behind: Callable[[], timedelta] = timedelta
        self.now = clock.now  # the moment of the market that is shown

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        parameters = {"url": url, **options["params"]}
        self.now = self.clock.now - self.behind()
        self.asked.append((self.clock.now, parameters))
        refusal = self.refuse(parameters)
        if isinstance(refusal, Exception):
            raise refusal
        response = requests.Response()
        response.status_code = 200
        body = refusal if refusal is not None else orjson.dumps(self.answer(parameters))
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """What the market says."""
        raise NotImplementedError

    def shown_close(self, open_time: datetime) -> float:
        """What a bar shows as its close now."""
        since, revised = self.revisions.get(open_time, (datetime.max.replace(tzinfo=UTC), 0.0))
        return revised if self.now >= since else close_of(open_time)


class AlphaVantageServer(Server):
    """Shows the newest 100 bars, or those of 30 days, or of a month."""

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """One instrument's series, newest first."""
        name, now = parameters["symbol"], self.now
        times = self.market.times[name]
        newest = bisect_right(times, now)  # the one that is forming shows
        if "month" in parameters:
            shown = [each for each in times[:newest] if local_time(each).startswith(parameters["month"])]
        elif parameters["outputsize"] == "full":
            shown = times[bisect_left(times, now - LONG_ANSWER) : newest]
        else:
            shown = times[max(0, newest - SHORT_ANSWER_BARS) : newest]
        if not shown:
            return {}
        return {
            "Meta Data": {
                "2. Symbol": name,
                "4. Interval": parameters["interval"],
                "6. Time Zone": "US/Eastern",
            },
            f"Time Series ({parameters['interval']})": {
                local_time(each): {
                    **dict.fromkeys(
                        ("1. open", "2. high", "3. low", "4. close"), str(self.shown_close(each))
                    ),
                    "5. volume": "7",
                }
                for each in reversed(shown)
            },
        }


class AlpacaServer(Server):
    """Shows what is asked for, by symbol and then by time, in pages."""

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """One page."""
        start = datetime.fromisoformat(parameters["start"])
        end = min(datetime.fromisoformat(parameters.get("end", "9999-01-01T00:00:00Z")), self.now)
        names = {each.removeprefix("crypto:"): each for each in self.market.times}
        wanted = [
            (symbol, each)
            for symbol in sorted(parameters["symbols"].split(","))
            for each in self.market.between(names[symbol], start, end + timedelta(seconds=1))
        ]
        first = int(parameters.get("page_token", "0"))
        after = first + self.page_bars
        bars: dict[str, list[dict[str, Any]]] = {}
        self.bars_shown += len(wanted[first:after])
        for symbol, each in wanted[first:after]:
            numbers = dict.fromkeys("ohlc", self.shown_close(each))
            bars.setdefault(symbol, []).append({"t": format_time(each), **numbers, "v": 7})
        return {"bars": bars, "next_page_token": str(after) if after < len(wanted) else None}


class KrakenServer(Server):
    """Shows what there is of the newest 720 minutes; the last of them is forming."""

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """One coin's rows, oldest first."""
        (name,) = self.market.times
        forming = self.now.replace(second=0, microsecond=0)
        since = datetime.fromtimestamp(int(parameters.get("since", "0")), UTC)
        first = max(forming - 719 * MINUTE, since + timedelta(seconds=1))
        rows = [
            [int(each.timestamp()), *4 * [str(self.shown_close(each))], "0", "7", 1]
            for each in self.market.between(name, first, forming + MINUTE)
        ]
        return {"error": [], "result": {"XXBTZUSD": rows, "last": int((forming - MINUTE).timestamp())}}


class Stream:
    """Keeps what it takes: nothing while it refuses, and no more than it has room for."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes]] = []
        self.refuses = False
        self.room = 1_000_000

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        taken = 0 if self.refuses else min(self.room, len(records))
        self.room -= taken
        self.records += records[:taken]
        return set(range(taken))

    def of_instrument(self, name: str) -> list[dict[str, Any]]:
        """All records of an instrument, in the order in which they came."""
        return [_decode(data) for key, data in self.records if key == name]

    def documents(self, name: str) -> dict[datetime, dict[str, Any]]:
        """Each bar of an instrument at its latest as_of."""
        newest: dict[datetime, dict[str, Any]] = {}
        for record in self.of_instrument(name):
            open_time = datetime.fromisoformat(record["open_time"])
            if open_time not in newest or record["as_of"] >= newest[open_time]["as_of"]:
                newest[open_time] = record
        return newest


class Table:
    """The tails."""

    def __init__(self) -> None:
        self.tails: dict[str, VersionedTail] = {}
        self.longest = 0

    def read_tails(self, _instruments: Sequence[str], interval: str) -> TailReader:
        return lambda instrument: self.read_tail(instrument, interval)

    def read_tail(self, instrument: str, _interval: str) -> VersionedTail:
        return self.tails.get(instrument, VersionedTail(Tail(), 0))

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        if self.read_tail(instrument, interval).version != read_version:
            raise TailConflictError(instrument)
        self.tails[instrument] = VersionedTail(tail, read_version + 1)
        self.longest = max(self.longest, len(tail.bars))
        return self.tails[instrument]

    def write_together(self, writes: Sequence[TailWrite], _interval: str) -> list[None]:
        """Leaves each to be written by itself."""
        return [None] * len(writes)


class LedgerItem:
    """The ledger, which goes through its own form of storage each time."""

    def __init__(self) -> None:
        self.page = VersionedLedger(Ledger())

    def read(self) -> VersionedLedger:
        return self.page

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        if self.page.version != read_version:
            raise LeaseHeldError
        stored = Ledger.from_dict(json.loads(json.dumps(ledger.to_dict())))
        self.page = VersionedLedger(stored, read_version + 1, held_until)
        return self.page


class OpenProvider(Protocol):
    """Opens a provider on a server."""

    def __call__(
        self, server: Server, hours: str, before_request: Callable[[], None], *, is_scarce: bool
    ) -> Provider: ...


def open_alpha_vantage(
    server: Server, hours: str, before_request: Callable[[], None], *, is_scarce: bool
) -> Provider:
    """Alpha Vantage, with the clock of its server."""
    return AlphaVantage(
        server,
        "https://market.test",
        ApiKey(lambda: "S3CRETKEY", str.strip),
        5,
        hours,
        before_request=before_request,
        is_scarce=is_scarce,
        now=server.clock,
        sleep=server.clock.sleep,
    )


def open_alpaca(
    server: Server, hours: str, before_request: Callable[[], None], *, is_scarce: bool
) -> Provider:
    """Alpaca, with the clock of its server."""
    del is_scarce
    return Alpaca(
        server,
        "https://market.test",
        ApiKey(lambda: "PKTEST:s3cret", parse_key),
        5,
        hours,
        "iex",
        before_request=before_request,
        now=server.clock,
    )


def open_kraken(
    server: Server, hours: str, before_request: Callable[[], None], *, is_scarce: bool
) -> Provider:
    """Kraken, with the clock of its server; coins are traded at all hours."""
    del hours, is_scarce
    return Kraken(server, "https://market.test", 5, before_request=before_request, now=server.clock)


PROVIDERS: Mapping[str, tuple[type[Server], OpenProvider]] = {
    "alphavantage": (AlphaVantageServer, open_alpha_vantage),
    "alpaca": (AlpacaServer, open_alpaca),
    "kraken": (KrakenServer, open_kraken),
}


class World:
    """A producer and all that it touches.

    Args:
        instruments: as the setting INSTRUMENTS has them.
        plan: what the provider allows.
        span: from when to when there are bars; the producer runs when it is told to.
        alpaca: Alpaca in place of Alpha Vantage.
        kraken: Kraken in its place; for crypto:BTC/USD alone.
        hours: one of sessions.HOURS.
        silent: the names of instruments that are never traded.
        interval: a key of INTERVALS.
    """

    def __init__(  # noqa: PLR0913 (a world has many sides)
        self,
        instruments: str,
        plan: Plan,
        span: tuple[datetime, datetime],
        *,
        alpaca: bool = False,
        kraken: bool = False,
        hours: str = "regular",
        silent: Iterable[str] = (),
        interval: str = "1min",
    ) -> None:
        self.instruments = parse_instruments(instruments)
        self.clock = Clock(span[0])
        self.market = Market(self.instruments, hours, span, silent, INTERVALS[interval])
        self.stream, self.table, self.ledger_item = Stream(), Table(), LedgerItem()
        server, self._open = PROVIDERS["alpaca" if alpaca else "kraken" if kraken else "alphavantage"]
        self.server = server(self.market, self.clock)
        self._plan, self._hours, self._interval = plan, hours, interval
        self.producer = self.new_container()

    def new_container(self) -> Producer:
        """A producer that remembers nothing but what is stored."""
        allowance = Allowance()
        is_scarce = self._plan.requests_per_day is not None
        provider = self._open(self.server, self._hours, allowance.spend, is_scarce=is_scarce)
        self.producer = Producer(
            watchlist=Watchlist(self.instruments, self._interval, self._hours),
            provider=provider,
            allowance=allowance,
            plan=self._plan._replace(instruments_per_request=provider.instruments_per_request),
            ledger_item=self.ledger_item,  # type: ignore[arg-type]  # a fake
            publisher=Publisher(
                Post(
                    source="alphavantage",
                    stream=self.stream,  # type: ignore[arg-type]  # a fake
                    table=self.table,  # type: ignore[arg-type]  # a fake
                    interval=self._interval,
                    windows=Windows(),
                    table_seconds=0,
                    stream_seconds=0,
                )
            ),
            now=self.clock,
        )
        return self.producer

    def run(self, start: datetime, end: datetime) -> None:
        """Runs twenty seconds past each minute, from one to just before another."""
        for number in range((end - start) // MINUTE):
            self.clock.now = start + number * MINUTE + timedelta(seconds=20)
            self.producer.run(seconds=3600)

    def missing(self, name: str, start: datetime, end: datetime) -> list[datetime]:
        """The bars of a time that the stream does not hold."""
        sent = self.stream.documents(name)
        return [each for each in self.market.between(name, start, end) if each not in sent]

    def sent(self, name: str, start: datetime, end: datetime) -> int:
        """How many bars of a time the stream holds."""
        return sum(start <= each < end for each in self.stream.documents(name))

    def broken_lookbacks(self, name: str) -> list[datetime]:
        """The bars whose look-back is not what the market showed before them, from the first bar sent on."""
        documents = self.stream.documents(name)
        times = self.market.between(name, min(documents), max(documents) + MINUTE)
        closes = [self.server.shown_close(each) for each in times]
        return [
            each
            for position, each in enumerate(times)
            if each in documents
            and documents[each]["lookback"]["close"] != closes[max(0, position - LONGEST_LOOKBACK) : position]
        ]

    def requests(self, start: datetime, end: datetime) -> list[dict[str, str]]:
        """What was asked in a time."""
        return [parameters for moment, parameters in self.server.asked if start <= moment < end]


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)
