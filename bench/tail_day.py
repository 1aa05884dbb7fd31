"""A day of one instrument for `make bench-tail`: what the table, the stream and the transform have to do."""

import gzip
import math
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pybase64
from tail_markets import Market

from producer.memory.instrument_table import InstrumentTable
from producer.providers.answers import BARS_PER_ANSWER
from producer.publishing.publication import Publication, advance, plan_publications
from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.firehose import transform_records

WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096
# From here on the tail is full, and the day counts.
FIRST_COUNTED = 300
WINDOWS = Windows()


class CountingDynamoDB:
    """A DynamoDB client with one table in memory, that counts what AWS would bill."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self.exceptions = SimpleNamespace(
            ConditionalCheckFailedException=KeyError, TransactionConflictException=KeyError
        )
        self.start()

    def start(self) -> None:
        """Counts from 0."""
        self.read_units = self.write_units = 0
        self.sizes: dict[str, list[int]] = {"head": [], "base": []}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 (boto3's shape)
        """Reads items, strongly consistent; each is rounded up by itself."""
        ((table, asked),) = request["RequestItems"].items()
        items = [self._items.get(each["key"]["S"]) for each in asked["Keys"]]
        self.read_units += sum(max(1, math.ceil(item_bytes(item or {}) / READ_UNIT_BYTES)) for item in items)
        return {"Responses": {table: [item for item in items if item]}}

    def put_item(self, **request: Any) -> None:  # noqa: ANN401 (boto3's shape)
        """Writes an item."""
        self._put(request["Item"], factor=1)

    def transact_write_items(self, **request: Any) -> None:  # noqa: ANN401 (boto3's shape)
        """Writes items, at twice the price."""
        for action in request["TransactItems"]:
            self._put(action["Put"]["Item"], factor=2)

    def _put(self, item: dict[str, Any], factor: int) -> None:
        key = item["key"]["S"]
        # Billed by the larger of what was there and what comes.
        size = max(item_bytes(item), item_bytes(self._items.get(key, {})))
        self.write_units += factor * math.ceil(size / WRITE_UNIT_BYTES)
        self.sizes["base" if key.endswith("|base") else "head"].append(item_bytes(item))
        self._items[key] = item


def item_bytes(item: dict[str, Any]) -> int:
    """The size that DynamoDB bills: names and values; a number takes a byte for two digits, and one more."""
    size = 0
    for name, attribute in item.items():
        ((kind, value),) = attribute.items()
        size += len(name) + (math.ceil(len(value) / 2) + 1 if kind == "N" else len(value))
    return size


@dataclass(frozen=True, slots=True)
class Day:
    """What a day's bars took: in DynamoDB's units, bytes, and seconds of a processor."""

    name: str
    bars: int
    read_units: int
    write_units: int
    sizes: dict[str, list[int]]
    records: list[bytes]
    producer_seconds: float
    transform_seconds: float
    stored_bytes: int


def run_day(market: Market) -> Day:
    """Sends a market's bars as a provider shows them, the newest 100 each minute, and transforms them."""
    database = CountingDynamoDB()
    table = InstrumentTable(database, "instruments")  # type: ignore[arg-type]  # it counts
    rows = list(market.bars.items())
    records: list[bytes] = []
    began = 0.0
    for end in range(BARS_PER_ANSWER, len(rows) + 1):
        if end == FIRST_COUNTED:
            database.start()
            records.clear()
            began = time.process_time()
        shown = dict(rows[end - BARS_PER_ANSWER : end])
        tail, version = table.read_tail(market.instrument, "1min")
        publications = plan_publications(shown, tail, WINDOWS)
        records += [_encode(publication, market.instrument) for publication in publications]
        tail = advance(tail, publications, range(len(publications)), WINDOWS)
        table.write_tail(market.instrument, "1min", tail, version)
    producer_seconds = time.process_time() - began
    transform_seconds, stored_bytes = _transform(records)
    return Day(
        market.name,
        len(records),
        database.read_units,
        database.write_units,
        database.sizes,
        records,
        producer_seconds,
        transform_seconds,
        stored_bytes,
    )


def _encode(publication: Publication, instrument: str) -> bytes:
    bar = Bar(
        instrument=instrument,
        asset_class=parse_instrument(instrument).asset_class,
        interval="1min",
        open_time=publication.open_time,
        **publication.numbers._asdict(),
        source="alphavantage",
        as_of=f"{publication.open_time[:-1]}.123Z",
    )
    return encode_record(bar, publication.lookback)


def _transform(records: list[bytes]) -> tuple[float, int]:
    """The best of three runs' seconds, and the bytes of all documents in one compressed file."""
    event: list[dict[str, Any]] = [
        {
            "recordId": str(position),
            "data": pybase64.b64encode_as_string(record),
            "approximateArrivalTimestamp": 1795208340000 + position,
        }
        for position, record in enumerate(records)
    ]
    seconds = []
    for _ in range(3):
        began = time.process_time()
        answer, rejections = transform_records(event, WINDOWS)
        seconds.append(time.process_time() - began)
    if rejections:
        raise SystemExit(f"the transform refused {rejections[0]}")
    documents = b"".join(pybase64.b64decode(record["data"]) for record in answer)
    return min(seconds), len(gzip.compress(documents))
