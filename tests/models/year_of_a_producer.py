"""A year of the real producer and transform: the market that a provider shows, what was delivered, an oracle.

The oracle is pandas and NumPy over the whole series in the shares of the year's end.
"""

import json
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
from minutes_of_a_producer import NEW_YORK, SHORT_ANSWER_BARS, Clock, Market, Server, World
from numpy.lib.stride_tricks import sliding_window_view

from producer.planning.planner import Plan
from producer.production import Producer
from producer.publishing.price_moves import PriceWatch
from stockstream.bar_stream import KeyedRecord
from stockstream.instruments import parse_instruments
from stockstream.times import format_time
from stockstream.windows import Windows
from transform.documents import enrich

if TYPE_CHECKING:
    from stockstream.splits import Split

PRICES = ["open", "high", "low", "close"]
LONG_ANSWER = timedelta(days=30)
CORRECTED_AFTER = timedelta(minutes=50)
SPIKE = 10  # docs/fields.md: above it no neighbour confirms the bar's high or low
_WINDOWS = Windows()
SMOOTHED = (
    "ema_12", "ema_26", "macd_12_26_9", "macd_signal_12_26_9", "macd_histogram_12_26_9", "rsi_14", "atr_14",
)  # fmt: skip
# What a document holds and the oracle knows.
NUMBERS = (
    *PRICES, "volume", "lookback_bars", "sma_5", "sma_20", "sma_50", "sma_200", "return_1", "return_5",
    "log_return_1", "volatility_20", "bollinger_upper_20", "bollinger_lower_20", "zscore_20", "vwap_20",
    "spike_20", *SMOOTHED,
)  # fmt: skip
_STRAY, _IMPOSSIBLE = [7.0, 9.0, 5.0, 6.0, 11.0], [7.0, 5.0, 9.0, 6.0, 11.0]
_UTC = ZoneInfo("UTC")
_FIELDS = ("1. open", "2. high", "3. low", "4. close", "5. volume")


class Showed(NamedTuple):
    """What an answer held: from which bar to which, the one that was forming left out."""

    at: datetime
    oldest: datetime
    newest: datetime


class Shares(NamedTuple):
    """From a moment on there are `new` shares in place of `old`."""

    at: datetime
    new: int
    old: int


class Series:
    """One share's bars, in the shares of the end and as they were traded.

    Args:
        symbol: its prices follow from it.
        bars: when each begins and ends.
        splits: of its shares.
        gone: the bars in which nothing is traded.
        halved: from when on everything costs half, and no split is the reason.
        crash: the bar in which it loses eight percent.
        prints: the bars whose high is a bad print.
        silent_volume: the bars whose volume nobody reports.

    Attributes:
        frame: prices and volumes in the shares of the end, by open_time.
        shares: how many of these one share of each bar has become.
        ends: when each bar ends.
    """

    def __init__(  # noqa: PLR0913 (much may befall a share)
        self,
        symbol: str,
        bars: Sequence[tuple[datetime, datetime]],
        *,
        splits: Iterable[Shares] = (),
        gone: Collection[datetime] = (),
        halved: datetime | None = None,
        crash: datetime | None = None,
        prints: Collection[datetime] = (),
        silent_volume: Collection[datetime] = (),
    ) -> None:
        chance = np.random.default_rng(zlib.crc32(symbol.encode()))
        bars = [bar for bar in bars if bar[0] not in gone]
        index = pd.DatetimeIndex([start for start, _ in bars])
        count = len(bars)
        close = 100 * np.exp(np.cumsum(chance.uniform(-0.004, 0.004, count)))
        starts = [start for start, _ in bars]
        fall = starts.index(halved) if halved else 0
        close[:fall] *= 2
        if crash:
            close[starts.index(crash) :] *= 0.92
        open_ = np.concatenate([[100.0], close[:-1]]) * (1 + chance.uniform(-0.001, 0.001, count))
        open_[fall] /= 2 if fall else 1
        high = np.maximum(open_, close) * (1 + chance.uniform(0.0005, 0.003, count))
        low = np.minimum(open_, close) * (1 - chance.uniform(0.0005, 0.003, count))
        high[index.isin(list(prints))] *= 1.25
        volume = chance.integers(1, 10_000, count) * 240.0
        volume[index.isin(list(silent_volume))] = np.nan
        self.symbol, self.ends = symbol, [end for _, end in bars]
        self.frame = pd.DataFrame(
            {"open": open_, "high": high, "low": low, "close": close, "volume": volume}, index
        )
        self.shares = np.ones(count)
        for split in splits:
            self.shares[: starts.index(split.at)] *= split.new / split.old

    def until(self, last: datetime) -> "Series":
        """The same, without what comes after a bar."""
        return self.only(np.asarray(self.frame.index <= last))

    def only(self, kept: np.ndarray) -> "Series":
        """The same, with some of its bars alone."""
        part = copy(self)
        part.frame, part.shares = self.frame[kept], self.shares[kept]
        part.ends = [end for end, is_kept in zip(self.ends, kept, strict=True) if is_kept]
        return part

    def unrevised(self, times: Collection[datetime]) -> "Series":
        """The same, with these bars as they were shown before they were corrected."""
        part = copy(self)
        part.frame = self.frame.copy()
        chosen = part.frame.index.isin(list(times))
        part.frame.loc[chosen, "close"] = part.frame.low[chosen]
        part.frame.loc[chosen, "volume"] /= 2
        return part

    def traded(self) -> pd.DataFrame:
        """What was paid for a share of then, and how many of these were traded."""
        traded = self.frame.mul(self.shares, axis=0)
        traded["volume"] = self.frame.volume / self.shares
        return traded


