"""Providers' servers on this machine: a market that is told in each one's words, and all that can go wrong.

The suite that every provider passes, tests/contract/test_providers.py, asks them. A new provider is a class
here and a line in DIALECTS.
"""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument, parse_instrument

NEW_YORK = ZoneInfo("US/Eastern")
REASONS = {200: "OK", 400: "Bad Request", 429: "Too Many Requests", 503: "Service Unavailable"}


class Shown(NamedTuple):
    """A bar as a market shows it; its numbers may be any JSON, even what Python alone takes for JSON."""

    open_time: datetime
    open: object = 10.5
    high: object = 12.0
    low: object = 9.25
    close: object = 11.0
    volume: object = 7


class Asked(NamedTuple):
    """A request, as it reached the server."""

    path: str
    parameters: Mapping[str, str]
    text: str


class Reply(NamedTuple):
    """An answer, or what comes in its place.

    Attributes:
        body: the answer's bytes.
        status: HTTP's.
        head: further header lines.
        missing: how many bytes the body lacks of the length that is announced.
        hangs: nothing comes, until the client goes.
        resets: the connection is torn down.
    """

    body: bytes = b""
    status: int = 200
    head: Sequence[str] = ()
    missing: int = 0
    hangs: bool = False
    resets: bool = False


class Dialect(Protocol):
    """How one provider is spoken to, and how it speaks.

    Attributes:
        key: what the parameter of the stack holds; empty where none is needed.
        secrets: of the key, what nobody may see.
        instruments: one of each class that it offers, the last one a coin.
        limits: how it says, in all of its ways, that it is asked too often.
        unknown: how it says that it knows no such instrument.
    """

    key: str
    secrets: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    limits: tuple[Reply, ...]
    unknown: Reply

    def interval(self, asked: Asked) -> str:
        """The bars that a request asks for, a key of INTERVALS."""

    def answer(self, asked: Asked, instrument: Instrument, market: Sequence[Shown], now: datetime) -> Reply:
        """The answer to a request, of what the market has: in its order, newest or oldest first."""

    def endless(self, instrument: Instrument, number: int) -> Reply | None:
        """The page of some number in a chain that never ends; None where nothing comes in pages."""


def _cell(value: object) -> str:
    return value if isinstance(value, str) and value.startswith("1e") else json.dumps(value)


class AlphaVantageDialect:
    """Alpha Vantage: the newest 100 bars there are, or all of a month or 30 days. All are HTTP 200."""

    key = "AVS3CRETKEY42"
    secrets: tuple[str, ...] = ("AVS3CRETKEY42",)
    instruments = tuple(map(parse_instrument, ("IBM", "fx:EUR/USD", "crypto:BTC/USD")))
    limits = tuple(
        Reply(json.dumps({name: text}).encode())
        for name, text in (
            ("Note", "Please consider spreading out your requests more sparingly (1 request per second)."),
            ("Information", "Burst pattern detected. Premium plans have none."),
            ("Information", "Minute-level rate limit: premium plans have 75 requests per minute and more."),
            (
                "Information",
                "Your API key is AVS3CRETKEY42, and premium plans have more than 25 requests/day.",
            ),
        )
    )
    unknown = Reply(b'{"Error Message": "Invalid API call. Please retry or visit the documentation."}')

    def interval(self, asked: Asked) -> str:
        return asked.parameters["interval"]

    def answer(self, asked: Asked, instrument: Instrument, market: Sequence[Shown], now: datetime) -> Reply:
        del now
        zone = NEW_YORK if instrument.quote is None else UTC
        first, after = asked.parameters.get("month", "0001-01"), asked.parameters.get("month", "9999-12")
        shown = [bar for bar in market if first <= f"{bar.open_time.astimezone(zone):%Y-%m}" <= after]
        if asked.parameters["outputsize"] == "compact":
            kept = sorted({bar.open_time for bar in shown})[-100:]
            shown = [bar for bar in shown if bar.open_time in kept]
        title, *names = {
            "equity": ("Time Series", "2. Symbol"),
            "fx": ("Time Series FX", "2. From Symbol", "3. To Symbol"),
            "crypto": ("Time Series Crypto", "2. Digital Currency Code", "4. Market Code"),
        }[instrument.asset_class]
        meta = dict(zip(names, (instrument.base, instrument.quote), strict=False))
        meta["7. Time Zone"] = "US/Eastern" if zone is NEW_YORK else "UTC"
        columns = ("1. open", "2. high", "3. low", "4. close", "5. volume")
        rows = (
            f'"{bar.open_time.astimezone(zone):%Y-%m-%d %H:%M:%S}": {{'
            + ", ".join(f'"{name}": {_cell(value)}' for name, value in zip(columns, bar[1:], strict=True))
            + "}"
            for bar in shown
        )
        series = f"{title} ({asked.parameters['interval']})"
        body = f'{{"Meta Data": {json.dumps(meta)}, "{series}": {{{", ".join(rows)}}}}}'
        return Reply(body.encode())

    def endless(self, instrument: Instrument, number: int) -> None:
        del instrument, number


