"""How a new stack is followed until its first bar is in the lake."""

from datetime import UTC, datetime, timedelta

import pytest

from stockstream_operate.doctor.flow import Flow, LakeFile
from stockstream_operate.doctor.stages import Expectation
from stockstream_operate.doctor.waiting import PAUSE_SECONDS, Snapshot, StuckError, Wait
from stockstream_operate.stack_metrics import Point

BEGAN = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
OPEN = Expectation(opens=None, buffer=timedelta(minutes=1))
FILE = LakeFile("bars/dt=2026-11-20/a.gz", BEGAN)


class Clock:
    """Time passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def measured(file: LakeFile | None = None, **totals: float) -> Snapshot:
    return Snapshot(
        "CREATE_COMPLETE", Flow({n: [Point(BEGAN, v)] for n, v in totals.items()}, "", file), OPEN
    )


def follow(*snapshots: Snapshot, minutes: int = 20) -> list[str]:
    """What is said while a stack is seen like this, the last snapshot again and again."""
    said: list[str] = []
    clock = Clock()
    rest = iter(snapshots)
    Wait("mine", said.append, lambda _: next(rest, snapshots[-1]), clock, clock.sleep).run(
        timedelta(minutes=minutes)
    )
    assert clock.now == BEGAN + timedelta(seconds=PAUSE_SECONDS * (len(snapshots) - 1))
    return said


def stuck(*snapshots: Snapshot, minutes: int = 20) -> str:
    with pytest.raises(StuckError) as raised:
        follow(*snapshots, minutes=minutes)
    return str(raised.value)


def test_each_stage_is_told_once_when_it_is_passed() -> None:
    assert follow(
        Snapshot("CREATE_IN_PROGRESS"),
        Snapshot("CREATE_IN_PROGRESS"),
        measured(),
        measured(runs=1),
        measured(runs=1, requests=1, published=3),
        measured(runs=1, requests=1, published=3, enriched=3, delivered=3),
        measured(FILE, runs=1, requests=1, published=3, enriched=3, delivered=3),
    ) == [
        "The stack is CREATE_IN_PROGRESS.",
        "✓ producer: it ran, after 45 s",
        "✓ provider: it answered, after 60 s",
        "✓ stream: bars went in, after 60 s",
        "✓ transform: bars were enriched, after 75 s",
        "✓ delivery: bars were written, after 75 s",
        "✓ lake: the first file is there, after 90 s",
    ]


def test_a_stack_that_flows_already_needs_no_wait() -> None:
    assert follow(measured(FILE))[-1].startswith("✓ lake")


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"])
def test_a_stack_that_will_not_stand_is_not_waited_for(status: str) -> None:
    assert stuck(Snapshot(status)).startswith(f"The stack is {status}.")


def test_a_stack_that_is_not_there_is_said() -> None:
    assert stuck(Snapshot(None)).startswith("There is no stack mine")


def test_a_problem_that_stays_for_five_minutes_ends_the_wait() -> None:
    failing = measured(runs=1, requests=1, failures=1)
    assert stuck(failing).startswith("It is stuck at the provider: none of 1 requests was answered. ")
    # One that passes does not.
    assert follow(failing, failing, measured(FILE))


def test_a_closed_market_is_said_at_once() -> None:
    closed = Expectation(datetime(2026, 11, 23, 14, 30, tzinfo=UTC), timedelta(minutes=1))
    said = stuck(measured(runs=1)._replace(expectation=closed))
    assert "closed until Mon 23 Nov, 14:30 UTC" in said


def test_the_end_of_the_wait_says_how_far_it_came() -> None:
    assert stuck(Snapshot("CREATE_IN_PROGRESS"), minutes=1).startswith(
        "No bar has come within 1 minute: the stack is still CREATE_IN_PROGRESS."
    )
    assert stuck(measured(runs=1, requests=1), minutes=2).startswith(
        "No bar has come within 2 minutes; it has come to the stream: no bar went in"
    )
