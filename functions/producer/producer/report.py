"""What a run reports: its metrics, and log lines about what a person may have to know."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger
from producer.providers.provider_errors import NEEDS_A_PERSON, RequestNotMadeError
from producer.publishing.price_moves import PriceWatch
from producer.publishing.publication import Cause
from producer.publishing.sending import Published
from producer.publishing.split_suspicions import SplitSuspicion
from producer.reported_bars import ReportedBars
from stockstream.observability import MetricUnit, logger, metrics
from stockstream.sessions import bar_end, times_outside, trading_time
from stockstream.times import format_time, parse_time

# How many answers a log line names at most, so that the line of a run with thousands stays short.
MOST_IDS = 100
# How many impossible bars one run logs; the next runs log the others, as long as they are shown.
MOST_BARS = 100
# How many delays a run measures at most: a metric in one EMF line has room for a hundred values.
MOST_DELAYS = 50


def report_answers(fetched: Sequence[Fetched], interval: str, requests: int, reported: ReportedBars) -> None:
    """Counts bars and requests, and logs failures; a failure of many instruments is logged once.

    An impossible bar is logged and counted when it is shown for the first time, with all of its fields: the
    log is where it is kept.

    Args:
        fetched: what the run's requests brought.
        interval: a key of INTERVALS.
        requests: how many were made.
        reported: which impossible bars have been reported; this run's are added.
    """
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
    # Not a failure of the provider: it shows bars, and what is missing before them is reported as a hole.
    for cut_off_by in {answer.cut_off_by for _, answer in answers}:
        if cut_off_by and not isinstance(cut_off_by, RequestNotMadeError):
            logger.warning(
                "longer answer did not come", kind=type(cut_off_by).__name__, detail=str(cut_off_by)
            )
    for each in fetched:
        _log_unsent(each, interval)
    impossible = 0
    for each in fetched:
        impossible += _log_impossible(each, interval, reported, MOST_BARS - impossible)
    causes: Counter[Cause] = Counter()
    for _, published in _published(fetched):
        causes += published.causes
    sent = [
        each.correlation_id(name, interval)
        for each in fetched
        for name, published in each.published.items()
        if published.causes
    ]
    # In the line of the metrics, since a log line for each answer would cost more than its bars.
    metrics.add_metadata("correlation_ids", sent[:MOST_IDS])
    for metric, count in {
        "BarsPublished": causes.total(),
        "BarsRevised": causes[Cause.REVISED],
        "BarsLate": causes[Cause.LATE],
        "BarsImpossible": impossible,
        "ProviderRequests": requests,
        "ProviderFailures": len(failures),
        "ProviderRefusals": sum(failure.outcome in NEEDS_A_PERSON for failure in failures if failure),
    }.items():
        metrics.add_metric(metric, MetricUnit.Count, count)


def _log_unsent(fetched: Fetched, interval: str) -> None:
    deferred = fetched.deferred()
    for name, error in fetched.left.items():
        logger.error(
            "bars left for the next run",
            instrument=name,
            correlation_id=fetched.correlation_id(name, interval),
            bars=deferred[name],
            kind=type(error).__name__,
            detail=str(error),
        )
    for name, published in fetched.published.items():
        if published.unsent:
            logger.error(
                "stream refused bars",
                instrument=name,
                correlation_id=fetched.correlation_id(name, interval),
                bars=published.unsent,
            )


def _log_impossible(fetched: Fetched, interval: str, reported: ReportedBars, most: int) -> int:
    """How many impossible bars are shown for the first time, each with its line; no more than `most`."""
    count = 0
    for name, answer in fetched.answers.items():
        for bar in answer.rejected:
            if count == most:
                return count
            if reported.is_new(name, bar):
                count += 1
                logger.warning(
                    "bar rejected",
                    instrument=name,
                    correlation_id=fetched.correlation_id(name, interval),
                    stamp=bar.stamp,
                    reason=bar.reason,
                    detail=bar.detail,
                    shown=bar.shown,
                )
    return count


def report_holes(fetched: Iterable[Fetched], watchlist: Watchlist) -> None:
    """Counts and logs holes: times of trading whose bars the provider no longer shows."""
    holes = 0
    markets = {each.name: watchlist.market_of(each) for one in fetched for each in one.instruments}
    for name, published in _published(fetched):
        if published.hole is None:
            continue
        after, before = published.hole
        ended = bar_end(markets[name], parse_time(after), watchlist.bar_length)
        # A session that no calendar has counts as no trading time. An answer that begins within one may lack
        # its first bars.
        if trading_time(markets[name], ended, parse_time(before)) or times_outside(
            markets[name], [before], watchlist.bar_length
        ):
            holes += 1
            logger.error("hole found", instrument=name, after=after, before=before)
    metrics.add_metric("HolesFound", MetricUnit.Count, holes)


def report_silent(silent: Mapping[str, datetime | None]) -> None:
    """Counts and logs the instruments that have fallen silent while others of their market have new bars.

    Args:
        silent: by name, when the newest bar ended; None where there has been none.
    """
    for name, ended in silent.items():
        bars = f"no bar since {format_time(ended)}" if ended else "no bar has come yet"
        logger.error(
            "instrument silent",
            instrument=name,
            detail=f"{bars}, while others of its market have new ones. Renamed, delisted, suspended, or "
            "spelt otherwise by the provider? Correct Instruments, or take it out.",
        )
    metrics.add_metric("InstrumentsSilent", MetricUnit.Count, len(silent))


def report_moves(fetched: Iterable[Fetched], interval: str, watch: PriceWatch) -> None:
    """Measures the greatest price move among the new bars, and logs each from the stack's limit on.

    Between two days of trading only what looks like a split counts: it is a move until a person confirms it.
    """
    greatest = []
    for each in fetched:
        for name, published in each.published.items():
            if published.suspicion:
                greatest.append(abs(published.suspicion.change_percent))
                _log_suspicion(name, published.suspicion, each.correlation_id(name, interval))
            move = published.move
            if move is None:
                continue
            greatest.append(abs(move.change_percent))
            if watch.is_large(move):
                logger.warning(
                    "price moved",
                    instrument=name,
                    correlation_id=each.correlation_id(name, interval),
                    interval=interval,
                    bars=watch.bars,
                    **move._asdict(),
                )
    if greatest:
        metrics.add_metric("PriceMovePercent", MetricUnit.Percent, max(greatest))


def _log_suspicion(name: str, suspicion: SplitSuspicion, correlation_id: str) -> None:
    ratio, day, from_price, to_price, _ = suspicion
    logger.warning(
        "split suspected",
        instrument=name,
        correlation_id=correlation_id,
        change_percent=suspicion.change_percent,
        from_price=from_price,
        to_price=to_price,
        detail=f"it opened at {to_price:.10g} on {day}, after a close at {from_price:.10g}. "
        f"If that is a split, confirm it: stockstream split {name} {ratio} --at {day}. "
        f"If it is none, say so: stockstream split {name} none --at {day}. "
        "Both with --stack and the stack's name",
    )


def report_unanswered(runs: int) -> None:
    """Measures how many runs in a row had no answer. One answer about any instrument sets it to 0."""
    metrics.add_metric("RunsUnanswered", MetricUnit.Count, runs)


def report_quota(requests_left: int) -> None:
    """Measures what is left of the day's requests."""
    metrics.add_metric("QuotaRemaining", MetricUnit.Count, max(0, requests_left))


