"""The event that asks for history: `{"backfill": {"instruments": ["IBM"], "month": "2026-10"}}`."""

from collections.abc import Mapping
from datetime import UTC
from typing import NamedTuple

from producer.providers.answers import month_bounds
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments


class BackfillError(StockstreamError):
    """The event asks for history in a form that we do not know; the text says which is right."""


class Backfill(NamedTuple):
    """What is asked for."""

    instruments: tuple[Instrument, ...]
    month: str


def read_backfill(event: Mapping[str, object]) -> Backfill | None:
    """The history that an event asks for; None for the schedule's event.

    Raises:
        StockstreamError: what it asks for cannot be understood; the text names it.
    """
    asked = event.get("backfill")
    if asked is None:
        return None
    match asked:
        case {"instruments": [*names], "month": str(month)} if all(isinstance(name, str) for name in names):
            month_bounds(month, UTC)
            return Backfill(parse_instruments(",".join(names)), month)
    raise BackfillError('write it as {"backfill": {"instruments": ["IBM"], "month": "2026-10"}}')
