"""Follows a stack until its first bar is in the lake, or until it is clear where it is stuck."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stockstream.errors import StockstreamError
from stockstream_operate.counts import say_count
from stockstream_operate.doctor.finding import Finding, Level
from stockstream_operate.doctor.flow import Flow
from stockstream_operate.doctor.stages import (
    DELIVERY,
    LAKE,
    PRODUCER,
    PROVIDER,
    STREAM,
    TRANSFORM,
    Expectation,
    find_passed,
    judge_stages,
)
from stockstream_operate.page.market_hours import say_moment
from stockstream_operate.stack import STEADY

PAUSE_SECONDS = 15
# What is wrong now may mend itself: a provider that fails is asked again, a new role takes a moment to work.
_PASSES_WITHIN = timedelta(minutes=5)


_PASSED = {
    PRODUCER: "it ran",
    PROVIDER: "it answered",
    STREAM: "bars went in",
    TRANSFORM: "bars were enriched",
    DELIVERY: "bars were written",
    LAKE: "the first file is there",
}


class StuckError(StockstreamError):
    """No bar has come to the lake; the text says where it is stuck, and what to do."""


class Snapshot(NamedTuple):
    """A stack at a moment.

    Attributes:
        status: CloudFormation's word for its state; None where there is no such stack.
        flow: what came through its stages; None while it is being made.
        expectation: what can be expected of it; None while it is being made.
    """

    status: str | None
    flow: Flow | None = None
    expectation: Expectation | None = None


class Wait:
    """The wait for a stack's first bar.

    Args:
        stack: its name.
        say: gets a sentence about each stage that is passed.
        look: looks at the stack at a moment.
        now: the clock, UTC.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        stack: str,
        say: Callable[[str], object],
        look: Callable[[datetime], Snapshot],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stack = stack
        self._say = say
        self._look = look
        self._now = now
        self._sleep = sleep
        self._said: set[str] = set()
        self._wrong_since: dict[str, datetime] = {}

    def run(self, most: timedelta) -> None:
        """Comes back when a bar is in the lake.

        Args:
            most: how long that may take.

        Raises:
            StuckError: it took longer, or something is in the way that does not pass.
        """
        began = self._now()
        while True:
            now = self._now()
            snapshot = self._look(now)
            self._require_a_stack(snapshot.status)
            findings: list[Finding] = []
            if snapshot.flow and snapshot.expectation:
                self._say_passed(snapshot.flow, now - began)
                if snapshot.flow.first_file:
                    return
                findings = list(judge_stages(snapshot.flow, snapshot.expectation, self._stack, now))
                self._require_a_market(snapshot.flow, snapshot.expectation, now)
                self._require_health(findings, now)
            if now - began >= most:
                raise StuckError(self._say_where(snapshot, findings, most))
            self._sleep(PAUSE_SECONDS)

    def _say_passed(self, flow: Flow, passed: timedelta) -> None:
        """Says which stages were passed since the last look."""
        found = find_passed(flow)
        for stage, words in _PASSED.items():
            if found[stage] and stage not in self._said:
                self._said.add(stage)
                self._say(f"✓ {stage}: {words}, after {round(passed.total_seconds())} s")

    def _require_a_stack(self, status: str | None) -> None:
        if status is None:
            raise StuckError(f"There is no stack {self._stack}: deploy it first, with `make deploy`.")
        if status.endswith("_IN_PROGRESS") and "ROLLBACK" not in status and "DELETE" not in status:
            if "stack" not in self._said:
                self._said.add("stack")
                self._say(f"The stack is {status}.")
        elif status not in STEADY:
            raise StuckError(
                f"The stack is {status}. Its events in CloudFormation's console say why, and "
                f"`make deploy ARGS='--stack {self._stack} --check'` says what to do."
            )

    def _require_a_market(self, flow: Flow, expectation: Expectation, now: datetime) -> None:
        if expectation.opens and find_passed(flow)[PRODUCER] and not flow.total("requests"):
            raise StuckError(
                "Nothing is stuck, but nothing comes either: every market of Instruments is closed until "
                f"{say_moment(expectation.opens, now)}. Ask again then. A coin's market never closes."
            )

    def _require_health(self, findings: list[Finding], now: datetime) -> None:
        """Gives up if something has been wrong for longer than it takes to pass by itself."""
        wrong = {each.subject: each for each in findings if each.level is Level.PROBLEM}
        self._wrong_since = {name: self._wrong_since.get(name, now) for name in wrong}
        for name, each in wrong.items():
            if now - self._wrong_since[name] >= _PASSES_WITHIN:
                raise StuckError(f"It is stuck at the {name}: {each.words}. {each.remedy}")

    def _say_where(self, snapshot: Snapshot, findings: list[Finding], most: timedelta) -> str:
        waited = f"No bar has come within {say_count(round(most.total_seconds() / 60), 'minute')}"
        if not snapshot.flow:
            return f"{waited}: the stack is still {snapshot.status}. Ask again, or give it more --minutes."
        passed = find_passed(snapshot.flow)
        at = next(each for each in findings if not passed[each.subject])
        return f"{waited}; it has come to the {at.subject}: {at.words}. {at.remedy}".rstrip()