class AlpacaDialect:
    """Alpaca: all bars since a moment, sorted by time, in pages; the status tells of errors."""

    key = "PKS3CRETID4242:s3cr3ts3cr3ts3cr3t"
    secrets: tuple[str, ...] = ("PKS3CRETID4242", "s3cr3ts3cr3ts3cr3t")
    instruments = tuple(map(parse_instrument, ("IBM", "crypto:BTC/USD")))
    limits: tuple[Reply, ...] = (Reply(b'{"message": "too many requests."}', 429), Reply(b"", 429))
    unknown = Reply(b'{"bars": {}, "next_page_token": null}')
    # No month of hours is more than one page, and what is longer comes in several.
    page_bars = 1_000

    def interval(self, asked: Asked) -> str:
        words = {"1Min": "1min", "5Min": "5min", "15Min": "15min", "30Min": "30min", "1Hour": "60min"}
        return words[asked.parameters["timeframe"]]

    def answer(self, asked: Asked, instrument: Instrument, market: Sequence[Shown], now: datetime) -> Reply:
        del now
        start = datetime.fromisoformat(asked.parameters["start"])
        end = datetime.fromisoformat(asked.parameters.get("end", "9999-12-31T23:59:59Z"))
        shown = [bar for bar in market if start <= bar.open_time <= end]
        first = int(asked.parameters.get("page_token", "0"))
        after = first + self.page_bars
        return self._page(instrument, shown[first:after], str(after) if after < len(shown) else None)

    def endless(self, instrument: Instrument, number: int) -> Reply:
        bar = Shown(datetime(2026, 12, 1, 14, 40, tzinfo=UTC))
        return self._page(instrument, [bar], f"page {number}")

    def _page(self, instrument: Instrument, bars: Sequence[Shown], token: str | None) -> Reply:
        symbol = instrument.base if instrument.quote is None else f"{instrument.base}/{instrument.quote}"
        rows = (
            f'{{"t": "{bar.open_time:%Y-%m-%dT%H:%M:%SZ}", '
            + ", ".join(f'"{name}": {_cell(value)}' for name, value in zip("ohlcv", bar[1:], strict=True))
            + ', "n": 3, "vw": 10.9}'
            for bar in bars
        )
        body = f'{{"bars": {{"{symbol}": [{", ".join(rows)}]}}, "next_page_token": {json.dumps(token)}}}'
        return Reply(body.encode())