class YearServer(Server):
    """Alpha Vantage with these series: the newest hundred bars, or those of thirty days.

    The newest one shows while it forms, with its first price alone. One in 97 is corrected fifty minutes
    after its end.

    Args:
        clock: the world's.
        series: what there is, by instrument.
        strays: by instrument, when it shows a bar that is no session's.
        impossible: by instrument, when it shows one whose high is below its low.

    Attributes:
        showed: by instrument, of each answer when it was given, and its oldest and its newest finished bar.
        unrevised: by instrument, the bars that were not corrected yet when they were shown last.
    """

    def __init__(
        self,
        clock: Clock,
        series: Mapping[str, Series],
        strays: Mapping[str, Sequence[datetime]],
        impossible: Mapping[str, Sequence[datetime]],
    ) -> None:
        super().__init__(Market((), "regular", (clock.now, clock.now)), clock)
        self.showed: dict[str, list[Showed]] = {name: [] for name in series}
        self.unrevised: dict[str, set[datetime]] = {name: set() for name in series}
        self._rows: dict[str, tuple[list[datetime], list[dict[str, Any]]]] = {}
        for name, each in series.items():
            rows = {
                start.to_pydatetime(): {"end": end, "numbers": numbers, "revised": number % 97 == 5}
                for number, (start, end, numbers) in enumerate(
                    zip(each.frame.index, each.ends, each.traded().to_numpy().tolist(), strict=True)
                )
            }
            for numbers, moments in ((_STRAY, strays), (_IMPOSSIBLE, impossible)):
                for moment in moments.get(name, ()):
                    rows[moment] = {"end": moment, "numbers": numbers, "revised": False}
            times = sorted(rows)
            self._rows[name] = times, [rows[each] for each in times]

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """One instrument's newest bars, newest first."""
        name, title, meta, zone = _subject(parameters)
        times, rows = self._rows[name]
        now, newest = self.clock.now, bisect_right(times, self.clock.now)
        is_long = parameters["outputsize"] == "full"
        first = bisect_right(times, now - LONG_ANSWER) if is_long else max(0, newest - SHORT_ANSWER_BARS)
        if first == newest:
            return {}
        self._remember(name, first, newest)
        return {
            "Meta Data": {**meta, "4. Interval": parameters["interval"], "6. Time Zone": zone.key},
            f"{title} ({parameters['interval']})": {
                f"{times[position].astimezone(zone):%Y-%m-%d %H:%M:%S}": _show(rows[position], now)
                for position in range(newest - 1, first - 1, -1)
            },
        }

    def _remember(self, name: str, first: int, newest: int) -> None:
        times, rows = self._rows[name]
        now = self.clock.now
        finished = newest - (rows[newest - 1]["end"] > now)
        if finished > first:
            self.showed[name].append(Showed(now, times[first], times[finished - 1]))
        for position in range(first, finished):
            if rows[position]["revised"]:
                is_late = now < rows[position]["end"] + CORRECTED_AFTER
                (self.unrevised[name].add if is_late else self.unrevised[name].discard)(times[position])


