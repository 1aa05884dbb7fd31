"""A day as the lake gets it: bars through the real transform into files, repeated, revised and out of order.

What readers must see is kept beside it, in plain dictionaries that know nothing of files and SQL.
"""

import random
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from delivered_files import write_lines

from stockstream.bars import Bar
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows
from transform.firehose import transform_records

MINUTE = timedelta(minutes=1)
BUFFER = timedelta(seconds=300)
# From when on, and for how many minutes. The coin's bars go over midnight.
MARKETS = {
    "IBM": (datetime(2026, 11, 20, 14, 30, tzinfo=UTC), 390),
    "fx:EUR/USD": (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), 600),
    "crypto:BTC/USD": (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), 1080),
}


class KnownNumbers(NamedTuple):
    """What a reader sees of one bar: one set of numbers. Moments are UTC, without a zone, as SQL has them."""

    as_of: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    arrived_at: datetime
    lookback_bars: int
    sma_5: float | None
    return_1: float | None


class Arrival(NamedTuple):
    """One record that reaches the delivery stream."""

    at: datetime
    record: bytes


class DeliveredDay:
    """A third of the bars come twice, a tenth are revised, and of all that comes a tenth comes hours late.

    Args:
        seed: of what is invented.

    Attributes:
        history: of each id, what was known from each as_of on.
        arrivals: what reaches the delivery stream, in that order.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.history: dict[str, dict[datetime, KnownNumbers]] = defaultdict(dict)
        self.arrivals: list[Arrival] = []
        for instrument, (start, minutes) in MARKETS.items():
            self._trade(instrument, start, minutes)
        self.arrivals.sort()

    @property
    def latest(self) -> dict[str, KnownNumbers]:
        """Each bar with its newest numbers."""
        return {bar: max(known.values()) for bar, known in self.history.items()}

    def known_at(self, moment: datetime) -> dict[str, KnownNumbers]:
        """Each bar that was known at a moment, with the numbers that were."""
        seen = {
            bar: [each for as_of, each in known.items() if as_of <= moment]
            for bar, known in self.history.items()
        }
        return {bar: max(known) for bar, known in seen.items() if known}

    def write(self, lake: Path) -> None:
        """Writes the files that Firehose would write; the folder is the day of a file's oldest record."""
        for number, batch in enumerate(self._batches()):
            event = [
                {
                    "recordId": str(position),
                    "data": b64encode(arrival.record).decode(),
                    "approximateArrivalTimestamp": round(arrival.at.timestamp() * 1000),
                }
                for position, arrival in enumerate(batch)
            ]
            # Firehose calls up to five transforms at once.
            self._chance.shuffle(event)
            entries, rejections = transform_records(event, Windows())
            assert rejections == []
            lines = b"".join(b64decode(entry["data"]) for entry in entries)
            write_lines(lake, batch[0].at.date().isoformat(), f"{number:05}", lines)

    def _batches(self) -> Iterator[list[Arrival]]:
        batch: list[Arrival] = []
        for arrival in self.arrivals:
            if batch and arrival.at - batch[0].at > BUFFER:
                yield batch
                batch = []
            batch.append(arrival)
        yield batch

    def _trade(self, instrument: str, start: datetime, minutes: int) -> None:
        chance = self._chance
        revised = set(chance.sample(range(minutes), minutes // 10))
        repeated = set(chance.sample(range(minutes), minutes // 3))
        before: list[Bar] = []
        for minute in range(minutes):
            opens = start + minute * MINUTE
            moments = [opens + MINUTE + self._milliseconds(3_000)]
            while minute in revised and (len(moments) == 1 or chance.random() < 0.2):
                moments.append(moments[-1] + self._milliseconds(10 * 3_600_000) + timedelta(milliseconds=1))
            for as_of in moments:
                bar = self._invent(instrument, opens, as_of)
                self._send(bar, before, as_of, times=2 if minute in repeated else 1)
                if as_of is moments[0]:
                    before.append(bar)

    def _invent(self, instrument: str, opens: datetime, as_of: datetime) -> Bar:
        asset_class, colon, _ = instrument.partition(":")
        low, open_, close, high = sorted(self._chance.uniform(99, 101) for _ in range(4))
        volume = None if asset_class == "fx" else float(self._chance.randrange(5_000))
        return Bar(
            instrument, asset_class if colon else "equity", "1min", format_time(opens),
            open_, high, low, close, volume, "replay", format_instant(as_of),
        )  # fmt: skip

    def _send(self, bar: Bar, before: list[Bar], as_of: datetime, times: int) -> None:
        lookback = Lookbacks(before, Windows()).before(len(before))
        closes = lookback.close
        record = encode_record(bar, lookback)
        arrivals = [self._arrive(as_of) for _ in range(times)]
        self.arrivals += [Arrival(at, record) for at in arrivals]
        self.history[bar.id][_naive(as_of)] = KnownNumbers(
            as_of=_naive(as_of),
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            arrived_at=_naive(min(arrivals)),
            lookback_bars=len(closes),
            sma_5=fmean([*closes[-4:], bar.close]) if len(closes) >= 4 else None,
            return_1=bar.close / closes[-1] - 1 if closes else None,
        )

    def _arrive(self, as_of: datetime) -> datetime:
        at = as_of + self._milliseconds(2_000)
        return at + self._milliseconds(8 * 3_600_000) if self._chance.random() < 0.1 else at

    def _milliseconds(self, most: int) -> timedelta:
        return timedelta(milliseconds=self._chance.randrange(most))


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
