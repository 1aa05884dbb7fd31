"""A small web server that answers as Alpha Vantage does, on this machine only."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from stockstream.instruments import Instrument
from stockstream_local import market
from stockstream_local.alphavantage import asked_count, asked_instrument, invalid_call, refuse, write_answer
from stockstream_local.market import MarketBar


class Market(Protocol):
    """What the server serves, and what the checks ask again later."""

    def answer(self, parameters: Mapping[str, str], now: datetime) -> bytes:
        """The body of the answer to a request."""
        ...

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
        """The newest bars that the market showed at a moment, oldest first."""
        ...


class InventedMarket:
    """The market of market.py in Alpha Vantage's words."""

    def answer(self, parameters: Mapping[str, str], now: datetime) -> bytes:
        """Bars, or the refusal of a bad request."""
        refusal = refuse(parameters)
        instrument = None if refusal else asked_instrument(parameters)
        if instrument is None or not market.is_traded(instrument):
            return json.dumps(refusal or invalid_call(parameters["function"])).encode()
        bars = self.bars_at(instrument, parameters["interval"], now, asked_count(parameters))
        return write_answer(parameters, instrument, bars)

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
        """The newest bars at that moment, oldest first; the last one may be forming."""
        return market.bars(instrument, interval, now, count)


class Request(NamedTuple):
    """One answered request: when, and what was asked."""

    moment: datetime
    parameters: Mapping[str, str]


class ReplayMarket:
    """Serves a market on 127.0.0.1, from `with` to its end.

    Args:
        source: what is served.
        clock: says what time it is, as an aware datetime.

    Attributes:
        url: where it listens: `http://127.0.0.1:PORT`, on a free port; the path is /query.
        requests: what was asked and answered so far, oldest first.
    """

    def __init__(self, source: Market, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.source = source
        self.requests: list[Request] = []
        self._clock = clock
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _respond(self, target: str) -> tuple[HTTPStatus, bytes]:
        parts = urlsplit(target)
        if parts.path != "/query":
            return HTTPStatus.NOT_FOUND, b"{}"
        parameters = dict(parse_qsl(parts.query))
        now = self._clock()
        body = self.source.answer(parameters, now)
        self.requests.append(Request(now, parameters))
        return HTTPStatus.OK, body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        respond = self._respond

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = respond(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
                """Says nothing: the requests are kept, and the query string holds the key."""

        return Handler
