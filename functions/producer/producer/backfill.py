"""The event that asks for history: `{"backfill": {"instruments": ["IBM"], "month": "2026-10"}}`."""

from collections.abc import Mapping
from datetime import UTC
from typing import NamedTuple

from producer.planning.planner import Plan
from producer.providers.answers import month_bounds
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments

# For the month, and for the month before it, which its first bars look back on.
REQUESTS_PER_INSTRUMENT = 2


class BackfillError(StockstreamError):
    """The event asks for history in a form that we do not know; the text says which is right."""


class Backfill(NamedTuple):
    """What is asked for."""

    instruments: tuple[Instrument, ...]
    month: str


def check_requests(left: int, plan: Plan) -> None:
    """Makes sure that a run's requests bring at least one instrument's month, before the first is made.

    Args:
        left: how many a run may make now.
        plan: what the provider allows.

    Raises:
        BackfillError: they are too few; the text names the parameter.
    """
    takes = f"a backfill takes {REQUESTS_PER_INSTRUMENT} requests an instrument, all in one run"
    if plan.requests_per_minute < REQUESTS_PER_INSTRUMENT:
        raise BackfillError(
            f"{takes}: set RequestsPerMinute to {REQUESTS_PER_INSTRUMENT} or more; "
            f"it is {plan.requests_per_minute}"
        )
    if left < REQUESTS_PER_INSTRUMENT:
        raise BackfillError(f"{takes}, and of RequestsPerDay, {plan.requests_per_day}, {left} are left today")


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
