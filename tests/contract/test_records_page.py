"""docs/records.md: a bar of the invented market, as the producer sends and the transform delivers it."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.publishing.publication import plan_publications
from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream.records import encode_record
from stockstream.times import format_time
from stockstream.windows import Windows
from stockstream_local.market import invented as market
from transform.documents import enrich

ROOT = Path(__file__).parents[2]
AS_OF, ARRIVED_AT = "2026-11-23T11:14:21.103Z", "2026-11-23T11:14:22.285Z"


def read_example(schema: str) -> Any:
    text = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"`{re.escape(schema)}`[^\n]*:\n\n```json\n(.*?)```", text, re.DOTALL)
    return json.loads(block.replace("…", "null"))


def make_record() -> bytes:
    """What the producer sends of the newest bar that has ended, in its first run."""
    moment = datetime.fromisoformat(AS_OF)
    shown = {
        format_time(bar.open_time): Ohlcv(bar.open, bar.high, bar.low, bar.close, float(bar.volume or 0))
        for bar in market.bars(parse_instrument("IBM"), "1min", moment, 100)
        if bar.open_time + timedelta(minutes=1) <= moment
    }
    newest = plan_publications(shown, Tail(), Windows())[-1]
    bar = Bar("IBM", "equity", "1min", newest.open_time, *newest.numbers, "replay", AS_OF)
    return encode_record(bar, newest.lookback)


def test_the_record_is_what_the_producer_sends_and_a_gap_stands_for_the_middle() -> None:
    shown, record = read_example("bar.v1"), json.loads(make_record())
    columns, sent = shown.pop("lookback"), record.pop("lookback")

    assert shown == record
    assert columns.keys() == sent.keys()
    for name, column in columns.items():
        (gap,) = [position for position, value in enumerate(column) if value is None]
        assert (column[:gap], column[gap + 1 :]) == (sent[name][:gap], sent[name][gap + 1 - len(column) :]), (
            name
        )


def test_the_document_is_what_the_transform_makes_of_it_in_the_same_order() -> None:
    shown = read_example("enriched.v1")
    document = json.loads(enrich(make_record(), ARRIVED_AT, Windows()))

    assert list(shown) == list(document)
    for name, value in document.items():
        # Another machine's logarithm may end in another digit.
        assert shown[name] == (pytest.approx(value, rel=1e-12) if type(value) is float else value), name
