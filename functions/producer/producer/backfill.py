"""The event that asks for history: `{"backfill": {"instruments": ["IBM"], "month": "2026-10"}}`."""

from collections.abc import Mapping
from datetime import UTC
from typing import NamedTuple

from producer.planning.planner import Plan
from producer.providers.answers import month_bounds
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments

# The month, and the one before it, on which its first bars look back.
MONTHS_PER_BACKFILL = 2


class BackfillError(StockstreamError):
    """The event asks for history in a form that we do not know; the text says which is right."""


class Backfill(NamedTuple):
    """What is asked for."""

    instruments: tuple[Instrument, ...]
    month: str


def check_requests(takes: int, left: int, plan: Plan) -> None:
    """Makes sure that a run's requests bring one instrument's months, before the first is made.

    Args:
        takes: how many these are.
        left: how many a run may make now.
        plan: what the provider allows.

    Raises:
        BackfillError: they are too few; the text names the parameter.
    """
    words = f"a backfill takes {takes} requests an instrument, all in one run"
    if plan.requests_per_minute < takes:
        raise BackfillError(
            f"{words}: set RequestsPerMinute to {takes} or more; it is {plan.requests_per_minute}"
        )
    if left < takes:
        raise BackfillError(f"{words}, and of RequestsPerDay, {plan.requests_per_day}, {left} are left today")


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
