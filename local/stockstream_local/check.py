"""A second opinion on every number: plain Python over the market's own bars, and nothing of the pipeline.

A document's number that has no second opinion is a fault, too.
"""

import math
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean, median, pstdev, stdev
from typing import Any, NamedTuple

from stockstream.bars import INTERVALS
from stockstream.fields import list_fields, lookback_lengths
from stockstream.times import format_time, parse_instant, parse_time
from stockstream.windows import LONGEST_WINDOW, Windows
from stockstream_local.market.alphavantage import COMPACT_BARS, asked_count, asked_instrument
from stockstream_local.market.invented import MarketBar
from stockstream_local.market.replay import ReplayMarket
from stockstream_operate.history import SOURCE
from stockstream_operate.lake.delivered import Document

WINDOWS = Windows()
NUMBERS = {field.name for field in list_fields(WINDOWS) if field.is_number}
LOOKBACK_CLOSES = lookback_lengths(WINDOWS)["close"]
# Documents arrive within seconds of the answer that they were made of; this is half an hour of answers.
ANSWERS_KEPT = 30
# How many bars of a long answer the pipeline takes that are older than what it has.
BARS_BEFORE_GAP = COMPACT_BARS + LONGEST_WINDOW
BAND = 20
WILDER = 14
FAST, SLOW, SIGNAL = 12, 26, 9

type Numbers = dict[str, float | None]


def expected_numbers(bars: Sequence[MarketBar]) -> Numbers:
    """What a document must hold about the last of these bars, by the definitions of the contract.

    Args:
        bars: its look-back and itself, oldest first.
    """
    closes = [bar.close for bar in bars]
    numbers: Numbers = {"lookback_bars": len(bars) - 1}
    bar = bars[-1]
    numbers |= {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
    numbers |= {f"sma_{n}": fmean(closes[-n:]) if len(closes) >= n else None for n in WINDOWS.sma}
    numbers |= {f"ema_{n}": _last(_smooth(closes, n, 2 / (n + 1))) for n in WINDOWS.ema}
    numbers |= {f"return_{k}": closes[-1] / closes[-1 - k] - 1 if len(closes) > k else None for k in (1, 5)}
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    numbers["log_return_1"] = returns[-1] if returns else None
    numbers["volatility_20"] = stdev(returns[-BAND:]) if len(returns) >= BAND else None
    numbers |= _bollinger(closes[-BAND:])
    numbers["rsi_14"] = _rsi(closes)
    numbers["vwap_20"] = _vwap(bars[-BAND:])
    numbers |= _macd(closes)
    numbers["atr_14"] = _atr(bars)
    numbers["spike_20"] = _spike(bars[-BAND - 2 :])
    return numbers


def _smooth(values: Sequence[float], seed: int, alpha: float) -> Iterator[float]:
    """The exponential average at each value from the seed's last on; none where there are fewer values."""
    if len(values) < seed:
        return
    average = fmean(values[:seed])
    yield average
    for value in values[seed:]:
        average += alpha * (value - average)
        yield average


def _last(values: Iterable[float]) -> float | None:
    return next(iter(deque(values, maxlen=1)), None)


def _bollinger(closes: Sequence[float]) -> Numbers:
    names = ("bollinger_upper_20", "bollinger_lower_20", "zscore_20")
    if len(closes) < BAND:
        return dict.fromkeys(names)
    mean, deviation = fmean(closes), pstdev(closes)
    zscore = (closes[-1] - mean) / deviation if deviation else None
    return dict(zip(names, (mean + 2 * deviation, mean - 2 * deviation, zscore), strict=True))


def _rsi(closes: Sequence[float]) -> float | None:
    changes = [after - before for before, after in pairwise(closes)]
    if len(changes) < WILDER:
        return None
    gain = _last(_smooth([max(change, 0) for change in changes], WILDER, 1 / WILDER)) or 0
    loss = _last(_smooth([max(-change, 0) for change in changes], WILDER, 1 / WILDER)) or 0
    return 100 * gain / (gain + loss) if gain + loss else None


def _vwap(bars: Sequence[MarketBar]) -> float | None:
    volumes = [bar.volume for bar in bars if bar.volume is not None]
    if len(volumes) < BAND or not sum(volumes):
        return None
    return math.sumprod([(bar.high + bar.low + bar.close) / 3 for bar in bars], volumes) / sum(volumes)


def _macd(closes: Sequence[float]) -> Numbers:
    fast, slow = (list(_smooth(closes, n, 2 / (n + 1))) for n in (FAST, SLOW))
    lines = [one - other for one, other in zip(fast[SLOW - FAST :], slow, strict=True)] if slow else []
    signal = _last(_smooth(lines, SIGNAL, 2 / (SIGNAL + 1)))
    return {
        "macd_12_26_9": lines[-1] if lines else None,
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": None if signal is None else lines[-1] - signal,
    }


def _atr(bars: Sequence[MarketBar]) -> float | None:
    return _last(_smooth(_true_ranges(bars), WILDER, 1 / WILDER))


def _true_ranges(bars: Sequence[MarketBar]) -> list[float]:
    return [
        max(bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close))
        for before, bar in pairwise(bars)
    ]


