"""How a run's time and memory grow with its instruments, for both providers, against a slow market here.

The market answers after LATENCY_SECONDS, as a provider over the internet does; DynamoDB and Kinesis are
stand-ins that take AWS_SECONDS for each call. The times are one machine's: read how they grow.
"""

import json
import time
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import requests

from producer.markets.watchlist import Watchlist
from producer.memory.instrument_table import VersionedTail
from producer.memory.ledger_item import VersionedLedger
from producer.memory.tail import Tail
from producer.planning.allowance import Allowance
from producer.planning.ledger import Ledger
from producer.planning.planner import Plan
from producer.production import Producer
from producer.providers.alpaca import Alpaca, parse_key
from producer.providers.alphavantage import AlphaVantage
from producer.providers.api_key import ApiKey
from producer.providers.provider import Provider
from producer.publishing.publisher import Publisher
from stockstream.instruments import parse_instruments
from stockstream.windows import Windows
from stockstream_local.loopback import LoopbackServer

LATENCY_SECONDS = 0.3
AWS_SECONDS = 0.005
SIZES = (1, 10, 100, 1000)
NOW = datetime(2026, 11, 20, 20, 0, 30, tzinfo=UTC)
STAMPS = [NOW.replace(second=0) - timedelta(minutes=minute) for minute in range(1, 101)]


class SlowMarket(LoopbackServer):
    """Shows a hundred bars of whatever it is asked for, in both providers' forms."""

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (a GET has none)
        """An answer, after the time that it takes."""
        time.sleep(LATENCY_SECONDS)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        answer = _alpaca(asked) if "symbols" in asked else _alphavantage(asked)
        return HTTPStatus.OK, json.dumps(answer).encode()


def _alphavantage(asked: dict[str, str]) -> dict[str, object]:
    bar = {"1. open": "10", "2. high": "11", "3. low": "9", "4. close": "10", "5. volume": "100"}
    meta = {"2. Symbol": asked["symbol"], "6. Time Zone": "UTC"}
    series = {f"{stamp:%Y-%m-%d %H:%M:%S}": bar for stamp in STAMPS}
    return {"Meta Data": meta, "Time Series (1min)": series}


def _alpaca(asked: dict[str, str]) -> dict[str, object]:
    start = datetime.fromisoformat(asked["start"])
    stamps = [stamp for stamp in reversed(STAMPS) if stamp >= start]
    bars = [
        {"t": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", "o": 10, "h": 11, "l": 9, "c": 10, "v": 100} for stamp in stamps
    ]
    return {"bars": dict.fromkeys(asked["symbols"].split(","), bars), "next_page_token": None}


class SlowAws:
    """The stream, the tails and the ledger, in memory and as slow as AWS."""

    def __init__(self) -> None:
        self.tails: dict[str, VersionedTail] = {}
        self.page = VersionedLedger(Ledger())

    def put(self, _key: str, records: Sequence[bytes], _deadline: float) -> set[int]:
        """Takes everything."""
        time.sleep(AWS_SECONDS)
        return set(range(len(records)))

    def read_tail(self, instrument: str, _interval: str) -> VersionedTail:
        """The tail."""
        time.sleep(AWS_SECONDS)
        return self.tails.get(instrument, VersionedTail(Tail(), 0))

    def write_tail(self, instrument: str, _interval: str, tail: Tail, version: int) -> VersionedTail:
        """Writes the tail."""
        time.sleep(AWS_SECONDS)
        self.tails[instrument] = VersionedTail(tail, version + 1)
        return self.tails[instrument]

    def read(self) -> VersionedLedger:
        """The ledger."""
        return self.page

    def write(self, ledger: Ledger, held_until: datetime, version: int) -> VersionedLedger:
        """Writes the ledger."""
        self.page = VersionedLedger(ledger, version + 1, held_until)
        return self.page


def main() -> None:
    """Prints a line for each provider and number: the first run's time, and that of one a minute later."""
    print(f"a market that answers in {LATENCY_SECONDS} s, AWS in {AWS_SECONDS} s a call")
    print(f"{'provider':14}{'instruments':>12}{'requests':>9}{'first s':>9}{'next s':>9}{'peak MB':>9}")
    with SlowMarket() as market:
        for name in ("alphavantage", "alpaca"):
            for size in SIZES:
                _measure(name, size, market.url)


def _measure(name: str, size: int, url: str) -> None:
    instruments = parse_instruments(",".join(f"A{number}" for number in range(size)))
    allowance, aws, moment = Allowance(), SlowAws(), NOW

    def now() -> datetime:
        return moment

    provider = _provider(name, url, allowance, now)
    producer = Producer(
        watchlist=Watchlist(instruments, "1min", "always"),
        provider=provider,
        allowance=allowance,
        plan=Plan(None, 1200, provider.instruments_per_request),
        ledger_item=aws,  # type: ignore[arg-type]  # a stand-in
        publisher=Publisher(name, aws, aws, "1min", Windows()),  # type: ignore[arg-type]  # stand-ins
        now=now,
    )
    tracemalloc.start()
    seconds, requests_made = [], 0
    for _ in range(2):
        before = time.perf_counter()
        producer.run(seconds=600)
        seconds.append(time.perf_counter() - before)
        requests_made = allowance.spent
        moment += timedelta(minutes=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{name:14}{size:12}{requests_made:9}{seconds[0]:9.1f}{seconds[1]:9.1f}{peak / 1e6:9.1f}")


def _provider(name: str, url: str, allowance: Allowance, now: object) -> Provider:
    session = requests.Session()
    if name == "alpaca":
        return Alpaca(
            session,
            url,
            ApiKey(lambda: "id:secret", parse_key),
            10,
            "extended",
            "iex",
            before_request=allowance.spend,
            now=now,  # type: ignore[arg-type]
        )
    return AlphaVantage(
        session,
        url,
        ApiKey(lambda: "key", str.strip),
        10,
        "extended",
        before_request=allowance.spend,
        now=now,  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    main()
