"""Playing a time in one process: the producer's handler and the transform's, one run after another.

The functions, their clients and their connections are the real ones; what they reach is soak_world.py, a
process of its own. Time is simulated, and after each day it is measured what this process holds.
"""

import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from growth import Measured

from producer import handler
from producer.production import Producer
from producer.providers.provider import ProviderAccess
from stockstream.instruments import parse_instruments
from stockstream.observability import logger
from stockstream.sessions import market_of, sessions_between
from transform.handler import handle as transform
from transform.settings import read_windows

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
INSTRUMENTS = "IBM,AAPL,fx:EUR/USD,crypto:BTC/USD"
# No run may be cut off here, however busy the machine is.
RUN_SECONDS = 600
_WORLD = Path(__file__).with_name("soak_world.py")
_CONTEXT = SimpleNamespace(
    function_name="producer",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:producer",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 1000 * RUN_SECONDS,
)


class Soak:
    """A process that works on and on.

    Args:
        url: where its world listens.

    Attributes:
        url: the same.
        now: the simulated time.
        counts: what took place in the world so far.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.counts: dict[str, int] = {}
        self._world = HTTPConnection(url.removeprefix("http://"))

    def play(self, start: datetime, end: datetime, busy: timedelta, quiet: timedelta) -> Iterator[Measured]:
        """Runs the functions from one moment to another, and measures after each day.

        Args:
            start: midnight, UTC.
            end: likewise.
            busy: from one run to the next while New York trades, from five minutes before to 40 after.
            quiet: from one run to the next at all other times.
        """
        shares = market_of(parse_instruments(INSTRUMENTS)[0], "regular")
        sessions = list(sessions_between(shares, start, end))
        self.now, runs, bars = start, 0, 0
        while self.now < end:
            day = self.now.date()
            bars += self._run()
            runs += 1
            is_busy = any(
                each.opens - 5 * MINUTE <= self.now < each.closes + 40 * MINUTE for each in sessions
            )
            self.now += busy if is_busy else quiet
            if self.now.date() != day:
                yield self._measure(day, runs, bars)
                runs = bars = 0

    def close(self) -> None:
        """Ends the connection to the world."""
        self._world.close()

    def _run(self) -> int:
        """One run, and the batch that follows from it; how many bars were enriched."""
        self._ask("PUT", "/now", self.now.isoformat())
        handler.handle({}, cast("Any", _CONTEXT))
        records = self._ask("PUT", "/now", self.now.isoformat())["records"]
        if not records:
            return 0
        milliseconds = round(self.now.timestamp() * 1000)
        entries = [
            {"recordId": str(number), "data": data, "approximateArrivalTimestamp": milliseconds}
            for number, data in enumerate(records)
        ]
        answer = transform({"invocationId": "i", "records": entries}, None)["records"]
        return sum(each["result"] == "Ok" for each in answer)

    def _measure(self, day: date, runs: int, bars: int) -> Measured:
        said = self._ask("GET", "/table")
        self.counts = said.pop("counts")
        gc.collect()
        files = len(list(Path("/dev/fd").iterdir()))
        return Measured(
            day,
            runs,
            bars,
            _memory(),
            _used(),
            sys.getallocatedblocks(),
            len(gc.get_objects()),
            files,
            **said,
        )

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        self._world.request(method, path, body)
        answer: dict[str, Any] = json.loads(self._world.getresponse().read())
        return answer


@contextmanager
def open_soak(instruments: str = INSTRUMENTS) -> Iterator[Soak]:
    """A process in which nothing has run yet, with its world.

    Args:
        instruments: what it follows, between commas.
    """
    command = [sys.executable, str(_WORLD), instruments]
    with ExitStack() as stack:
        world = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own)
        )
        assert world.stdin
        assert world.stdout
        stack.callback(world.stdin.close)
        soak = stack.enter_context(closing(Soak(world.stdout.readline().strip())))
        _begin(stack, soak, instruments)
        yield soak


def _begin(stack: ExitStack, soak: Soak, instruments: str) -> None:
    environment = {
        "INSTRUMENTS": instruments,
        "INSTRUMENT_BUCKET_NAME": "the-lake",
        "INTERVAL": "1min",
        "PROVIDER": "alphavantage",
        "PROVIDER_URL": soak.url,
        "PROVIDER_TIMEOUT_SECONDS": "15",
        "MARKET_HOURS": "regular",
        "REQUESTS_PER_DAY": "0",
        "REQUESTS_PER_MINUTE": "75",
        "ALPACA_FEED": "iex",
        "API_KEY_PARAMETER_NAME": "/stockstream/api-key",
        "BAR_STREAM_NAME": "bars",
        "INSTRUMENT_TABLE_NAME": "instruments",
        "SMA_WINDOWS": "5,20,50,200",
        "EMA_WINDOWS": "12,26",
        "PRICE_MOVE_PERCENT": "5",
        "PRICE_MOVE_BARS": "5",
        "AWS_ENDPOINT_URL": soak.url,
        "AWS_ACCESS_KEY_ID": "soak",
        "AWS_SECRET_ACCESS_KEY": "soak",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }
    stack.enter_context(patch.dict(os.environ, environment))

    def clock() -> datetime:
        return soak.now

    stack.enter_context(patch.object(handler, "Producer", partial(Producer, now=clock)))
    stack.enter_context(patch.object(handler, "ProviderAccess", partial(ProviderAccess, now=clock)))
    # Of another environment.
    for cached in (handler._producer, handler._listed, handler._settings, read_windows):  # noqa: SLF001
        cached.cache_clear()
        stack.callback(cached.cache_clear)
    # What the functions log is not kept, or it would be what grows.
    stack.enter_context(redirect_stdout(_Nowhere()))
    for each in logger.handlers:
        stack.enter_context(patch.object(each, "stream", _Nowhere()))
    stack.enter_context(warnings.catch_warnings())
    # Powertools says so of each run that has nothing to do.
    warnings.filterwarnings("ignore", "No application metrics to publish")


class _Nowhere(StringIO):
    def write(self, text: str) -> int:
        return len(text)


def _memory() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: the most that it ever was


class _MallInfo(ctypes.Structure):
    """glibc's mallinfo2, as man 3 mallinfo has it."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()  # noqa: SIM905 (as on that page)
    ]


def _used() -> int:
    """What malloc has given out, in bytes; 0 where the system's does not say."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return 0
    mallinfo2.restype = _MallInfo
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)
