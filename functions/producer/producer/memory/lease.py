"""The lease: while a run holds the ledger, no other run asks the provider."""

from datetime import datetime

from producer.memory.ledger_item import LeaseHeldError, LedgerItem, VersionedLedger
from producer.planning.ledger import Ledger
from stockstream.observability import logger


def take_lease(
    item: LedgerItem, read: VersionedLedger, reserved: Ledger, now: datetime, until: datetime
) -> VersionedLedger:
    """Takes the lease, if no run holds it.

    Args:
        item: the ledger's item.
        read: the ledger as it was read.
        reserved: the ledger to write, in which all that the run may spend counts as spent. If the run dies,
            this ledger stands.
        now: UTC.
        until: when the lease ends by itself.

    Raises:
        LeaseHeldError: another run holds it, or has written the ledger since it was read.
    """
    if read.held_until > now:
        raise LeaseHeldError(f"another run holds the ledger until {read.held_until.isoformat()}")
    return item.write(reserved, until, read.version)


def release_lease(item: LedgerItem, ledger: Ledger, now: datetime, version: int) -> None:
    """Writes the ledger over the version that take_lease wrote, and ends the lease.

    A lease ends when the function's time does. If another run has taken it all the same, the ledger of that
    run stands: it counts what this run has spent.
    """
    try:
        item.write(ledger, now, version)
    except LeaseHeldError as error:
        logger.error("lease lost", detail=str(error))
