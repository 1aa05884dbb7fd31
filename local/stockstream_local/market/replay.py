"""A web server on this machine that answers as Alpha Vantage does."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream_local.loopback import LoopbackServer
from stockstream_local.market import invented as market
from stockstream_local.market.alphavantage import (
    NO_KEY,
    asked_count,
    asked_instrument,
    invalid_call,
    refuse,
    write_answer,
)
from stockstream_local.market.invented import MarketBar
from stockstream_local.market.listing import is_listed


class FixedPricesError(StockstreamError):
    """The prices of what is served cannot be moved."""


class MarketSource(Protocol):
    """What the server serves, and what the checks ask again later."""

    def answer(self, parameters: Mapping[str, str], now: datetime) -> bytes:
        """The body of the answer to a request."""
        ...

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
        """The newest bars that the market showed at a moment, oldest first: `count`, or all that it has."""
        ...


class InventedMarket:
    """The market of invented.py in Alpha Vantage's words.

    Attributes:
        jumps: from when on all prices are how many times what they were.
    """

    def __init__(self) -> None:
        self.jumps: list[tuple[datetime, float]] = []

    def answer(self, parameters: Mapping[str, str], now: datetime) -> bytes:
        """Bars, or the refusal of a bad request."""
        refusal = refuse(parameters)
        instrument = None if refusal else asked_instrument(parameters)
        if instrument is None or not is_listed(instrument):
            return json.dumps(refusal or invalid_call(parameters["function"])).encode()
        bars = self.bars_at(instrument, parameters["interval"], now, asked_count(parameters))
        return write_answer(parameters, instrument, bars)

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
        """The newest bars at that moment, oldest first; the last one may be forming."""
        bars = market.bars(instrument, interval, now, count)
        return [market.raise_prices(instrument, bar, self._factor(bar)) for bar in bars]

    def _factor(self, bar: MarketBar) -> float:
        return math.prod(factor for start, factor in self.jumps if bar.open_time >= start)


class ProviderOutage(Enum):
    """How a provider can fail."""

    DOWN = auto()  # 503 to everything
    FROZEN = auto()  # no bar newer than those of the moment when it began
    KEY_REFUSED = auto()


class Request(NamedTuple):
    """One answered request: when, and what was asked."""

    moment: datetime
    parameters: Mapping[str, str]


class ReplayMarket(LoopbackServer):
    """Serves a market at `url`; the path is /query.

    Args:
        source: what is served.
        clock: says what time it is, as an aware datetime.

    Attributes:
        source: what is served.
        requests: what was asked and answered so far, oldest first.
    """

    def __init__(
        self, source: MarketSource, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__()
        self.source = source
        self.requests: list[Request] = []
        self._clock = clock
        self._outage: tuple[ProviderOutage, datetime] | None = None

    def set_outage(self, outage: ProviderOutage | None) -> None:
        """Begins an outage, or ends it with None."""
        self._outage = (outage, self._clock()) if outage else None

    def jump(self, percent: float) -> None:
        """Moves all prices of the invented market, from its next bar on and for good.

        Args:
            percent: by how much; below 0 for a fall.

        Raises:
            FixedPricesError: the market is a recording.
        """
        if not isinstance(self.source, InventedMarket):
            raise FixedPricesError("The prices of a recording are what they were, and cannot jump.")
        # The bar that is forming has shown its first prices already.
        start = self._clock().replace(second=0, microsecond=0) + timedelta(minutes=1)
        self.source.jumps.append((start, 1 + percent / 100))

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (a GET has none)
        """The market's answer, or Not Found for another path than /query."""
        outage, since = self._outage or (None, None)
        if outage is ProviderOutage.DOWN:
            return HTTPStatus.SERVICE_UNAVAILABLE, b"{}"
        if outage is ProviderOutage.KEY_REFUSED:
            return HTTPStatus.OK, json.dumps(NO_KEY).encode()
        parts = urlsplit(target)
        if (method, parts.path) != ("GET", "/query"):
            return HTTPStatus.NOT_FOUND, b"{}"
        parameters = dict(parse_qsl(parts.query))
        now = since or self._clock()
        answer = self.source.answer(parameters, now)
        self.requests.append(Request(now, parameters))
        return HTTPStatus.OK, answer
