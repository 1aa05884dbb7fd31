"""A lake for the page: the invented market's bars, through the producer's plan and the real transform."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delivered_files import write_lines

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.publishing.publication import plan_publications
from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream.intervals import INTERVALS
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows
from stockstream_local.market import invented
from transform.documents import enrich


def make_documents(
    instrument: str, until: datetime, count: int, interval: str = "1min"
) -> list[dict[str, Any]]:
    """The documents of the last so many bars before a moment, each known two seconds after its end."""
    length = INTERVALS[interval]
    named = parse_instrument(instrument)
    shown = {
        format_time(bar.open_time): Ohlcv(
            bar.open, bar.high, bar.low, bar.close, None if bar.volume is None else float(bar.volume)
        )
        for bar in invented.bars(named, interval, until, count + 200)
        if bar.open_time + length <= until
    }
    documents = []
    for each in plan_publications(shown, Tail(), Windows())[-count:]:
        ended = datetime.fromisoformat(each.open_time) + length
        name, asset_class, opened = named.name, named.asset_class, each.open_time
        known = format_instant(ended + timedelta(seconds=2))
        bar = Bar(name, asset_class, interval, opened, *each.numbers, "replay", known)
        arrived = format_instant(ended + timedelta(seconds=3))
        documents.append(json.loads(enrich(encode_record(bar, each.lookback), arrived, Windows())))
    return documents


def revise(document: dict[str, Any], later: timedelta, factor: float) -> dict[str, Any]:
    """The same bar as the provider corrects it."""
    known = format_instant(datetime.fromisoformat(document["as_of"]) + later)
    prices = {name: document[name] * factor for name in ("open", "high", "low", "close")}
    return document | prices | {"as_of": known, "arrived_at": known}


def deliver(lake: Path, name: str, documents: Iterable[dict[str, Any]]) -> None:
    """Writes one file, in the folder of its first document's day of arrival; whole or not at all."""
    documents = list(documents)
    day = documents[0]["arrived_at"][:10]
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in documents)
    with TemporaryDirectory(dir=lake.parent) as aside:
        part = write_lines(Path(aside), day, name, lines)
        path = lake / part.relative_to(aside)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
