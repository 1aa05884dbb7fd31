"""The event that asks for history: `{"backfill": {"instruments": ["IBM"], "month": "2026-10"}}`.

The answer says for each instrument how many bars were sent, and what is left: `{"IBM": {"sent": 8190}}`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from producer.fetched import Fetched
from producer.planning.planner import Plan
from producer.providers.answers import month_bounds
from producer.providers.provider import Provider
from producer.providers.provider_errors import FailureOutcome, ProviderError
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments
from stockstream.times import parse_time

# The month, and the one before it, which its first bars need for their look-backs.
MONTHS_PER_BACKFILL = 2
_MONTH = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])", re.ASCII)


class BackfillError(StockstreamError):
    """The event is no valid backfill, or the plan leaves too few requests; the text says what is right."""


class Backfill(NamedTuple):
    """What is asked for."""

    instruments: tuple[Instrument, ...]
    month: str


def requests_of_backfill(provider: Provider, instrument: Instrument, interval: str) -> int:
    """How many requests a month of an instrument's history takes, with the one before it."""
    return MONTHS_PER_BACKFILL * provider.requests_per_month(instrument, interval)


def check_requests(takes: int, left: int, plan: Plan) -> None:
    """Checks, before the first request, that a run has enough of them for one instrument's months.

    Args:
        takes: how many these take.
        left: how many a run may make now.
        plan: what the provider allows.

    Raises:
        BackfillError: they are too few; the text names the parameter.
    """
    words = f"a backfill takes {takes} requests an instrument, all in one run"
    if plan.requests_per_minute < takes:
        whose = "it" if plan.partitions == 1 else f"the share of one of {plan.partitions} partitions"
        raise BackfillError(
            f"{words}: set RequestsPerMinute to {takes * plan.partitions} or more; "
            f"{whose} is {plan.requests_per_minute}"
        )
    if left < takes:
        raise BackfillError(f"{words}, and of RequestsPerDay, {plan.requests_per_day}, {left} are left today")


def month_before(month: str) -> str:
    """The month before one such as `2026-10`."""
    first, _ = month_bounds(month, UTC)
    return (first - timedelta(days=1)).strftime("%Y-%m")


def describe_month(fetched: Fetched) -> dict[str, object]:
    """What became of an instrument's month, for the answer to the event.

    Returns:
        `sent`, how many bars were sent; and if some are missing: `left`, how many of those that the provider
        showed, `from`, the open_time of the first of them, and `reason`.
    """
    (instrument,) = fetched.instruments
    published = fetched.published.get(instrument.name)
    error = fetched.failures().get(instrument.name) or fetched.left.get(instrument.name)
    reasons = [str(error)] if error else []
    described: dict[str, object] = {"sent": published.causes.total() if published else 0}
    if published and published.unsent:
        described |= {"left": published.unsent, "from": published.unsent_from}
        reasons.append("the run's time or the stream did not suffice")
    if not published and not error:
        reasons.append("the run had no time for it")
    # A wrong key or an unknown instrument would be refused again.
    if reasons and not (isinstance(error, ProviderError) and error.outcome is FailureOutcome.TELL_A_PERSON):
        reasons.append("start the backfill again, and it goes on from there")
    if reasons:
        described["reason"] = "; ".join(reasons)
    return described


def unfinished_since(fetched: Fetched, since: datetime | None) -> datetime | None:
    """From when on the next backfill of an instrument's month is to send; None for all of it.

    Args:
        fetched: what became of this one.
        since: from when on this one was to send.
    """
    (instrument,) = fetched.instruments
    published = fetched.published.get(instrument.name)
    if published is None:
        return since
    if published.unsent:
        return parse_time(published.unsent_from)
    answer = fetched.answers[instrument.name]
    newest = max(answer.bars, default=None)
    # A month that broke off between two pages goes on with the newest bar that came.
    return parse_time(newest) if answer.failure and newest else None


def read_backfill(event: Mapping[str, object]) -> Backfill | None:
    """The history that an event asks for; None for the schedule's event.

    Raises:
        BackfillError: it has another form, or the month is none; the text says which is right.
        InstrumentError: a name is that of no instrument.
    """
    asked = event.get("backfill")
    if asked is None:
        return None
    match asked:
        case {"instruments": [*names], "month": str(month)} if all(isinstance(name, str) for name in names):
            if not _MONTH.fullmatch(month):
                raise BackfillError(f"{month[:20]!r} is no month: write it as 2026-10")
            return Backfill(parse_instruments(",".join(names)), month)
    raise BackfillError('write it as {"backfill": {"instruments": ["IBM"], "month": "2026-10"}}')
