"""The promise, broken on purpose: a drill that does not notice proves nothing."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from math import inf
from typing import Any
from unittest.mock import patch

from producer.memory import lease
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem, VersionedLedger
from producer.planning.ledger import Ledger
from producer.providers.api_key import ApiKey
from producer.publishing.post import Post
from producer.publishing.sending import Piece
from stockstream.bar_stream import BarStream, KeyedRecord

_at_version = InstrumentTable._at_version  # noqa: SLF001 (what is broken here)
_put_together = BarStream.put_together


def _remember_before_put(self: Post, parcel: Sequence[Piece], deadline: float) -> None:
    for piece in parcel:
        self._remember([piece], [range(len(piece.publications))], deadline)
        self.put([piece], deadline)
        piece.sending.published.unsent = 0


def _without_condition(self: InstrumentTable, *arguments: Any) -> Any:
    put = _at_version(self, *arguments)
    return {name: value for name, value in put.items() if name in {"TableName", "Item"}}


def _take_lease_for_ever(
    item: LedgerItem, read: VersionedLedger, reserved: Ledger, now: datetime, until: datetime
) -> VersionedLedger:
    return lease.take_lease(item, read, reserved, now, until + timedelta(days=3650))


def _put_until_all_is_taken(self: BarStream, records: Sequence[KeyedRecord], _deadline: float) -> set[int]:
    return _put_together(self, records, inf)


BROKEN: Mapping[str, Callable[[], AbstractContextManager[object]]] = {
    "a bar is remembered before it is put": lambda: patch.object(Post, "send", _remember_before_put),
    "a tail is written without a condition": lambda: patch.object(
        InstrumentTable, "_at_version", _without_condition
    ),
    "a lease never ends": lambda: patch("producer.production.take_lease", _take_lease_for_ever),
    "a put knows no end of its time": lambda: patch.object(
        BarStream, "put_together", _put_until_all_is_taken
    ),
    "a put ends at an error that passes": lambda: patch(
        "stockstream.bar_stream._passes", lambda _error: False
    ),
    "a repeated write takes itself for a rival": lambda: patch(
        "producer.memory.ledger_item.cast", lambda _kind, _response: {}
    ),
    "a key that was replaced is not read again": lambda: patch.object(
        ApiKey, "_is_replaced", lambda _self, _key: False
    ),
    "one tail that cannot be reached ends the run": lambda: patch(
        "producer.memory.instrument_table._reached", lambda _keys: nullcontext()
    ),
}
