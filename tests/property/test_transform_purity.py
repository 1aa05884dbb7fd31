"""A record gives the same document whatever batch, order, repetition or process it comes in."""

import json
import os
import random
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from stockstream.bars import Bar
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.firehose import transform_records

EVENTS = Path(__file__).parents[2] / "events"


def make_day(length: int) -> list[dict[str, Any]]:
    """A day as it would arrive: each bar with the look-back that it had."""
    chance = random.Random(length)
    bars: list[Bar] = []
    records = []
    for minute in range(length):
        open_, close = chance.uniform(99, 101), chance.uniform(99, 101)
        bar = Bar(
            "IBM", "equity", "1min", f"2026-11-20T{14 + minute // 60}:{minute % 60:02}:00Z",
            open_, max(open_, close), min(open_, close), close, float(chance.randrange(1000)),
            "replay", "2026-11-20T21:00:05.123Z",
        )  # fmt: skip
        lookback = Lookbacks(bars, Windows()).before(len(bars))
        bars.append(bar)
        records.append(
            {
                "recordId": str(minute),
                "data": b64encode(encode_record(bar, lookback)).decode(),
                "approximateArrivalTimestamp": 1_795_000_000_000 + minute,
            }
        )
    # Rubbish among them must neither change its neighbours nor be changed.
    records.append({"recordId": "rubbish", "data": "####"})
    return records


DAY = make_day(240)
WHOLE = {entry["recordId"]: entry for entry in transform_records(DAY, Windows())[0]}


@given(st.data())
@settings(max_examples=examples(25))
def test_any_split_shuffle_and_repetition_gives_the_same_documents(data: st.DataObject) -> None:
    delivered = data.draw(st.permutations(DAY + data.draw(st.lists(st.sampled_from(DAY), max_size=60))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(delivered) - 1), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(delivered)], strict=True):
        entries, _ = transform_records(delivered[start:end], Windows())
        assert entries == [WHOLE[record["recordId"]] for record in delivered[start:end]]


def test_the_event_is_left_as_it_was() -> None:
    records = make_day(3)
    transform_records(records, Windows())
    assert records == make_day(3)


@pytest.mark.parametrize("name", ["firehose-good.json", "firehose-mixed.json"])
def test_another_process_gives_the_same_bytes(name: str) -> None:
    program = (
        "import json, sys\n"
        "from stockstream.windows import Windows\n"
        "from transform.firehose import transform_records\n"
        "print(json.dumps(transform_records(json.load(sys.stdin)['records'], Windows())[0]))"
    )
    event = (EVENTS / name).read_text(encoding="utf-8")
    answers = {
        subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", program],
            input=event,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    expected, _ = transform_records(json.loads(event)["records"], Windows())
    assert [expected] == [json.loads(answer) for answer in answers]
