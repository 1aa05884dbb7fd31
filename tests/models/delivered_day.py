"""A day as the lake gets it: bars through the real transform into files, repeated, revised and out of order.

What readers must see is kept beside it, in plain dictionaries that know nothing of files and SQL.
"""

import json
import random
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from delivered_files import write_lines

from stockstream.bars import Bar, Lookback
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows
from transform.documents import enrich
from transform.firehose import transform_records

MINUTE = timedelta(minutes=1)
BUFFER = timedelta(seconds=300)
# From when on, and for how many minutes. The coin's bars go over midnight.
MARKETS = {
    "IBM": (datetime(2026, 11, 20, 14, 30, tzinfo=UTC), 390),
    "fx:EUR/USD": (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), 600),
    "crypto:BTC/USD": (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), 1080),
}


type Document = dict[str, Any]


class Arrival(NamedTuple):
    """One record that reaches the delivery stream."""

    at: datetime
    record: bytes


class DeliveredDay:
    """A third of the bars come twice, a tenth are revised, and of all that comes a tenth comes hours late.

    Args:
        seed: of what is invented.

    Attributes:
        history: of each id, the document that is true from each as_of on, as the views show it: without the
            contract's name, and with moments that are UTC and have no zone.
        arrivals: what reaches the delivery stream, in that order.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.history: dict[str, dict[datetime, Document]] = defaultdict(dict)
        self.arrivals: list[Arrival] = []
        for instrument, (start, minutes) in MARKETS.items():
            self._trade(instrument, start, minutes)
        self.arrivals.sort()

    @property
    def latest(self) -> dict[str, Document]:
        """Each bar with its newest numbers."""
        return {bar: known[max(known)] for bar, known in self.history.items()}

    def known_at(self, moment: datetime) -> dict[str, Document]:
        """Each bar that was known at a moment, with the numbers that were."""
        moments = {bar: [as_of for as_of in known if as_of <= moment] for bar, known in self.history.items()}
        return {bar: self.history[bar][max(seen)] for bar, seen in moments.items() if seen}

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
        came: list[tuple[int, Bar, datetime, list[datetime]]] = []
        first: list[Bar] = []
        for minute in range(minutes):
            opens = start + minute * MINUTE
            moments = [opens + MINUTE + self._milliseconds(3_000)]
            while minute in revised and (len(moments) == 1 or chance.random() < 0.2):
                moments.append(moments[-1] + self._milliseconds(10 * 3_600_000) + timedelta(milliseconds=1))
            for as_of in moments:
                bar = self._invent(instrument, opens, as_of)
                arrivals = [self._arrive(as_of) for _ in range(2 if minute in repeated else 1)]
                came.append((minute, bar, as_of, arrivals))
                if as_of is moments[0]:
                    first.append(bar)
        # Whatever is revised later, a look-back holds what was sent first.
        lookbacks = Lookbacks(first, Windows())
        for minute, bar, as_of, arrivals in came:
            self._send(bar, lookbacks.before(minute), as_of, arrivals)

    def _invent(self, instrument: str, opens: datetime, as_of: datetime) -> Bar:
        asset_class, colon, _ = instrument.partition(":")
        low, open_, close, high = sorted(self._chance.uniform(99, 101) for _ in range(4))
        volume = None if asset_class == "fx" else float(self._chance.randrange(5_000))
        return Bar(
            instrument, asset_class if colon else "equity", "1min", format_time(opens),
            open_, high, low, close, volume, "replay", format_instant(as_of),
        )  # fmt: skip

    def _send(self, bar: Bar, lookback: Lookback, as_of: datetime, arrivals: list[datetime]) -> None:
        record = encode_record(bar, lookback)
        self.arrivals += [Arrival(at, record) for at in arrivals]
        document = json.loads(enrich(record, format_instant(min(arrivals)), Windows()))
        del document["schema"]
        for name in ("open_time", "as_of", "arrived_at"):
            document[name] = _naive(datetime.fromisoformat(document[name]))
        self.history[bar.id][_naive(as_of)] = document

    def _arrive(self, as_of: datetime) -> datetime:
        at = as_of + self._milliseconds(2_000)
        return at + self._milliseconds(8 * 3_600_000) if self._chance.random() < 0.1 else at

    def _milliseconds(self, most: int) -> timedelta:
        return timedelta(milliseconds=self._chance.randrange(most))


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
