"""What the producer and the commands on this machine both know of the InstrumentTable's items."""

from stockstream.partitions import WHOLE, Partition

# In the ledger's item: until when a run may be under way, a number of seconds since 1970.
HELD_UNTIL = "held_until"


def ledger_key(source: str, partition: Partition = WHOLE) -> str:
    """The key of the item that holds the ledger of the requests for a partition.

    Args:
        source: the provider, as the setting PROVIDER names it.
        partition: whose instruments are asked for.
    """
    name = f"ledger|{source}"
    return name if partition == WHOLE else f"{name}|{partition.number} of {partition.of}"
