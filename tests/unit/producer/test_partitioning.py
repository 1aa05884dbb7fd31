"""Which partition an event is about. By their names alone AAPL is in 1 of 2, IBM and MSFT are in 2 of 2."""

from collections.abc import Mapping, Sequence

import pytest

from producer.backfill import Backfill, BackfillError
from producer.memory.ledger_item import LeaseHeldError
from producer.partitioning import PartitionError, backfill_each, read_partition
from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instruments
from stockstream.partitions import Partition

MONTH = Backfill(parse_instruments("IBM,AAPL,MSFT"), "2026-10")


class Runs:
    """Sends three bars of each instrument, or raises what a partition is set to."""

    def __init__(self, **refusals: Exception) -> None:
        self.refusals = refusals
        self.asked: list[tuple[Partition, list[str]]] = []

    def __call__(self, partition: Partition, instruments: Sequence[Instrument]) -> Mapping[str, object]:
        self.asked.append((partition, [each.name for each in instruments]))
        if error := self.refusals.get(f"of_{partition.number}"):
            raise error
        return {each.name: {"sent": 3} for each in instruments}


@pytest.mark.parametrize(
    ("event", "of", "partition"),
    [
        ({}, 1, Partition(1, 1)),
        ({}, 4, Partition(1, 4)),
        ({"partition": 1}, 4, Partition(1, 4)),
        ({"partition": 4}, 4, Partition(4, 4)),
        ({"partition": 8}, 8, Partition(8, 8)),
    ],
)
def test_the_schedule_names_a_partition_or_means_the_first(
    event: dict[str, object], of: int, partition: Partition
) -> None:
    assert read_partition(event, of) == partition


@pytest.mark.parametrize("number", [5, 8])
def test_a_partition_of_a_former_division_is_none(number: int) -> None:
    assert read_partition({"partition": number}, 4) is None


@pytest.mark.parametrize("number", [0, -1, 9, "2", 1.0, True, None])
def test_what_is_no_number_of_a_partition_is_refused(number: object) -> None:
    with pytest.raises(PartitionError, match=r'write it as {"partition": 1}, with a number from 1 to 4'):
        read_partition({"partition": number}, 4)


def test_a_month_is_sent_by_each_partition_that_holds_some_of_its_instruments() -> None:
    runs = Runs()

    sent = backfill_each(MONTH, 2, runs)

    assert runs.asked == [(Partition(1, 2), ["AAPL"]), (Partition(2, 2), ["IBM", "MSFT"])]
    assert sent == {"AAPL": {"sent": 3}, "IBM": {"sent": 3}, "MSFT": {"sent": 3}}


def test_a_partition_that_holds_none_of_them_is_not_asked() -> None:
    runs = Runs()

    backfill_each(Backfill(parse_instruments("IBM,MSFT"), "2026-10"), 2, runs)

    assert runs.asked == [(Partition(2, 2), ["IBM", "MSFT"])]


@pytest.mark.parametrize(
    "error", [BackfillError("too few"), InstrumentError("not followed"), LeaseHeldError("held")], ids=repr
)
def test_where_one_partition_can_send_nothing_now_the_other_sends_and_the_reason_is_told(
    error: Exception,
) -> None:
    for number, refused in ((1, ["AAPL"]), (2, ["IBM", "MSFT"])):
        sent = backfill_each(MONTH, 2, Runs(**{f"of_{number}": error}))

        assert sent == {
            name: {"sent": 0, "reason": str(error)} if name in refused else {"sent": 3}
            for name in ("AAPL", "IBM", "MSFT")
        }


def test_where_none_can_the_backfill_fails() -> None:
    with pytest.raises(LeaseHeldError):
        backfill_each(MONTH, 2, Runs(of_1=BackfillError("too few"), of_2=LeaseHeldError("held")))


def test_what_is_no_refusal_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        backfill_each(MONTH, 2, Runs(of_2=KeyError("a fault of ours")))
