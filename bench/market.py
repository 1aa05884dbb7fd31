"""Events for the benchmark: a trading day of bars as Firehose would send it."""

import random
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from stockstream.bars import Bar
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def make_day(bars: int = 390, longest: int = 199) -> list[bytes]:
    """The stream records of one instrument's day, each with a look-back of so many closes."""
    chance = random.Random(7)
    price, day = 276.0, []
    for minute in range(longest + bars):
        prices = [price := round(price * (1 + chance.gauss(0, 0.0005)), 4) for _ in range(4)]
        opened = OPEN + timedelta(minutes=minute - longest)
        low, high = min(prices), max(prices)
        day.append(
            Bar(
                "IBM",
                "equity",
                "1min",
                format_time(opened),
                prices[0],
                high,
                low,
                prices[-1],
                float(chance.randrange(100, 90_000)),
                "replay",
                format_instant(opened + timedelta(seconds=65)),
            )
        )
    # Records of the last bars; with a shorter look-back, those of a run that began so much later.
    return [
        encode_record(bar, Lookbacks(day[number - longest : number], Windows()).before(longest))
        for number, bar in list(enumerate(day))[longest:]
    ]


def make_event(records: list[bytes]) -> dict[str, Any]:
    """What Firehose sends of these records."""
    arrived = int(OPEN.timestamp() * 1000)
    return {
        "invocationId": "0f4c2a9e-3f0b-4a9e-8d53-6f1f4a1f1b1d",
        "sourceKinesisStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/BarStream",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/BarDelivery",
        "region": "us-east-1",
        "records": [
            {
                "recordId": f"{4965812345678901234567890123456789012345678901234567 + number}0000",
                "approximateArrivalTimestamp": arrived + 60_000 * number,
                "data": b64encode(data).decode(),
                "kinesisRecordMetadata": {
                    "sequenceNumber": f"{4965812345678901234567890123456789012345678901234567 + number}",
                    "subsequenceNumber": 0,
                    "partitionKey": "IBM",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": arrived + 60_000 * number,
                },
            }
            for number, data in enumerate(records)
        ],
    }