class KrakenDialect:
    """Kraken: what there is of the newest 720 intervals; errors are HTTP 200."""

    key = ""
    secrets: tuple[str, ...] = ()
    instruments = tuple(map(parse_instrument, ("crypto:SOL/EUR", "crypto:BTC/USD")))
    limits = tuple(
        Reply(json.dumps({"error": [text]}).encode())
        for text in (
            "EGeneral:Too many requests",
            "EAPI:Rate limit exceeded",
            "EService: Throttled: 1796137290",
        )
    )
    unknown = Reply(b'{"error": ["EQuery:Unknown asset pair"]}')

    def interval(self, asked: Asked) -> str:
        return f"{asked.parameters['interval']}min"

    def answer(self, asked: Asked, instrument: Instrument, market: Sequence[Shown], now: datetime) -> Reply:
        length = INTERVALS[self.interval(asked)]
        forming = datetime.fromtimestamp(
            now.timestamp() // length.total_seconds() * length.total_seconds(), UTC
        )
        since = datetime.fromtimestamp(int(asked.parameters.get("since", "0")), UTC)
        shown = [bar for bar in market if since < bar.open_time and forming - 720 * length < bar.open_time]
        rows = (
            f"[{int(bar.open_time.timestamp())}, "
            + ", ".join(map(_cell, (*bar[1:5], "10.9", bar.volume, 3)))
            + "]"
            for bar in shown
        )
        pair = {"BTC": "XXBTZUSD", "SOL": "SOLEUR"}[instrument.base]
        last = int((forming - length).timestamp())
        return Reply(f'{{"error": [], "result": {{"{pair}": [{", ".join(rows)}], "last": {last}}}}}'.encode())

    def endless(self, instrument: Instrument, number: int) -> None:
        del instrument, number


# By the provider's word in the catalogue.
DIALECTS: Mapping[str, Dialect] = {
    "alphavantage": AlphaVantageDialect(),
    "alpaca": AlpacaDialect(),
    "kraken": KrakenDialect(),
    # It speaks as Alpha Vantage does.
    "replay": AlphaVantageDialect(),
}


class ProviderServer:
    """A web server on this machine.

    Args:
        reply: what it answers.
        tls: what it proves itself with; None for plain http.

    Attributes:
        url: its address.
        asked: the requests so far, oldest first.
    """

    def __init__(self, reply: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for each in self._open:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            if self._tls is None:
                self._answer(connection)
            else:
                with suppress(OSError):  # who does not trust it goes
                    self._answer(self._tls.wrap_socket(connection, server_side=True))

    def _answer(self, connection: socket.socket) -> None:
        text = ""
        while "\r\n\r\n" not in text:
            text += connection.recv(65536).decode()
        target = urlsplit(text.split()[1])
        asked = Asked(target.path, dict(parse_qsl(target.query)), text)
        self.asked.append(asked)
        reply = self.reply(asked)
        if reply.hangs:
            self._open.append(connection)
            return
        if reply.resets:
            # With nothing to linger for, the system sends a reset in place of an end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            status = f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Status')}"
            length = f"Content-Length: {len(reply.body) + reply.missing}"
            head = "\r\n".join([status, length, "Connection: close", *reply.head, "", ""])
            connection.sendall(head.encode() + reply.body)
        connection.close()


@contextmanager
def provider_server(
    reply: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None
) -> Iterator[ProviderServer]:
    """The server, which ends with the block."""
    server = ProviderServer(reply, tls)
    try:
        yield server
    finally:
        server.close()


def make_authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """An authority that nobody knows: what a server on 127.0.0.1 proves itself with, and its certificate."""
    certificate, key = folder / "authority.pem", folder / "key.pem"
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    more = ("subjectAltName=IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign")
    command = ["openssl", "req", *kind, "-subj", "/CN=tests", "-keyout", str(key), "-out", str(certificate)]
    command += [word for each in more for word in ("-addext", each)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (fixed words)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls, certificate


def contiguous(now: datetime, length: timedelta, count: int) -> list[datetime]:
    """The starts of the newest bars of a market that never closes, oldest first; the last one is forming."""
    forming = datetime.fromtimestamp(now.timestamp() // length.total_seconds() * length.total_seconds(), UTC)
    return [forming - number * length for number in reversed(range(count))]
