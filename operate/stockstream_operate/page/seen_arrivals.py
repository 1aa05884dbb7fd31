"""When the bars of the last hour could first be read here, and so how long they took."""

import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from stockstream_operate.lake.delays import SINCE, Arrival, Delay, measure_delays, read_arrivals


class SeenArrivals:
    """The bars of the files that were read, and when. One thread adds files; others may ask for delays."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._arrivals: list[Arrival] = []
        self._read_at: dict[str, float] = {}

    def begin(self) -> None:
        """Counts what is written from the first such call on as seen when it comes."""
        self._began = self._began or time.time()

    def add(self, files: Iterable[Path]) -> None:
        """Notes that the bars of files can be read from now on."""
        now, began = time.time(), self._began or 0
        since = now - SINCE.total_seconds()
        kept = [each for each in self._arrivals if each.written >= since]
        new = [each for file in files for each in read_arrivals(file, since)]
        self._arrivals = kept + new
        known = {each.bar for each in kept}
        # Nobody knows when what was there before could have been read first. And a bar that is revised was
        # read with its first numbers already.
        read = {each.bar: now for each in new if each.bar not in known and each.written >= began}
        self._read_at = {bar: at for bar, at in self._read_at.items() if bar in known} | read

    def forget(self) -> None:
        """Forgets the bars, since they are another run's."""
        self._arrivals, self._read_at = [], {}

    def delays(self, now: datetime) -> list[Delay]:
        """How long the bars of the last hour took until they could be seen here."""
        return measure_delays(tuple(self._arrivals), now, dict(self._read_at))
