"""Sending again: records into the stream, documents to the search index or to the lake."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import batched

import orjson

from stockstream.errors import StockstreamError
from stockstream_operate.lake.delivered import Document
from stockstream_operate.record_sender import CHUNK_RECORDS, RecordSender, Stream
from stockstream_operate.redrive.triage import Action, Decision


class Resender:
    """Sends records to the stream, and documents to the search index or to the lake.

    Args:
        stream: takes records.
        index: indexes documents; of each why it was refused, or nothing. None where there is no search index.
        deliver: writes documents to the lake, each with its day of arrival, `YYYY-MM-DD` (UTC).
    """

    def __init__(
        self,
        stream: Stream,
        index: Callable[[list[Document]], list[str]] | None,
        deliver: Callable[[list[tuple[str, bytes]]], None],
    ) -> None:
        self._stream = RecordSender(stream)
        self._index = index
        self._deliver = deliver

    def send(self, decisions: Sequence[Decision]) -> list[str]:
        """Sends what is to be sent; of each decision why it was refused, or nothing."""
        refusals = [""] * len(decisions)
        positions: dict[str, list[int]] = defaultdict(list)
        documents: list[int] = []
        files: list[tuple[str, bytes]] = []
        for position, each in enumerate(decisions):
            if each.action in {Action.SEND, Action.REPAIR}:
                positions[each.instrument].append(position)
            elif each.action is Action.INDEX:
                documents.append(position)
            elif each.action is Action.DELIVER:
                files.append((_arrival_day(each), each.data))
        for instrument, theirs in positions.items():
            for chunk in batched(theirs, CHUNK_RECORDS, strict=False):
                answers = self._stream.put(instrument, [decisions[position].data for position in chunk])
                for position, refusal in zip(chunk, answers, strict=True):
                    refusals[position] = refusal
        answers = self._index_all([orjson.loads(decisions[position].data) for position in documents])
        for position, refusal in zip(documents, answers, strict=True):
            refusals[position] = refusal
        if files:
            self._deliver(files)
        return refusals

    def _index_all(self, documents: list[Document]) -> list[str]:
        if not documents:
            return []
        if self._index is None:
            return ["there is no search index: name it with --endpoint"] * len(documents)
        try:
            return self._index(documents)
        except StockstreamError as error:
            return [str(error)] * len(documents)


def _arrival_day(decision: Decision) -> str:
    """The day of arrival; where Firehose does not say it, that of as_of, before which no bar can arrive.

    Not that of the bar: a backfill's can be older than the first day that the lake's tables look at.
    """
    if decision.entry.arrived_at:
        return decision.entry.arrived_at.date().isoformat()
    as_of: str = orjson.loads(decision.data)["as_of"]
    return as_of.partition("T")[0]
