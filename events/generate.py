"""Writes events/firehose-*.json: what Firehose sends, made of records that the producer's encoder wrote.

Run `python events/generate.py` after a change of contract 1; a test keeps the files current.
"""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows

FOLDER = Path(__file__).parent
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
ACCOUNT = "123456789012"


def make_bars(instrument: str, start: float, digits: int, count: int) -> list[Bar]:
    """A session's bars by a random walk; the same bars each time."""
    chance = random.Random(instrument)
    price, bars = start, []
    for minute in range(count):
        prices = [price := round(price * (1 + chance.gauss(0, 0.0005)), digits) for _ in range(4)]
        opened = OPEN + timedelta(minutes=minute)
        bars.append(
            Bar(
                instrument=instrument,
                asset_class=parse_instrument(instrument).asset_class,
                interval="1min",
                open_time=format_time(opened),
                open=prices[0],
                high=max(prices),
                low=min(prices),
                close=prices[-1],
                volume=None if instrument.startswith("fx:") else float(chance.randrange(100, 90_000)),
                source="replay",
                as_of=format_instant(opened + timedelta(seconds=65, milliseconds=chance.randrange(1000))),
            )
        )
    return bars


def encode_last(bars: list[Bar]) -> bytes:
    """The stream record of the last bar, the bars before it being its look-back."""
    *before, bar = bars
    return encode_record(bar, Lookbacks(before, Windows()).before(len(before)))


def good_records() -> list[bytes]:
    """A full look-back, a market without volume, a young listing, and a third party's record."""
    ibm = make_bars("IBM", 276.0, 4, 240)
    alone = json.loads(encode_last(ibm[:1]))
    del alone["lookback"]
    return [
        encode_last(ibm),
        encode_last(make_bars("fx:EUR/USD", 1.0871, 5, 240)),
        encode_last(make_bars("crypto:BTC/USD", 91_250.0, 2, 8)),
        json.dumps(alone).encode(),
    ]


def bad_records() -> list[bytes]:
    """One record for each reason code but TOO_LARGE, in the order of the contract."""
    good = json.loads(encode_last(make_bars("IBM", 276.0, 4, 30)))

    def change(**fields: object) -> bytes:
        return json.dumps(good | fields).encode()

    return [
        encode_last(make_bars("IBM", 276.0, 4, 30))[:-40],  # MALFORMED_JSON
        change(schema="bar.v2"),  # UNKNOWN_SCHEMA
        json.dumps(
            {name: value for name, value in good.items() if name != "close"}
        ).encode(),  # MISSING_FIELD
        change(open=str(good["open"])),  # BAD_TYPE
        change(low=0),  # BAD_PRICE
        change(high=good["low"], low=good["high"]),  # HIGH_BELOW_LOW
        change(volume=-1),  # BAD_VOLUME
        change(open_time="2026-11-20 14:59:00"),  # BAD_TIME
        change(lookback=good["lookback"] | {"close": [276.0] * 200}),  # BAD_LOOKBACK
    ]


def kinesis_event(records: list[bytes]) -> dict[str, Any]:
    """The event of a delivery stream whose source is a Kinesis stream."""

    def wrap(number: int, data: bytes) -> dict[str, Any]:
        arrived = int(OPEN.timestamp() * 1000) + 14_400_000 + 37 * number
        sequence = 49658123456789012345678901234567890123456789012345678914 + 7 * number
        return {
            "recordId": f"{sequence}0000",
            "approximateArrivalTimestamp": arrived,
            "data": b64encode(data).decode(),
            "kinesisRecordMetadata": {
                "sequenceNumber": str(sequence),
                "subsequenceNumber": 0,
                "partitionKey": "IBM",
                "shardId": "shardId-000000000000",
                "approximateArrivalTimestamp": arrived,
            },
        }

    return {
        "invocationId": "0f4c2a9e-3f0b-4a9e-8d53-6f1f4a1f1b1d",
        "sourceKinesisStreamArn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stockstream-BarStream",
        "deliveryStreamArn": f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/stockstream-BarDelivery",
        "region": "us-east-1",
        "records": [wrap(number, data) for number, data in enumerate(records)],
    }


def direct_put_event(records: list[bytes]) -> dict[str, Any]:
    """The event of a delivery stream that is written to directly: no stream, no metadata."""
    event = kinesis_event(records)
    del event["sourceKinesisStreamArn"]
    for record in event["records"]:
        del record["kinesisRecordMetadata"]
    return event


def mix(good: list[bytes], bad: list[bytes]) -> Iterator[bytes]:
    """Each bad record between good ones."""
    for number, data in enumerate(bad):
        yield good[number % len(good)]
        yield data
    yield good[0]


EVENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "firehose-good.json": lambda: kinesis_event(good_records()),
    "firehose-bad.json": lambda: kinesis_event(bad_records()),
    "firehose-mixed.json": lambda: kinesis_event(list(mix(good_records(), bad_records()))),
    "firehose-direct-put.json": lambda: direct_put_event(good_records()),
}


if __name__ == "__main__":
    for name, make in EVENTS.items():
        (FOLDER / name).write_text(json.dumps(make(), indent=2) + "\n", encoding="utf-8")
