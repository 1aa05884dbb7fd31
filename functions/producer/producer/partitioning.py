"""Which partition an event is about: the schedule names one, a backfill's instruments may lie in several."""

from collections.abc import Callable, Mapping, Sequence

from producer.backfill import Backfill, BackfillError
from producer.memory.ledger_item import LeaseHeldError
from stockstream.errors import InstrumentError, StockstreamError
from stockstream.instruments import Instrument
from stockstream.partitions import PARTITIONS, Partition, number_of


class PartitionError(StockstreamError):
    """The event names a partition in a form that we do not know; the text says which is right."""


def read_partition(event: Mapping[str, object], of: int) -> Partition | None:
    """The partition that an event is about; the first where it names none.

    Args:
        event: of the schedule.
        of: how many there are.

    Returns:
        None where that partition is gone: a schedule that a deployment removes may still start a run.

    Raises:
        PartitionError: no number of a partition stands there.
    """
    number = event.get("partition", 1)
    if type(number) is not int or not 1 <= number <= PARTITIONS[-1]:
        raise PartitionError(f'write it as {{"partition": 1}}, with a number from 1 to {of}')
    return Partition(number, of) if number <= of else None


def backfill_each(
    backfill: Backfill,
    of: int,
    send: Callable[[Partition, Sequence[Instrument]], Mapping[str, object]],
) -> Mapping[str, object]:
    """Has a month of history sent by each partition that holds some of its instruments, one after the other.

    Args:
        backfill: what is asked for.
        of: how many partitions there are.
        send: has the month of a partition's instruments sent, and says what became of each.

    Returns:
        What became of each instrument's month. Those of a partition that could send nothing have the reason.

    Raises:
        BackfillError, InstrumentError, LeaseHeldError: no partition could send anything.
    """
    sent: dict[str, object] = {}
    refused: dict[str, object] = {}
    reason: StockstreamError | None = None
    for number in sorted({number_of(each.name, of) for each in backfill.instruments}):
        partition = Partition(number, of)
        instruments = [each for each in backfill.instruments if partition.holds(each.name)]
        try:
            sent |= send(partition, instruments)
        except (BackfillError, InstrumentError, LeaseHeldError) as error:
            reason = error
            refused |= {each.name: {"sent": 0, "reason": str(error)} for each in instruments}
    if reason and not sent:
        raise reason
    return sent | refused
