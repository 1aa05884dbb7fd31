"""What is judged of any year: the numbers, the marks, the notices, the alarms. Faults are sentences."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from told import Rang
from year_of_a_producer import NUMBERS, SPIKE, NumbersLake, Series, compare_numbers

DAY = timedelta(days=1)
# These are told again and again while they last.
REPEATED = {"provider failed", "stream refused bars", "longer answer did not come"}
_CONFIRMS = re.compile(r"stockstream split \S+ (\d+:\d+) --at (\d+-\d+-\d+)")


class Notice(NamedTuple):
    """What a person reads: of what, and which."""

    message: str
    about: str
    which: str = ""


class Cause(NamedTuple):
    """Why an alarm has to ring: from some moment on, before another, and until when at the latest."""

    alarm: str
    after: datetime
    before: datetime
    ends: datetime


def judge_bars(
    series: Series,
    lake: NumbersLake,
    expected: np.ndarray,
    prints: Collection[datetime],
    odd: Iterable[datetime],
    every: int,
) -> Iterator[str]:
    """Whether all bars are there and no other, each with its numbers, and whether the bad prints are marked.

    Args:
        series: the bars that there are, as they were shown last.
        lake: what was delivered.
        expected: of each bar whether it has to be there.
        prints: the bad ones.
        odd: bars on whose days and the next ones each smoothed indicator is computed ...
        every: ... which it is of every so many bars in any case.
    """
    name, sent = series.symbol, lake.sent(series.symbol)
    for word, wrong in (("lost", expected & ~sent), ("sent that nobody showed", sent & ~expected)):
        if wrong.any():
            yield f"{name}: {wrong.sum()} bars {word}, the first {series.frame.index[wrong][0]}"
    if (expected != sent).any() or not expected.any():
        return
    known = series.only(expected)
    days = {each.date() + number * DAY for each in odd for number in (0, 1)}
    dates = pd.DatetimeIndex(known.frame.index).date
    got = pd.DataFrame(lake.numbers[name][expected], known.frame.index, NUMBERS)
    try:
        compare_numbers(known, got, [n for n in range(len(dates)) if n % every == 0 or dates[n] in days])
    except AssertionError as error:
        yield f"{name}: {' '.join(str(error).split())[:300]}"
    marked = [each.to_pydatetime() for each in known.frame.index[got.spike_20 > SPIKE]]
    # The mark needs twenty true ranges before its bar.
    bad = sorted(each for each in prints if each in known.frame.index[21:])
    if marked != bad:
        yield f"{name}: marked as bad prints are {marked}, and these were: {bad}"


def read_notice(line: Mapping[str, str]) -> Notice:
    """What a line of the log says."""
    message, about = line["message"], line.get("market") or line.get("instrument", "")
    if confirms := _CONFIRMS.search(line.get("detail", "")):
        return Notice(message, about, " ".join(confirms.groups()))
    if message == "hole found":
        return Notice(message, about, f"{line['after']} {line['before']}")
    return Notice(message, about, line.get("day") or line.get("stamp") or line.get("to_time", "")[:10])


def judge_notices(found: Iterable[Notice], expected: Iterable[Notice]) -> Iterator[str]:
    """Which notices are missing and which are in vain, or too many."""
    wanted, heard = _count(expected), _count(found)
    for word, more in (("missing", wanted - heard), ("in vain", heard - wanted)):
        for each, count in more.items():
            yield f"notice {word}, {count} times: {' '.join(each)}"


def _count(notices: Iterable[Notice]) -> Counter[Notice]:
    counts: Counter[Notice] = Counter()
    for each in notices:
        counts[each] = 1 if each.message in REPEATED else counts[each] + 1
    return counts


def judge_alarms(rang: Sequence[Rang], causes: Sequence[Cause]) -> Iterator[str]:
    """Which alarms did not ring or not end in time, and which rang in vain.

    One that rings already is not heard anew.
    """
    for cause in causes:
        if not any(
            each.alarm == cause.alarm
            and each.at <= cause.before
            and (each.until is None or each.until >= cause.after)
            for each in rang
        ):
            yield f"{cause.alarm} did not ring from {cause.after} to {cause.before}"
    for each in rang:
        ends = [
            cause.ends
            for cause in causes
            if each.alarm == cause.alarm and cause.after <= each.at <= cause.before
        ]
        if not ends:
            yield f"{each.alarm} rang in vain from {each.at} to {each.until}"
        elif each.until is None or each.until > max(ends):
            yield f"{each.alarm} rang until {each.until}, and it was over at {max(ends)}"
