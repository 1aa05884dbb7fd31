"""Delivered documents without a running pipeline: bars, through the real codec and the real transform."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import orjson

from stockstream.bars import INTERVALS, Bar
from stockstream.instruments import parse_instrument
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time, parse_instant
from stockstream.windows import Windows
from stockstream_local.market import invented as market
from stockstream_operate.lake.delivered import Document
from transform.documents import enrich

_ANSWER = timedelta(milliseconds=1100)  # from a bar's end to the provider's word on it


def invent_bars(name: str, interval: str, since: datetime, until: datetime) -> list[Bar]:
    """The bars of the invented market that open and end between two moments, oldest first.

    Args:
        name: of an instrument that the market knows.
        interval: a key of INTERVALS.
        since: the first moment, at a full minute.
        until: the second.
    """
    instrument, width = parse_instrument(name), INTERVALS[interval]
    shown = market.bars(instrument, interval, until - timedelta(seconds=1), (until - since) // width)
    return [
        Bar(
            instrument=name,
            asset_class=instrument.asset_class,
            interval=interval,
            open_time=format_time(bar.open_time),
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            source="replay",
            as_of=format_instant(bar.open_time + width + _ANSWER),
        )
        for bar in shown
        if bar.open_time >= since
    ]


def make_documents(
    bars: Iterable[Bar], delay: timedelta = timedelta(seconds=1), windows: Windows | None = None
) -> Iterator[Document]:
    """The documents of one instrument's bars, as if the pipeline had begun with the first.

    Args:
        bars: oldest first.
        delay: from the provider's word to the arrival in the stream.
        windows: of the moving averages; those of the contract where there are none.
    """
    windows = windows or Windows()
    shown = list(bars)
    lookbacks = Lookbacks(shown, windows)
    for position, bar in enumerate(shown):
        arrived = format_instant(parse_instant(bar.as_of) + delay)
        record = encode_record(bar, lookbacks.before(position))
        document: Document = orjson.loads(enrich(record, arrived, windows))
        yield document
