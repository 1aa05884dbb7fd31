"""Asks a stack about itself again and again, while somebody looks at the page."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stockstream_operate.page.lake_watch import LAKE_ERRORS, LakeWatch
from stockstream_operate.run_lock import read_running
from stockstream_operate.stack_report import StackReader, StackReport

if TYPE_CHECKING:
    from stockstream_operate.environment import Emulator
    from stockstream_operate.stack import Stack

# How soon it is noticed that somebody looks.
NOTICE_SECONDS = 0.3


class RunReporter:
    """The reports of the pipeline that runs here: another run is another stack.

    Args:
        state: the directory of a run.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._emulator: Emulator | None = None
        self._reader: StackReader | None = None

    def __call__(self, now: datetime) -> StackReport:
        """The report of now; an empty one where nothing runs."""
        running = read_running(self._state)
        if running is None:
            self._emulator = None
            return StackReport()
        if running.emulator != self._emulator:
            # Here, so that the page need not wait a second for the AWS SDK.
            from stockstream_operate.stack import find_running_stack  # noqa: PLC0415

            self._reader = open_reader(find_running_stack)
            self._emulator = running.emulator
        return self._reader.read(now) if self._reader else StackReport()


def open_reader(find: Callable[[], "Stack"]) -> StackReader:
    """What reads the reports of a stack.

    Args:
        find: finds it.
    """
    import boto3  # noqa: PLC0415 (it takes a second)

    return StackReader(find(), boto3.client("cloudwatch"))


class StackWatch:
    """Asks in a thread of its own, from `with` to its end.

    Args:
        ask: gives the report of a moment.
        pause_seconds: between two reports.
        watch: notifies browsers, and knows whether one listens.

    Attributes:
        report: the newest.
    """

    def __init__(
        self, ask: Callable[[datetime], StackReport], pause_seconds: float, watch: LakeWatch
    ) -> None:
        self.report = StackReport()
        self._ask = ask
        self._pause_seconds = pause_seconds
        self._watch = watch
        self._closing = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(NOTICE_SECONDS):
            if not self._watch.is_heard:
                continue
            report = self._read()
            if report != self.report:
                self.report = report
                self._watch.notify()
            self._closing.wait(self._pause_seconds)

    def _read(self) -> StackReport:
        try:
            return self._ask(datetime.now(UTC))
        except LAKE_ERRORS as error:
            return StackReport(troubles=(f"The pipeline does not say how it is: {error}",))