def _subject(parameters: Mapping[str, str]) -> tuple[str, str, dict[str, str], ZoneInfo]:
    """Which instrument is asked for, and how Alpha Vantage speaks of its kind."""
    match parameters["function"]:
        case "FX_INTRADAY":
            base, quote = parameters["from_symbol"], parameters["to_symbol"]
            return (
                f"fx:{base}/{quote}",
                "Time Series FX",
                {"2. From Symbol": base, "3. To Symbol": quote},
                _UTC,
            )
        case "CRYPTO_INTRADAY":
            base, quote = parameters["symbol"], parameters["market"]
            meta = {"2. Digital Currency Code": base, "4. Market Code": quote}
            return f"crypto:{base}/{quote}", "Time Series Crypto", meta, _UTC
        case _:
            symbol = parameters["symbol"]
            return symbol, "Time Series", {"2. Symbol": symbol}, NEW_YORK


def _show(row: dict[str, Any], now: datetime) -> dict[str, str]:
    open_, high, low, close, volume = row["numbers"]
    if now < row["end"]:
        high = low = close = open_
        volume = 1.0
    elif row["revised"] and now < row["end"] + CORRECTED_AFTER:
        close, volume = low, volume / 2
    shown = [repr(each) for each in (open_, high, low, close)] + ["" if np.isnan(volume) else repr(volume)]
    return dict(zip(_FIELDS, shown, strict=True))


class Lake:
    """What the transform makes of each record: of each bar the document with the latest as_of.

    Attributes:
        documents: by instrument and open_time.
        first_seen: when the provider had shown each bar as it was sent first.
    """

    def __init__(self) -> None:
        self.documents: dict[str, dict[datetime, dict[str, Any]]] = {}
        self.first_seen: dict[str, dict[datetime, datetime]] = {}

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        """Takes all of them."""
        for name, data in records:
            document = orjson.loads(enrich(data, None, _WINDOWS))
            time = datetime.fromisoformat(document["open_time"])
            known, as_of = self.documents.setdefault(name, {}), datetime.fromisoformat(document["as_of"])
            if time not in known or document["as_of"] >= known[time]["as_of"]:
                known[time] = document
            seen = self.first_seen.setdefault(name, {})
            seen[time] = min(as_of, seen.get(time, as_of))
        return set(range(len(records)))


