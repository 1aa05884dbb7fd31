"""The provider of the drill: an invented market of twenty instruments, behind a server that has bad hours."""

import io
import json
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import requests
from urllib3.response import HTTPResponse

from stockstream.instruments import Instrument
from stockstream.sessions import market_of, sessions_between
from stockstream_local.market.alphavantage import asked_count, asked_instrument, write_answer
from stockstream_local.market.invented import MarketBar

MINUTE = timedelta(minutes=1)
HANGS = "never answered by the provider"
# Of ten thousand requests.
RATES = {
    "time-out": 60,
    HANGS: 30,  # the request waits as long as it does
    "reset": 40,
    "unavailable": 60,
    "cut off": 40,
    "no JSON": 30,
    "empty": 40,
    "slow": 60,  # and yet in time
    "out of order": 60,
    "doubled": 60,
    "too fast": 40,
    "burst": 20,
    "minute limit": 20,
    # What a person must see to: an instrument is left alone for an hour.
    "key refused": 4,
    "demo key": 4,
    "unknown symbol": 4,
    "sample data": 4,
}
# As Alpha Vantage words them; each is an answer of 200. The day's quota is not among them, nor is that the
# plan lacks the long answer: then no more is asked before the next day, and the day that is played ends.
_BODIES = {
    "empty": {},
    "too fast": {
        "Information": "Please consider spreading out your free API requests more sparingly "
        "(1 request per second)."
    },
    "burst": {"Information": "Burst pattern detected. Please spread out your requests more evenly."},
    "minute limit": {"Note": "Minute-level rate limit reached. Please wait a minute."},
    "key refused": {"Error Message": "the parameter apikey is invalid or missing."},
    "old key refused": {"Error Message": "the parameter apikey is invalid or missing."},
    "demo key": {"Information": "The **demo** API key is for demo purposes only."},
    "unknown symbol": {"Error Message": "Invalid API call. Please retry or visit the documentation."},
    "sample data": {"message": "This is artificial sample data for illustration."},
}
SLOW_SECONDS = 4
# Of a thousand minutes those without a trade; of a thousand bars those that
# are revised, show late, vanish for a while.
RESTING, REVISED, LATE, VANISHING = 20, 40, 30, 10
HISTORY, HALT = timedelta(days=4), timedelta(minutes=70)


class Traded(NamedTuple):
    """A minute of trading.

    Attributes:
        first: as it shows at first.
        final: as it shows from revised_at on.
        shows_at: when it shows for the first time.
        revised_at: when its numbers are final.
        vanishes_at: from when on it does not show for five minutes; far in the future if it never vanishes.
    """

    first: MarketBar
    final: MarketBar
    shows_at: datetime
    revised_at: datetime
    vanishes_at: datetime

    def at(self, now: datetime) -> MarketBar | None:
        """The bar as it shows at a moment; None while it does not."""
        is_gone = self.vanishes_at <= now < self.vanishes_at + 5 * MINUTE
        return None if is_gone else self.known_at(now)

    def known_at(self, now: datetime) -> MarketBar | None:
        """The bar as it was shown last until a moment; None where it never was."""
        if now < self.shows_at:
            return None
        if now < self.first.open_time + MINUTE:
            return replace(self.first, close=self.first.open)  # it forms
        # What was revised while nobody could see it is not known yet.
        hidden = self.vanishes_at <= now < self.vanishes_at + 5 * MINUTE
        seen_at = self.vanishes_at if hidden else now
        return self.final if seen_at >= self.revised_at else self.first


class Market:
    """Four days of bars, known beforehand: at any moment it can be said what showed.

    Args:
        instruments: what is traded.
        end: when the market ends.
        chance: draws the numbers.
        halted: the name of an instrument that rests for 70 minutes, two hours before the end.
        listed: the name of one whose first bar is three hours before the end.

    Attributes:
        counts: how many bars show late, are revised, vanish for a while.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        end: datetime,
        chance: random.Random,
        halted: str,
        listed: str,
    ) -> None:
        self.counts: Counter[str] = Counter()
        halt = end - timedelta(hours=2)
        self._traded: dict[str, list[Traded]] = {}
        for instrument in instruments:
            start = end - (timedelta(hours=3) if instrument.name == listed else HISTORY)
            traded = self._traded[instrument.name] = []
            price = chance.uniform(20, 400)
            for open_time, closes in _minutes(instrument, start, end):
                price *= 1 + chance.gauss(0, 0.0004)
                rests = chance.randrange(1000) < RESTING
                if not rests and not (instrument.name == halted and halt <= open_time < halt + HALT):
                    traded.append(_trade(instrument, open_time, price, chance, closes))
                    self.counts.update(_peculiarities(traded[-1]))

    def shown(self, name: str, now: datetime, count: int) -> list[MarketBar]:
        """The newest bars that the market shows at a moment, oldest first, the one that forms included.

        Args:
            name: an instrument's.
            now: the moment.
            count: at most so many.
        """
        traded = self._traded[name]
        found: list[MarketBar] = []
        for position in range(bisect_right(traded, now, key=lambda each: each.first.open_time) - 1, -1, -1):
            bar = traded[position].at(now)
            if bar:
                found.append(bar)
            if len(found) == count:
                break
        return found[::-1]

    def known(self, name: str, open_time: datetime, now: datetime) -> MarketBar | None:
        """One bar as it was shown last until a moment; None where it never was, or there is none."""
        traded = self._traded[name]
        position = bisect_left(traded, open_time, key=lambda each: each.first.open_time)
        found = traded[position : position + 1]
        return found[0].known_at(now) if found and found[0].first.open_time == open_time else None


def _peculiarities(bar: Traded) -> Iterator[str]:
    if bar.final != bar.first:
        yield "bar revised"
    if bar.shows_at > bar.first.open_time:
        yield "bar late"
    if bar.vanishes_at < bar.first.open_time + HISTORY:
        yield "bar vanished for a while"


def _minutes(instrument: Instrument, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The minutes of trading, each with the end of its session."""
    for session in sessions_between(market_of(instrument, "regular"), start, end):
        open_time, closes = max(session.opens, start), min(session.closes, end)
        while open_time < closes:
            yield open_time, closes
            open_time += MINUTE


