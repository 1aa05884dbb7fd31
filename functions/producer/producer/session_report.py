"""What a run reports about sessions: bars from outside of them, and sessions that no calendar has."""

from collections.abc import Sequence

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.reported_bars import ReportedBars
from stockstream.observability import logger, metrics


def report_sessions(fetched: Sequence[Fetched], watchlist: Watchlist, reported: ReportedBars) -> None:
    """Counts each bar that was left out when it is shown for the first time, and logs a market's day once.

    Args:
        fetched: what the run's requests brought.
        watchlist: whose markets.
        reported: what has been reported; this run's is added.
    """
    count = 0
    for each in fetched:
        for instrument in each.instruments:
            if (answer := each.answers.get(instrument.name)) is None:
                continue
            market = watchlist.market_of(instrument)
            new = [time for time in answer.left_out if reported.is_first(instrument.name, time)]
            count += len(new)
            for day in dict.fromkeys(time[:10] for time in new):
                if reported.is_first(market, day):
                    times = [time for time in new if time.startswith(day)]
                    logger.warning(
                        "bars left out",
                        market=market,
                        instrument=instrument.name,
                        day=day,
                        bars=len(times),
                        first=times[0],
                        last=times[-1],
                        detail="the calendar has no session then",
                    )
            for special in answer.special_days:
                logger.warning(
                    "session that no calendar has",
                    market=market,
                    instrument=instrument.name,
                    day=special.isoformat(),
                    detail="its bars are taken; those that this answer does not reach back to come with a "
                    "backfill of the month",
                )
    if count:
        # Metadata, and not a metric, which is billed for each hour: these bars are no fault of the pipeline.
        metrics.add_metadata("bars_left_out", count)
