"""The number of partitions changes in mid-session: no bar is lost or comes twice, nothing is told anew.

The producer is the real one, with its real ledger in a table of items, and a container for each partition.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from minutes_of_a_producer import MINUTE, World, utc

from producer.memory.ledger_item import LedgerItem
from producer.planning.planner import Plan
from producer.production import Producer
from stockstream.partitions import WHOLE, Partition

# Two in each partition of four, by the names alone: AAPL and ORCL, META and XOM, AMZN and WMT, IBM and MSFT.
NAMES = ["AAPL", "AMZN", "IBM", "META", "MSFT", "ORCL", "WMT", "XOM"]
UNKNOWN = "XYZ"
OPENING = utc(20, 14, 30)


class RefusedError(Exception):
    """What boto3 raises where the condition of a write does not hold."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__()
        self.response = {"Item": item}


class Items:
    """What DynamoDB's client does for a ledger."""

    class exceptions:  # noqa: N801 (boto3's)
        ConditionalCheckFailedException = RefusedError

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        item = self.kept.get(Key["key"]["S"])
        return {"Item": item} if item else {}

    def batch_get_item(self, *, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        ((table, asked),) = RequestItems.items()
        keys = [each["key"]["S"] for each in asked["Keys"]]
        return {"Responses": {table: [self.kept[key] for key in keys if key in self.kept]}}

    def put_item(self, *, Item: Any, ExpressionAttributeValues: Any, **_: Any) -> None:  # noqa: N803
        key = Item["key"]["S"]
        if key in self.kept and self.kept[key]["version"] != ExpressionAttributeValues[":read"]:
            raise RefusedError(self.kept[key])
        self.kept[key] = Item


class Divided:
    """A world whose list is divided, now so and now otherwise."""

    def __init__(self, hours: int = 6) -> None:
        names = ",".join([*NAMES, UNKNOWN])
        span = (utc(9, 0), OPENING + timedelta(hours=hours))
        self.world = World(names, Plan(None, 40), span, alpaca=True, silent=[UNKNOWN])
        self.items = Items()
        self.producers: dict[Partition, Producer] = {}

    def deploy(self, of: int) -> None:
        """Each partition gets a container that remembers nothing."""
        self.producers = {each: self.container(each) for each in (Partition(n, of) for n in range(1, of + 1))}

    def container(self, partition: Partition) -> Producer:
        whole, items = self.world.new_container(), self.items
        mine = tuple(each for each in self.world.instruments if partition.holds(each.name))
        return replace(
            whole,
            watchlist=replace(whole.watchlist, instruments=mine),
            ledger_item=LedgerItem(items, "table", "alpaca", partition),  # type: ignore[arg-type]  # a fake
            plan=whole.plan._replace(requests_per_minute=partition.share_of(40), partitions=partition.of),
        )

    def run(self, first: int, last: int, without: Iterable[int] = ()) -> None:
        """Runs every partition in each minute after the opening, but for those without a schedule."""
        for minute in range(first, last):
            for partition, producer in self.producers.items():
                if partition.number not in without:
                    self.world.clock.now = (
                        OPENING + minute * MINUTE + timedelta(seconds=20 + partition.number)
                    )
                    producer.run(seconds=45)


@pytest.fixture
def divided() -> Divided:
    return Divided()


def test_each_bar_comes_once_while_the_number_goes_from_1_to_4_to_2_to_1(
    divided: Divided, log: StringIO
) -> None:
    world = divided.world
    divided.deploy(1)
    divided.run(0, 40)
    # Nobody runs for a while, and one partition's schedule comes late; another's never does.
    divided.deploy(4)
    divided.run(55, 70, without=(3, 4))
    divided.run(70, 90, without=(4,))
    divided.deploy(2)
    divided.run(95, 130)
    world.stream.refuses = True
    divided.run(130, 133)
    world.stream.refuses = False
    # Back at numbers that have ledgers of before.
    divided.deploy(4)
    divided.run(140, 150)
    divided.deploy(1)
    divided.run(160, 200)

    end = OPENING + 199 * MINUTE
    for name in NAMES:
        assert world.missing(name, OPENING, end) == []
        assert world.broken_lookbacks(name) == []
        ids = [record["id"] for record in world.stream.of_instrument(name)]
        assert len(ids) == len(set(ids)), name
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["instrument"] for line in lines if line["message"] == "instrument silent"] == [UNKNOWN]
    assert [line["message"] for line in lines if line["message"] in {"hole found", "lease lost"}] == []


def test_no_change_asks_for_more_than_what_is_new(divided: Divided) -> None:
    divided.deploy(1)
    divided.run(0, 30)
    begun = len(divided.world.server.asked)
    for of, minute in ((8, 30), (2, 40), (4, 50), (1, 60)):
        divided.deploy(of)
        divided.run(minute, minute + 10)

    asked = [
        parameters
        for _, parameters in divided.world.server.asked[begun:]
        if UNKNOWN not in parameters["symbols"].split(",")
    ]
    # Twenty bars are shown again for their revisions, and the day began half an hour before.
    assert len(asked) >= 40
    assert min(each["start"] for each in asked) >= "2026-11-20T14:00:00Z"


def test_the_rest_of_a_month_goes_on_in_the_partition_that_has_the_instrument(divided: Divided) -> None:
    world = divided.world
    divided.deploy(1)
    world.clock.now = OPENING
    (ibm,) = [each for each in world.instruments if each.name == "IBM"]
    world.stream.room = 100
    first = divided.producers[WHOLE].backfill([ibm], "2026-11", seconds=3600)["IBM"]
    world.stream.room = 100_000

    divided.deploy(4)
    world.clock.now = OPENING + timedelta(seconds=10)
    (producer,) = [producer for each, producer in divided.producers.items() if each.holds("IBM")]
    rest = producer.backfill([ibm], "2026-11", seconds=3600)["IBM"]

    assert (first["sent"], rest) == (100, {"sent": first["left"]})


def test_a_run_of_the_former_division_that_is_at_work_is_waited_for(divided: Divided) -> None:
    divided.deploy(1)
    divided.run(0, 5)
    before = divided.producers[WHOLE].ledger_item
    read = before.read()
    held_until = OPENING + 5 * MINUTE + timedelta(seconds=50)
    before.write(read.ledger, held_until, read.version)

    divided.deploy(2)
    sent = len(divided.world.stream.records)
    divided.run(5, 6)
    assert len(divided.world.stream.records) == sent
    divided.run(6, 7)
    # The bars of two minutes.
    assert len(divided.world.stream.records) == sent + 2 * len(NAMES)


def test_one_partition_reads_and_writes_the_item_that_there_always_was(divided: Divided) -> None:
    divided.deploy(1)
    divided.run(0, 3)
    assert list(divided.items.kept) == ["ledger|alpaca"]

    divided.deploy(2)
    divided.run(3, 6)
    assert list(divided.items.kept) == ["ledger|alpaca", "ledger|alpaca|1 of 2", "ledger|alpaca|2 of 2"]
