"""Watching bars arrive in the lake: each document is read back and checked, and the newest are shown."""

import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from stockstream.bars import INTERVALS
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream_local.check import Checker
from stockstream_local.kept_run import KeptRun
from stockstream_local.quote_table import Quote, QuoteTable
from stockstream_operate.counts import say_count
from stockstream_operate.lake.delivered import Document, Lake
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import STATE

POLL_SECONDS = 1
# The first bars are waited for by a person.
FIRST_POLL_SECONDS = 0.2
# Should the first run fail, the schedule fires a minute after it was made; the emulator looks at it every ten
# seconds.
FIRST_BARS_SECONDS = 150


class BadDeliveryError(StockstreamError):
    """Bars do not arrive, or arrive with a wrong number; the text says which, and where to look."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched, and where it is shown.

    Attributes:
        screen: where it is shown.
        lake: what is watched.
        kept: keeps what the next run needs.
        checker: says what is wrong with a document; None for real prices: what is right is unknown here.
        notices: the alert function's, as they come.
        instruments: the lines of the table, in order.
        interval: of the bars, a key of INTERVALS.
    """

    screen: Screen
    lake: Lake
    kept: KeptRun
    checker: Checker | None
    notices: SimpleQueue[dict[str, Any]]
    instruments: tuple[Instrument, ...]
    interval: str

    def await_first_bars(self) -> None:
        """Waits for what the first run sends.

        Raises:
            BadDeliveryError: nothing arrived in time.
        """
        deadline = time.monotonic() + FIRST_BARS_SECONDS
        with self.screen.step("Waiting for the first bars", "First bars delivered"):
            while not self._read():
                if time.monotonic() > deadline:
                    raise BadDeliveryError(
                        f"No bars arrived in {FIRST_BARS_SECONDS} s. "
                        f"What the functions logged is in {STATE}/emulator.log"
                    )
                time.sleep(FIRST_POLL_SECONDS)

    def run(self, bars: int | None) -> None:
        """Shows and checks what arrives.

        Args:
            bars: return when so many documents have arrived; None for never.

        Raises:
            BadDeliveryError: a document is wrong.
        """
        with QuoteTable(self.screen).open() as show:
            while True:
                show(self._quotes())
                if bars and self.lake.count >= bars:
                    break
                time.sleep(POLL_SECONDS)
                self._read()
                while not self.notices.empty():
                    self._show_notice(self.notices.get())
        judged = (
            "read back and checked: every number of the market is right" if self.checker else "and read back"
        )
        self.screen.say(f"{say_count(self.lake.count, 'document')} delivered, {judged}.")

    def _quotes(self) -> list[Quote]:
        return [
            Quote(
                instrument.name,
                self.lake.newest.get(instrument.name),
                self.lake.bars[instrument.name],
                INTERVALS[self.interval],
            )
            for instrument in self.instruments
        ]

    def _show_notice(self, notice: dict[str, Any]) -> None:
        title, severity = notice.get("title"), notice.get("severity")
        self.screen.say(f"Notice ({severity}): {title}. {notice.get('summary')}", style="yellow")

    def _read(self) -> list[Document]:
        documents = self.lake.read_new()
        for document in documents:
            fault = self.checker.find_fault(document) if self.checker else None
            if fault:
                raise BadDeliveryError(f"A delivered document is wrong. {fault}")
        self.kept.follow(documents, self.checker)
        return documents
