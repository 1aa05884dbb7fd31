"""What a run reports about sessions: bars from outside of them, and those that the calendar does not know."""

from collections.abc import Sequence

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.told_bars import ToldBars
from stockstream.observability import logger, metrics


def report_sessions(fetched: Sequence[Fetched], watchlist: Watchlist, told: ToldBars) -> None:
    """Counts each bar that was left out when it is shown for the first time, and logs a market's day once.

    Args:
        fetched: what the run's requests brought.
        watchlist: whose markets.
        told: what has been told of; this run's is added.
    """
    count = 0
    for each in fetched:
        for instrument in each.instruments:
            if (answer := each.answers.get(instrument.name)) is None:
                continue
            market = watchlist.market_of(instrument)
            new = [time for time in answer.left_out if told.is_first(instrument.name, time)]
            count += len(new)
            for day in dict.fromkeys(time[:10] for time in new):
                if told.is_first(market, day):
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
        # In the line of the metrics: it is no trouble of ours, and a metric more would cost each hour.
        metrics.add_metadata("bars_left_out", count)
