"""A change of division: what a partition takes over from the ledgers of those before it. Pure.

Each partition has a ledger. When their number changes, nobody moves the entries: a partition begins with
those of its own instruments, each from the newest ledger of a partition that has the instrument. That ledger
is of the former division, or of an older one where a partition of the former has never had a run.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from producer.planning.ledger import Ledger
from stockstream.partitions import PARTITIONS, Partition, number_of

_FINEST = PARTITIONS[-1]
_NEVER = datetime.min.replace(tzinfo=UTC)


def take_over(partition: Partition, known: Mapping[Partition, Ledger]) -> Ledger:
    """The ledger with which a partition begins.

    What the provider said of all requests counts for each partition that begins. What was spent goes to one
    of those that share a ledger, so that the sum stays the same.

    Args:
        partition: which.
        known: the ledgers of the partitions that it meets, its own too if there is one, the newest first.
    """
    # Each part of the finest division lies within one partition of any other: one ledger has all of it.
    homes = {
        part.number: home
        for part in (Partition(number, _FINEST) for number in range(1, _FINEST + 1))
        if part.meets(partition) and (home := next(filter(part.meets, known), None))
    }
    ledgers = {home: known[home] for home in homes.values()}
    if not ledgers:
        return Ledger()

    def is_taken(name: str, home: Partition) -> bool:
        return homes.get(number_of(name, _FINEST)) == home

    day = max(ledger.day for ledger in ledgers.values())
    silent = max(ledgers.values(), key=lambda ledger: ledger.unanswered_at or _NEVER)
    return Ledger(
        day=day,
        spent=sum(
            ledger.spent
            for home, ledger in ledgers.items()
            if ledger.day == day and (home.number - partition.number) % partition.of == 0
        ),
        stopped_until=max(filter(None, (each.stopped_until for each in ledgers.values())), default=None),
        instruments={
            name: state
            for home, ledger in ledgers.items()
            for name, state in ledger.instruments.items()
            if is_taken(name, home)
        },
        unanswered=silent.unanswered,
        unanswered_at=silent.unanswered_at,
        # What names a month begins with its instrument.
        history={
            month: since
            for home, ledger in ledgers.items()
            for month, since in ledger.history.items()
            if is_taken(month.partition("|")[0], home)
        },
    )
