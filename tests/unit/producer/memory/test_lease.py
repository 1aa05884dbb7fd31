"""The lease, on an item that lives in memory."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.memory.lease import release_lease, take_lease
from producer.memory.ledger_item import LeaseHeldError, VersionedLedger
from producer.planning.ledger import Ledger

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=45)


class FakeItem:
    def __init__(self) -> None:
        self.kept = VersionedLedger(Ledger())

    def write(self, ledger: Ledger, held_until: datetime, read_version: int) -> VersionedLedger:
        if self.kept.version != read_version:
            raise LeaseHeldError("another run has taken the ledger meanwhile")
        self.kept = VersionedLedger(ledger, read_version + 1, held_until)
        return self.kept


def take(item: FakeItem, read: VersionedLedger, now: datetime = NOW) -> VersionedLedger:
    reserved = read.ledger.spend(10)
    return take_lease(item, read, reserved, now, UNTIL)  # type: ignore[arg-type]  # a fake


def test_a_held_lease_counts_what_the_run_may_spend_until_it_is_released() -> None:
    item = FakeItem()

    held = take(item, item.kept)
    assert item.kept == VersionedLedger(Ledger(spent=10), 1, UNTIL)

    release_lease(item, Ledger(spent=3), NOW, held.version)  # type: ignore[arg-type]  # a fake
    assert item.kept == VersionedLedger(Ledger(spent=3), 2, NOW)


def test_no_run_takes_a_lease_that_another_holds_and_any_takes_one_that_has_ended() -> None:
    item = FakeItem()
    take(item, item.kept)

    with pytest.raises(LeaseHeldError, match="2026-11-20T15:00:45"):
        take(item, item.kept, UNTIL - timedelta(seconds=1))
    assert take(item, item.kept, UNTIL).version == 2


def test_of_two_runs_that_read_the_same_ledger_one_takes_the_lease() -> None:
    item = FakeItem()
    read = item.kept
    take(item, read)

    with pytest.raises(LeaseHeldError, match="meanwhile"):
        take(item, read)


def test_a_lease_that_another_run_took_over_is_logged_and_its_ledger_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    item = FakeItem()
    first = take(item, item.kept)
    second = take(item, item.kept, UNTIL)

    release_lease(item, Ledger(spent=3), UNTIL, first.version)  # type: ignore[arg-type]  # a fake

    assert item.kept == second
    assert [record.message for record in caplog.records] == ["lease lost"]
