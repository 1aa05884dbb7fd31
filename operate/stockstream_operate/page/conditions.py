"""How the lake and its pipeline are, and what a person can do about it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

# A bar is asked for within a minute of its end and is then a few seconds on its way; a provider's plan may
# delay it by a quarter of an hour more.
QUIET_BARS = 3
QUIET_AT_LEAST = timedelta(minutes=20)


class Kind(StrEnum):
    """How it is; FLOWING alone needs no words."""

    FLOWING = "flowing"
    EMPTY = "empty"
    NEVER_RUN = "never-run"
    STOPPED = "stopped"
    QUIET = "quiet"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Condition:
    """How it is.

    Attributes:
        kind: of the few that there are.
        title: what is so, in a few words.
        words: what that means and what to do.
    """

    kind: Kind
    title: str
    words: str


def find_condition(
    *,
    has_bars: bool,
    runs: bool | None,
    age: timedelta | None,
    interval: timedelta,
    trouble: str = "",
) -> Condition:
    """How the lake is.

    Args:
        has_bars: whether anything was delivered.
        runs: whether the pipeline runs here; None for a stack in AWS.
        age: how long ago the shown instrument's newest bar ended.
        interval: how long that bar lasted.
        trouble: why the lake could not be read; empty where it could.
    """
    if trouble:
        return Condition(
            Kind.TROUBLE, "The lake cannot be read", f"{trouble} The page tries again by itself."
        )
    if not has_bars:
        return _say_why_empty(runs=runs)
    if runs is False:
        return Condition(
            Kind.STOPPED,
            "The pipeline is stopped",
            "These are the bars that its last run delivered. To go on, start `make run` in a terminal.",
        )
    if age is not None and age > max(QUIET_AT_LEAST, QUIET_BARS * interval):
        do = (
            "If it should be open, look at the terminal of `make run`."
            if runs
            else "If it should be open, look at the stack's alarms; docs/runbook.md says what to do."
        )
        return Condition(
            Kind.QUIET,
            f"Nothing new for {say_age(age)}",
            f"The market is closed, or the provider is behind. {do}",
        )
    return Condition(Kind.FLOWING, "Bars are arriving", "")


def _say_why_empty(*, runs: bool | None) -> Condition:
    if runs is False:
        return Condition(
            Kind.NEVER_RUN,
            "Nothing was delivered here yet",
            "Start `make run` in a terminal of this clone; its bars appear here by themselves.",
        )
    do = (
        "They come about a minute after the pipeline stands; its terminal says what it is doing."
        if runs
        else "They come while the market is open, within minutes."
    )
    return Condition(Kind.EMPTY, "Waiting for the first bars", do)


def say_age(age: timedelta) -> str:
    """A duration in its largest unit."""
    minutes = int(age.total_seconds() // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return _count(minutes // size, unit)
    return _count(minutes, "minute")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