def _spike(bars: Sequence[MarketBar]) -> float | None:
    ranges = _true_ranges(bars)
    if len(ranges) <= BAND or not (usual := median(ranges[:-1])):
        return None
    return (ranges[-1] - abs(bars[-1].close - bars[-2].close)) / usual


class KnownBars(NamedTuple):
    """What the pipeline could know of one instrument from one answer on.

    Attributes:
        moment: when the market gave the answer.
        bars: the finished ones, oldest first, each as it was shown last; far enough back for every look-back.
    """

    moment: datetime
    bars: list[MarketBar]


class Checker:
    """Compares documents with what the market had answered when each was made.

    Args:
        market: the running market, which remembers when it was asked.
        interval: of the bars, a key of INTERVALS.
        api_key: what the pipeline asks with; other people's questions do not count.
    """

    def __init__(self, market: ReplayMarket, interval: str, api_key: str) -> None:
        self._market = market
        self._interval = interval
        self._api_key = api_key
        self._followed = 0
        self._known: dict[str, deque[KnownBars]] = defaultdict(lambda: deque(maxlen=ANSWERS_KEPT))
        self._of_other_intervals: dict[str, list[Any]] = {}
        self._began = datetime.min.replace(tzinfo=UTC)

    def find_fault(self, document: Document) -> str | None:
        """What is wrong with a document, for a person; None if every number is right, or not the market's."""
        self._follow()
        if document.get("source") == SOURCE:
            return None
        known_at = parse_instant(document["as_of"])
        if known_at < self._began:
            return None
        answers = self._known.get(document["instrument"])
        if not answers:
            return f"{document['id']}: the market was never asked for {document['instrument']}"
        known = min(answers, key=lambda each: abs(each.moment - known_at)).bars
        end = bisect_right(known, parse_time(document["open_time"]), key=lambda bar: bar.open_time)
        window = known[max(0, end - 1 - LOOKBACK_CLOSES) : end]
        if not window or format_time(window[-1].open_time) != document["open_time"]:
            return f"{document['id']}: the market had shown no such finished bar at {document['as_of']}"
        expected = expected_numbers(window)
        wrong = [
            f"{field} is {document.get(field)!r} and not {expected[field]!r}"
            for field in sorted(NUMBERS & expected.keys())
            if field not in document or not is_same(document[field], expected[field], window[-1].close)
        ]
        # Nothing here has checked what else is in the document.
        strange = document.keys() - {field.name for field in list_fields(WINDOWS)}
        wrong += [f"{field} has no second opinion" for field in sorted(NUMBERS - expected.keys() | strange)]
        return f"{document['id']}: {'; '.join(wrong)}" if wrong else None

    def remember(self) -> dict[str, list[Any]]:
        """What `restore` takes, as JSON holds it: the bars that are known by now, of each `IBM|1min`."""
        self._follow()
        known = {
            f"{name}|{self._interval}": [
                [format_time(bar.open_time), bar.open, bar.high, bar.low, bar.close, bar.volume]
                for bar in answers[-1].bars
            ]
            for name, answers in self._known.items()
        }
        return self._of_other_intervals | known

    def restore(self, known: Mapping[str, list[Any]], now: datetime) -> None:
        """Begins with what an earlier run's checker remembered.

        Args:
            known: what `remember` gave.
            now: documents of earlier answers are not checked, since what was known then is not kept.
        """
        self._began = now
        for key, rows in known.items():
            name, _, interval = key.rpartition("|")
            if interval != self._interval:
                self._of_other_intervals[key] = rows
            elif rows:
                bars = [MarketBar(parse_time(time), *numbers) for time, *numbers in rows]
                self._known[name].append(KnownBars(bars[-1].open_time, bars))

    def _follow(self) -> None:
        """Takes in the answers that the market gave since the last time."""
        for request in self._market.requests[self._followed :]:
            self._followed += 1
            instrument = asked_instrument(request.parameters)
            if instrument and request.parameters.get("apikey") == self._api_key:
                count = asked_count(request.parameters)
                shown = self._market.source.bars_at(instrument, self._interval, request.moment, count)
                width = INTERVALS[self._interval]
                finished = {bar.open_time: bar for bar in shown if bar.open_time + width <= request.moment}
                answers = self._known[instrument.name]
                before = {bar.open_time: bar for bar in answers[-1].bars} if answers else {}
                if before and count > COMPACT_BARS:
                    # Of a long answer the pipeline takes what fills the gap, and look-backs for that.
                    times = list(finished)
                    missed = [place for place, time in enumerate(times) if min(before) < time not in before]
                    since = missed[0] if missed else len(times)
                    finished = {time: finished[time] for time in times[max(0, since - BARS_BEFORE_GAP) :]}
                bars = sorted((before | finished).values(), key=lambda bar: bar.open_time)
                reach = len(finished) + LOOKBACK_CLOSES
                answers.append(KnownBars(request.moment, bars[-reach:]))


def is_same(found: object, expected: float | None, close: float) -> bool:
    """Whether a document's number is the expected one, for a bar of this close."""
    if found is None or expected is None:
        return found is expected
    # The MACD is a difference of averages: small beside the price, and only as exact as they are.
    near_zero = max(1e-11, 1e-14 * close)
    return isinstance(found, int | float) and math.isclose(found, expected, rel_tol=1e-9, abs_tol=near_zero)