def _trade(
    instrument: Instrument, open_time: datetime, price: float, chance: random.Random, closes: datetime
) -> Traded:
    digits = 4 if instrument.asset_class == "equity" else 5
    volume = None if instrument.asset_class == "fx" else chance.randrange(1, 5_000)
    opened, close, high, low = (round(price * (1 + chance.gauss(0, 0.0003)), digits) for _ in range(4))
    final = MarketBar(open_time, opened, max(opened, close, high), min(opened, close, low), close, volume)
    first, revised_at = final, open_time
    if chance.randrange(1000) < REVISED:
        first = replace(final, close=final.low, volume=volume and volume // 2)
        # What is revised later than half an hour after the close is seen the next morning.
        revised_at = open_time + chance.randint(3, 25) * MINUTE
    late = chance.randint(2, 6) * MINUTE if chance.randrange(1000) < LATE else timedelta()
    vanishes = chance.randint(8, 40) * MINUTE if chance.randrange(1000) < VANISHING else timedelta(days=99)
    if closes - open_time < timedelta(hours=1):
        # After an outage a session's last bars may be read but once, when half an hour has passed.
        vanishes = timedelta(days=99)
    return Traded(first, final, open_time + late, revised_at, open_time + vanishes)


class Server(requests.Session):
    """Answers as Alpha Vantage does.

    Args:
        market: what it shows.
        now: its clock.
        chance: draws what goes wrong.
        wait: lets so many seconds go by.
        timeout_seconds: how long a client waits for its answer.

    Attributes:
        calm: whether nothing goes wrong.
        key: the only one that is answered.
        down_until: until when no request is answered.
        hangs: whether it takes requests meanwhile, and lets them wait.
        counts: how often each fault took place.
    """

    def __init__(
        self,
        market: Market,
        now: Callable[[], datetime],
        chance: random.Random,
        wait: Callable[[float], None],
        timeout_seconds: float,
    ) -> None:
        super().__init__()
        self._market, self._now, self._chance, self._wait = market, now, chance, wait
        self._timeout_seconds = timeout_seconds
        self.calm = self.hangs = False
        self.key = ""
        self.down_until = datetime.min.replace(tzinfo=UTC)
        self.counts: Counter[str] = Counter()

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        parameters = {name: str(value) for name, value in options["params"].items()}
        fault = self._draw(parameters["apikey"])
        if fault:
            self.counts[fault] += 1
        self._wait({HANGS: self._timeout_seconds, "slow": SLOW_SECONDS}.get(fault or "", 0))
        match fault:
            case "time-out" | "never answered by the provider":
                raise requests.ReadTimeout("no answer in time")
            case "reset":
                raise requests.ConnectionError("connection reset by peer")
            case "unavailable":
                return _respond(url, 503, b"<html>Service Unavailable</html>")
            case "no JSON":
                return _respond(url, 200, b"<html>maintenance</html>")
        if fault in _BODIES:
            return _respond(url, 200, json.dumps(_BODIES[fault]).encode())
        body = self._answer(parameters)
        match fault:
            case "cut off":
                body = body[: len(body) // 2]
            case "out of order" | "doubled":
                body = _disturb(body, self._chance, twice=fault == "doubled")
        return _respond(url, 200, body)

    def _answer(self, parameters: dict[str, str]) -> bytes:
        instrument = asked_instrument(parameters)
        assert instrument
        bars = self._market.shown(instrument.name, self._now(), asked_count(parameters))
        return write_answer(parameters, instrument, bars) if bars else b"{}"

    def _draw(self, key: str) -> str | None:
        if self._now() < self.down_until and not self.calm:
            return HANGS if self.hangs else "time-out"
        if key != self.key:
            return "old key refused"
        if self.calm:
            return None
        drawn = self._chance.randrange(10_000)
        for fault, rate in RATES.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None


def _disturb(body: bytes, chance: random.Random, *, twice: bool) -> bytes:
    """An answer whose bars come in any order, and perhaps each of them twice."""
    answer = json.loads(body)
    name = next((each for each in answer if each.startswith("Time Series")), None)
    if name is None:
        return body
    bars = [f"{json.dumps(each)}: {json.dumps(bar)}" for each, bar in answer[name].items()]
    bars *= 1 + twice
    chance.shuffle(bars)
    answer[name] = None
    return json.dumps(answer).replace("null", "{" + ", ".join(bars) + "}").encode()


def _respond(url: str, status: int, body: bytes) -> requests.Response:
    response = requests.Response()
    response.url, response.status_code = url, status
    response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    return response
