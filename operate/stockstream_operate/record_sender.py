"""Sending many records into the bar stream, and why it did not take some of them."""

import time
from collections.abc import Sequence
from typing import Protocol

# A shard takes 1 MB a second: a chunk of records with full look-backs takes some 3 seconds.
CHUNK_RECORDS = 500
PUT_SECONDS = 60.0


class Stream(Protocol):
    """Where records go: the layer's BarStream, or a fake."""

    @property
    def refusal(self) -> str:
        """Why the stream turned something away the last time; empty if it never did."""

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        """Puts records; the positions of those that were acknowledged."""


class RecordSender:
    """Sends records, each for up to PUT_SECONDS; once a stream has taken none of them, with one attempt each.

    Args:
        stream: takes records.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._seconds = PUT_SECONDS

    def put(self, instrument: str, records: Sequence[bytes]) -> list[str]:
        """Puts records of one instrument, CHUNK_RECORDS at most; of each why it was refused, or nothing."""
        taken = self._stream.put(instrument, records, time.monotonic() + self._seconds)
        # A stream that took nothing for a minute would keep each of thousands of chunks waiting as long.
        self._seconds = PUT_SECONDS if taken else 0.0
        refusal = f"the stream did not take it: {self._stream.refusal or 'no time was left'}"
        return ["" if position in taken else refusal for position in range(len(records))]
