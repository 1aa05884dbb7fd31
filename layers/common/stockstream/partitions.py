"""Partitions: how the instruments are divided among the runs of the producer in one minute.

An instrument's partition follows from its name alone, so that no other moves when a list grows or shrinks.
Each number of partitions divides the next greater one: with four in the place of two, each is cut in halves.
"""

from typing import NamedTuple
from zlib import crc32

# What ProducerPartitions may be.
PARTITIONS = (1, 2, 4, 8)


class Partition(NamedTuple):
    """One of the partitions.

    Attributes:
        number: which; the first is 1.
        of: how many there are, one of PARTITIONS.
    """

    number: int
    of: int

    def holds(self, name: str) -> bool:
        """Whether an instrument of this name is in it."""
        return number_of(name, self.of) == self.number

    def share_of(self, requests: int) -> int:
        """How many of a plan's requests a minute are its own; what is left over goes to the first ones."""
        return requests // self.of + (self.number <= requests % self.of)

    def meets(self, other: "Partition") -> bool:
        """Whether the two can have an instrument in common."""
        return (self.number - other.number) % min(self.of, other.of) == 0


WHOLE = Partition(1, 1)


def number_of(name: str, of: int) -> int:
    """The number of the partition that an instrument is in, of so many."""
    # Python's own hash() differs from process to process.
    return crc32(name.encode()) % of + 1


def every_partition() -> list[Partition]:
    """The partitions of all divisions that there can be."""
    return [Partition(number, of) for of in PARTITIONS for number in range(1, of + 1)]