class NumbersLake:
    """The same, of which the numbers alone are kept, so that there is room for millions.

    Args:
        times: by instrument, the open_times of all bars that there can be, in their order.

    Attributes:
        numbers: by instrument, of each bar the fields of NUMBERS; NaN for null, and of a bar that never came.
        first_seen: by instrument, when the provider had shown each bar as it was sent first; None of others.
        taken: how many records were.
        strange: what came and is no bar: the instrument and the open_time.
        refuses: whether it takes nothing.
    """

    def __init__(self, times: Mapping[str, Sequence[datetime]]) -> None:
        self._places = {
            name: {format_time(each): place for place, each in enumerate(known)}
            for name, known in times.items()
        }
        self.numbers = {name: np.full((len(known), len(NUMBERS)), np.nan) for name, known in times.items()}
        self.first_seen: dict[str, list[str | None]] = {
            name: [None] * len(each) for name, each in times.items()
        }
        self._newest: dict[str, list[str]] = {name: [""] * len(known) for name, known in times.items()}
        self.taken = 0
        self.strange: list[tuple[str, str]] = []
        self.refuses = False
        self._lock = Lock()

    def put_together(self, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
        """Takes all of them."""
        if self.refuses:
            return set()
        for name, data in records:
            document = orjson.loads(enrich(data, None, _WINDOWS))
            place = self._places[name].get(document["open_time"])
            if place is None:
                self.strange.append((name, document["open_time"]))
                continue
            as_of, newest = document["as_of"], self._newest[name]
            self.first_seen[name][place] = self.first_seen[name][place] or as_of
            if as_of >= newest[place]:
                newest[place] = as_of
                self.numbers[name][place] = [document[field] for field in NUMBERS]
        with self._lock:  # requests are made, and published, some at once
            self.taken += len(records)
        return set(range(len(records)))

    def sent(self, name: str) -> np.ndarray:
        """Of each bar whether it came."""
        return np.array([each is not None for each in self.first_seen[name]])

    def marks(self) -> int:
        """How many bars are marked as bad prints."""
        place = NUMBERS.index("spike_20")
        return sum(int((each[:, place] > SPIKE).sum()) for each in self.numbers.values())


class WatchingWorld(World):
    """A world whose producer watches prices, and in which a person says what he knows of splits.

    Attributes:
        known_splits: what a person has said of splits, by instrument.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.known_splits: dict[str, list[Split]] = {}
        super().__init__(*arguments, **more)

    def new_container(self) -> Producer:
        """One that knows the splits, and watches for moves of 5 % within five bars."""
        made = super().new_container()
        watching = replace(made.publisher, watch=PriceWatch(5, 5))
        self.producer = replace(made, publisher=watching, read_splits=lambda: self.known_splits)
        return self.producer

    def follow(self, instruments: str) -> None:
        """Follows these from now on, in a new container."""
        self.instruments = parse_instruments(instruments)
        self.new_container()

    def run_at(self, moment: datetime) -> None:
        """One run."""
        self.clock.now = moment
        self.producer.run(seconds=3600)


class YearWorld(WatchingWorld):
    """The real producer, Alpha Vantage's client and the transform, with these series.

    Args:
        series: what there is, by instrument.
        plan: what Alpha Vantage allows.
        start: when the world begins.
        interval: of the bars.
        strays: by instrument, when it shows a bar that is no session's.
        impossible: by instrument, when it shows one whose high is below its low.
    """

    def __init__(
        self,
        series: Mapping[str, Series],
        plan: Plan,
        start: datetime,
        interval: str,
        strays: Mapping[str, Sequence[datetime]] | None = None,
        impossible: Mapping[str, Sequence[datetime]] | None = None,
    ) -> None:
        super().__init__(",".join(series), plan, (start, start), silent=series, interval=interval)
        self.server: YearServer = YearServer(self.clock, series, strays or {}, impossible or {})
        self.lake = Lake()
        self.stream = self.lake  # type: ignore[assignment]  # what it delivers is kept, and not what it takes
        self.new_container()


def check_numbers(series: Series, documents: Mapping[datetime, dict[str, Any]], every: int = 29) -> None:
    """All bars are there and no other, with what was traded and each indicator as the oracle has it."""
    times = [each.to_pydatetime() for each in series.frame.index]
    assert sorted(documents) == times, series.symbol
    got = pd.DataFrame([documents[each] for each in times], series.frame.index)
    compare_numbers(series, got, range(0, len(times), every))


def compare_numbers(series: Series, got: pd.DataFrame, smoothed_at: Iterable[int]) -> None:
    """What was traded, and each indicator as the oracle has it.

    Args:
        series: the bars that there are.
        got: their documents, a row each.
        smoothed_at: at which of them the smoothed indicators are computed, too, each from its own window.
    """
    frame, shares = series.frame, series.shares
    traded = series.traded()
    for name in traded.columns:
        np.testing.assert_allclose(
            got[name].astype(float), traded[name], rtol=1e-12, err_msg=f"{series.symbol} {name}"
        )
    assert got.lookback_bars.tolist() == [min(199, number) for number in range(len(frame))], series.symbol
    for name, (values, is_price) in _oracle(frame).items():
        expected = values * shares if is_price else values
        tolerance = 1e-9 * (traded.close.to_numpy() if is_price else 1)
        found = got[name].astype(float).to_numpy()
        assert (np.isnan(found) == np.isnan(expected)).all(), (series.symbol, name)
        wrong = np.abs(found - expected) > tolerance + 1e-9 * np.abs(expected)
        assert not wrong.any(), (series.symbol, name, frame.index[wrong][:3], found[wrong][:3])
    columns = {name: got[name].astype(float).to_numpy() for name in SMOOTHED}
    for position in smoothed_at:
        seen = frame.iloc[max(0, position - 199) : position + 1]
        for name, value in _smoothed(seen).items():
            found = columns[name][position]
            assert np.isnan(found) == (value is None), (series.symbol, name, frame.index[position])
            factor = 1 if name == "rsi_14" else shares[position]
            if value is not None:
                assert abs(found - value * factor) <= 1e-9 * 100 * factor, (series.symbol, name)


def spikes(documents: Mapping[datetime, dict[str, Any]]) -> list[datetime]:
    """The bars whose mark says that no neighbour confirms their high or low."""
    return sorted(time for time, each in documents.items() if (each["spike_20"] or 0) > SPIKE)


def _oracle(frame: pd.DataFrame) -> dict[str, tuple[np.ndarray, bool]]:
    """The indicators of a window, each with whether it is a price."""
    close, before = frame.close, frame.close.shift(1)
    last = _windows(close, 20)
    mean, scatter = last.mean(axis=1), last.std(axis=1, ddof=0)
    typical = (frame.high + frame.low + frame.close) / 3
    volumes = _windows(frame.volume, 20)
    returns = np.log(close).diff()
    ranges = _true_ranges(frame)
    beyond = ranges - (close - before).abs().to_numpy()
    return {
        **{f"sma_{window}": (_windows(close, window).mean(axis=1), True) for window in (5, 20, 50, 200)},
        "return_1": ((close / before - 1).to_numpy(), False),
        "return_5": ((close / close.shift(5) - 1).to_numpy(), False),
        "log_return_1": (returns.to_numpy(), False),
        "volatility_20": (_windows(returns, 20).std(axis=1, ddof=1), False),
        "bollinger_upper_20": (mean + 2 * scatter, True),
        "bollinger_lower_20": (mean - 2 * scatter, True),
        "zscore_20": ((close.to_numpy() - mean) / scatter, False),
        "vwap_20": ((_windows(typical, 20) * volumes).sum(axis=1) / volumes.sum(axis=1), True),
        "spike_20": (
            beyond / np.concatenate([[np.nan], np.median(_windows(ranges, 20), axis=1)[:-1]]),
            False,
        ),
    }


def _true_ranges(frame: pd.DataFrame) -> np.ndarray:
    """Of each bar, NaN of the first."""
    before = np.concatenate([[np.nan], frame.close.to_numpy()[:-1]])
    ranges: np.ndarray = np.maximum(frame.high.to_numpy(), before) - np.minimum(frame.low.to_numpy(), before)
    return ranges


def _windows(values: pd.Series | np.ndarray, size: int) -> np.ndarray:
    """The last values at each bar, NaN where there are fewer."""
    padded = np.concatenate([np.full(size - 1, np.nan), values])
    return sliding_window_view(padded, size)


def _smoothed(seen: pd.DataFrame) -> dict[str, float | None]:
    """The smoothed indicators of the last of these bars."""
    close, changes = seen.close.to_numpy(), np.diff(seen.close.to_numpy())
    fast, slow = _run(close, 12, 2 / 13), _run(close, 26, 2 / 27)
    line = fast[-len(slow) :] - slow if len(slow) else slow
    signal = _run(line, 9, 2 / 10)
    gains, losses = _run(np.maximum(changes, 0), 14, 1 / 14), _run(np.maximum(-changes, 0), 14, 1 / 14)
    return {
        "ema_12": _last(fast),
        "ema_26": _last(slow),
        "macd_12_26_9": _last(line),
        "macd_signal_12_26_9": _last(signal),
        "macd_histogram_12_26_9": line[-1] - signal[-1] if len(signal) else None,
        "rsi_14": 100 * gains[-1] / (gains[-1] + losses[-1]) if len(gains) else None,
        "atr_14": _last(_run(_true_ranges(seen)[1:], 14, 1 / 14)),
    }


def _run(values: np.ndarray, size: int, alpha: float) -> np.ndarray:
    """An exponential average, seeded with the mean of the first values; empty where there are fewer."""
    if len(values) < size:
        return np.array([])
    averages = [values[:size].mean()]
    for value in values[size:]:
        averages.append(averages[-1] + alpha * (value - averages[-1]))
    return np.array(averages)


def _last(values: np.ndarray) -> float | None:
    return float(values[-1]) if len(values) else None


def notices(log: str) -> Counter[str]:
    """How often each message was logged as a warning or an error."""
    lines = map(json.loads, log.splitlines())
    return Counter(each["message"] for each in lines if each["level"] in {"WARNING", "ERROR"})
