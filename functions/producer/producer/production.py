"""One run of the producer: fetch, plan, put, and only then remember."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from producer.answers import Answer, Provider
from producer.bar_stream import BarStream
from producer.instrument_table import InstrumentTable, TailConflictError
from producer.provider_errors import ProviderError
from producer.publication import Cause, Publication, advance, alters_the_past, plan_publications
from producer.tail_codec import UnreadableTailError
from stockstream.bars import Bar
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream.observability import MetricUnit, logger, metrics
from stockstream.records import encode_record
from stockstream.times import format_instant
from stockstream.windows import Windows


class UnsentBarsError(StockstreamError):
    """The stream did not take all bars; the next run sends the others."""


@dataclass(frozen=True, slots=True)
class Producer:
    """What a run needs: where bars come from, where they go, and what has been sent."""

    provider: Provider
    source: str
    stream: BarStream
    table: InstrumentTable
    interval: str
    windows: Windows

    def run(self, instruments: Iterable[Instrument], seconds: float) -> dict[str, int]:
        """Sends what the provider shows and has not been sent; one instrument's failure stops no other.

        Args:
            instruments: what to ask for.
            seconds: how long the run may take.

        Returns:
            How many bars of each instrument were sent; none for one that failed.
        """
        deadline = time.monotonic() + seconds
        published: dict[str, int] = {}
        for instrument in instruments:
            with logger.append_context_keys(instrument=instrument.name):
                try:
                    published[instrument.name] = self._produce(instrument, deadline)
                except ProviderError as error:
                    metrics.add_metric("ProviderFailures", MetricUnit.Count, 1)
                    logger.error(
                        "provider failed",
                        kind=type(error).__name__,
                        outcome=error.outcome.value,
                        detail=str(error),
                    )
                except (TailConflictError, UnreadableTailError, UnsentBarsError) as error:
                    logger.error("bars left for the next run", kind=type(error).__name__, detail=str(error))
        return published

    def _produce(self, instrument: Instrument, deadline: float) -> int:
        tail, version = self.table.read_tail(instrument.name, self.interval)
        answer = self.provider.fetch(instrument, self.interval)
        metrics.add_metric("ProviderRequests", MetricUnit.Count, 1)
        for bar in answer.rejected:
            metrics.add_metric("BarsRejected", MetricUnit.Count, 1)
            logger.warning("bar rejected", stamp=bar.stamp, reason=bar.reason, detail=bar.detail)
        publications = plan_publications(answer.finished_bars(self.interval), tail, self.windows)
        if not publications:
            return 0
        if alters_the_past(publications):
            in_doubt = advance(tail, publications, (), self.windows)
            tail, version = self.table.write_tail(instrument.name, self.interval, in_doubt, version)
        records = [self._encode(publication, instrument, answer) for publication in publications]
        acknowledged = self.stream.put(instrument.name, records, deadline)
        advanced = advance(tail, publications, acknowledged, self.windows)
        self.table.write_tail(instrument.name, self.interval, advanced, version)
        _count(publications[position].cause for position in acknowledged)
        if len(acknowledged) < len(publications):
            raise UnsentBarsError(f"the stream took {len(acknowledged)} of {len(publications)} bars")
        # One line for each bar and minute would cost more than Kinesis and Firehose together.
        logger.debug("bars published", bars=len(publications), newest=publications[-1].open_time)
        return len(publications)

    def _encode(self, publication: Publication, instrument: Instrument, answer: Answer) -> bytes:
        bar = Bar(
            instrument=instrument.name,
            asset_class=instrument.asset_class,
            interval=self.interval,
            open_time=publication.open_time,
            **publication.numbers._asdict(),
            source=self.source,
            as_of=format_instant(answer.as_of),
        )
        return encode_record(bar, publication.lookback)


def _count(causes: Iterable[Cause]) -> None:
    counts = Counter(causes)
    metrics.add_metric("BarsPublished", MetricUnit.Count, counts.total())
    metrics.add_metric("BarsRevised", MetricUnit.Count, counts[Cause.REVISED])
    metrics.add_metric("BarsLate", MetricUnit.Count, counts[Cause.LATE])
