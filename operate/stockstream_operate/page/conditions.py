"""The condition of the lake and its pipeline, and what a person can do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stockstream_operate.counts import say_count
from stockstream_operate.page.market_hours import MarketHours, say_moment

# A bar is asked for within a minute of its end and is then a few seconds on its way; a provider's plan may
# delay it by a quarter of an hour more.
QUIET_BARS = 3
QUIET_AT_LEAST = timedelta(minutes=20)


class ConditionKind(StrEnum):
    """The condition of a lake and its pipeline; only FLOWING needs no words."""

    FLOWING = "flowing"
    EMPTY = "empty"
    NEVER_RUN = "never-run"
    STOPPED = "stopped"
    CLOSED = "closed"
    QUIET = "quiet"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Condition:
    """How a lake and its pipeline are.

    Attributes:
        kind: which of the few conditions.
        title: the condition in a few words.
        words: what it means and what to do.
    """

    kind: ConditionKind
    title: str
    words: str


def find_condition(
    *,
    has_bars: bool,
    runs: bool | None,
    age: timedelta | None,
    interval: timedelta,
    now: datetime,
    market: MarketHours | None = None,
    trouble: str = "",
) -> Condition:
    """How the lake is.

    Args:
        has_bars: whether anything was delivered.
        runs: whether the pipeline runs here; None for a stack in AWS.
        age: how long ago the shown instrument's newest bar ended.
        interval: how long that bar lasted.
        now: the time, UTC.
        market: of the shown instrument; None where no calendar says when it trades.
        trouble: why the lake could not be read; empty where it could.
    """
    if trouble:
        return Condition(
            ConditionKind.TROUBLE, "The lake cannot be read", f"{trouble} The page tries again by itself."
        )
    opens = say_moment(market.until, now) if market and market.until and not market.is_open else ""
    if not has_bars:
        return _say_why_empty(runs=runs, opens=opens)
    if runs is False:
        return Condition(
            ConditionKind.STOPPED,
            "The pipeline is stopped",
            "These are the bars that its last run delivered. To go on, start `make run` in a terminal.",
        )
    if opens:
        return Condition(
            ConditionKind.CLOSED,
            "The market is closed",
            f"It opens at {opens}. Its bars come then by themselves; these are the last ones.",
        )
    if age is not None and age > max(QUIET_AT_LEAST, QUIET_BARS * interval):
        why = (
            "The market is open, so the provider is behind."
            if market
            else "The market is closed, or the provider is behind; no calendar here says which."
        )
        do = (
            "Look at the terminal of `make run`."
            if runs
            else "Look at the alarms; docs/runbook.md says what to do."
        )
        return Condition(ConditionKind.QUIET, f"Nothing new for {say_age(age)}", f"{why} {do}")
    return Condition(ConditionKind.FLOWING, "Bars are arriving", "")


def _say_why_empty(*, runs: bool | None, opens: str) -> Condition:
    if runs is False:
        return Condition(
            ConditionKind.NEVER_RUN,
            "Nothing was delivered here yet",
            "Start `make run` in a terminal of this clone; its bars appear here by themselves.",
        )
    do = (
        f"The market is closed and opens at {opens}. They come then by themselves."
        if opens
        else "They come about a minute after the pipeline stands; its terminal says what it is doing."
        if runs
        else "They come while the market is open, within minutes."
    )
    return Condition(ConditionKind.EMPTY, "Waiting for the first bars", do)


def say_age(age: timedelta) -> str:
    """A duration in its largest unit."""
    minutes = int(age.total_seconds() // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return say_count(minutes // size, unit)
    return say_count(minutes, "minute")