def report_delays(fetched: Iterable[Fetched], watchlist: Watchlist, known: Ledger) -> None:
    """Measures how long after its end each new bar was in the stream.

    The first answer about an instrument brings what was before, and is not counted.

    Args:
        fetched: what the run's requests brought.
        watchlist: what is followed.
        known: the ledger as it was before the run.
    """
    delays = []
    for each in fetched:
        for instrument in each.instruments:
            published = each.published.get(instrument.name)
            if published and each.published_at and known.of_instrument(instrument.name).newest:
                market = watchlist.market_of(instrument)
                delays += [
                    (each.published_at - bar_end(market, parse_time(opened), watchlist.bar_length))
                    / timedelta(seconds=1)
                    for opened in published.new
                ]
    for delay in _evenly(sorted(delays), MOST_DELAYS):
        metrics.add_metric("BarDelaySeconds", MetricUnit.Seconds, delay)


def _evenly(ordered: Sequence[float], most: int) -> Sequence[float]:
    """At most so many of the numbers, in their order: the first, the last, and some evenly between them."""
    if len(ordered) <= most:
        return ordered
    return [ordered[round(place * (len(ordered) - 1) / (most - 1))] for place in range(most)]


def report_overdue(overdue: timedelta | None) -> None:
    """Measures how long bars are overdue; nothing while every market is closed."""
    if overdue is not None:
        metrics.add_metric("BarsOverdueSeconds", MetricUnit.Seconds, overdue / timedelta(seconds=1))


def report_deferred(bars: int) -> None:
    """Measures how many bars the provider has shown and the stream has not taken yet."""
    metrics.add_metric("BarsDeferred", MetricUnit.Count, bars)


def _published(fetched: Iterable[Fetched]) -> list[tuple[str, Published]]:
    return [(name, published) for each in fetched for name, published in each.published.items()]
