"""What a run says of itself: its metrics, and what a person may have to know."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from producer.answers import Answer
from producer.ledger import Asked, Ledger
from producer.planner import Plan
from producer.provider_errors import Outcome, ProviderError
from producer.publication import Cause
from producer.publisher import Published
from producer.sessions import current_or_last_session, market_of, open_time
from stockstream.bars import INTERVALS
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream.observability import MetricUnit, logger, metrics
from stockstream.times import parse_time

# The others pass by themselves.
NEEDS_A_PERSON = {Outcome.STOP_FOR_THE_DAY, Outcome.TELL_A_PERSON}


@dataclass(slots=True)
class Fetched:
    """What one request brought.

    Attributes:
        instruments: what was asked for.
        asked_at: when.
        answers: by instrument; empty where the request failed or was not made.
        published: by instrument, what became of them.
        failure: why there are no answers.
        left: why an answer could not be published.
    """

    instruments: Sequence[Instrument]
    asked_at: datetime
    answers: dict[str, Answer] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    failure: ProviderError | None = None
    left: list[StockstreamError] = field(default_factory=list)


def report_answers(fetched: Iterable[Fetched], requests: int) -> None:
    """Counts bars and requests, and tells of failures; one failure of many instruments is told once.

    Args:
        fetched: what the run's requests brought.
        requests: how many were made.
    """
    fetched = list(fetched)
    answers = [(name, answer) for each in fetched for name, answer in each.answers.items()]
    failures = {each.failure for each in fetched} | {answer.failure for _, answer in answers}
    failures.discard(None)
    for failure in failures:
        if failure:
            logger.error(
                "provider failed",
                kind=type(failure).__name__,
                outcome=failure.outcome.value,
                detail=str(failure),
            )
    for error in (error for each in fetched for error in each.left):
        logger.error("bars left for the next run", kind=type(error).__name__, detail=str(error))
    for name, answer in answers:
        for bar in answer.rejected:
            logger.warning(
                "bar rejected", instrument=name, stamp=bar.stamp, reason=bar.reason, detail=bar.detail
            )
    causes: Counter[Cause] = Counter()
    for name, published in _published(fetched):
        causes += published.causes
        if published.unsent:
            logger.error("stream refused bars", instrument=name, bars=published.unsent)
    for metric, count in {
        "BarsPublished": causes.total(),
        "BarsRevised": causes[Cause.REVISED],
        "BarsLate": causes[Cause.LATE],
        "BarsRejected": sum(len(answer.rejected) for _, answer in answers),
        "ProviderRequests": requests,
        "ProviderFailures": len(failures),
        "ProviderRefusals": sum(failure.outcome in NEEDS_A_PERSON for failure in failures if failure),
    }.items():
        metrics.add_metric(metric, MetricUnit.Count, count)


def report_holes(fetched: Iterable[Fetched], hours: str, interval: str) -> None:
    """Counts and tells of stretches in which the market was open and whose bars nobody shows any longer."""
    holes = 0
    markets = {each.name: market_of(each, hours) for one in fetched for each in one.instruments}
    for name, published in _published(fetched):
        if published.hole is None:
            continue
        after, before = published.hole
        if open_time(markets[name], parse_time(after) + INTERVALS[interval], parse_time(before)):
            holes += 1
            logger.error("hole found", instrument=name, after=after, before=before)
    metrics.add_metric("HolesFound", MetricUnit.Count, holes)


def report_state(
    instruments: Sequence[Instrument], ledger: Ledger, plan: Plan, hours: str, interval: str, now: datetime
) -> None:
    """Measures what is left of the day's requests and, while a market is open, how old its newest bar is."""
    if plan.requests_per_day is not None:
        metrics.add_metric("QuotaRemaining", MetricUnit.Count, max(0, plan.requests_per_day - ledger.spent))
    ages = []
    for instrument in instruments:
        session = current_or_last_session(market_of(instrument, hours), now)
        newest = ledger.instruments.get(instrument.name, Asked()).newest
        if session and newest and session.opens <= now < session.closes:
            # Early in a session it is the time since the opening: the night is nobody's delay.
            ages.append(now - max(newest + INTERVALS[interval], session.opens))
    if ages:
        metrics.add_metric("BarAgeSeconds", MetricUnit.Seconds, max(ages) / timedelta(seconds=1))


def _published(fetched: Iterable[Fetched]) -> list[tuple[str, Published]]:
    return [(name, published) for each in fetched for name, published in each.published.items()]
