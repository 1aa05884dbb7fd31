"""What to send: what the provider shows minus the tail. Pure.

New, late, revised and missed bars are one case: the tail does not hold them with these numbers. A change also
alters the look-back of the bars after it, so those that were sent before are sent again; and so does a split
that a person has confirmed, corrected or refused since.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.providers.answers import BARS_PER_ANSWER
from producer.publishing.restating import RestatedLookbacks
from stockstream.bars import Lookback
from stockstream.fields import lookback_lengths
from stockstream.splits import Split, effective
from stockstream.windows import Windows


class Cause(StrEnum):
    """Why a bar is sent."""

    NEW = "new"
    LATE = "late"
    REVISED = "revised"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Publication:
    """One bar to send: with its look-back, and why.

    REPEATED is a bar that has not changed itself: its look-back has, or its last sending is in doubt. The
    numbers are as they were traded, and the look-back is in the shares of this bar.
    """

    open_time: str
    numbers: Ohlcv
    lookback: Lookback
    cause: Cause


def plan_publications(
    shown: Mapping[str, Ohlcv], tail: Tail, windows: Windows, splits: Sequence[Split] = ()
) -> list[Publication]:
    """The bars to send, oldest first.

    Args:
        shown: the finished bars that the provider shows, by open_time, of one instrument and one answer.
        tail: what has been sent.
        windows: what the look-back must serve.
        splits: the instrument's, as they are confirmed, the oldest first.
    """
    history = {**tail.bars, **shown}
    times = sorted(history)
    lengths = lookback_lengths(windows)
    causes: dict[int, Cause] = {}
    restated = _restated(times, tail, splits, max(lengths.values()))
    stale_before = 0
    # Before the first that is shown, doubtful or restated nothing is sent: most of the tail, as a rule.
    start = min((bisect_left(times, min((*shown, *tail.doubtful), default="~")), *restated))
    for position, time in enumerate(times[start:], start):
        cause = _cause(time, history[time], tail, stale=position < stale_before or position in restated)
        if cause is None:
            continue
        if cause in {Cause.LATE, Cause.REVISED}:
            reach = _reach(tail.bars.get(time), history[time], lengths)
            stale_before = max(stale_before, position + 1 + reach)
        causes[position] = cause
    # Most runs send the newest bar alone, which looks back on a part of the tail. A true range needs a close
    # more, the one before its bar.
    first = max(0, min(causes, default=len(times)) - max(lengths.values()) - 1)
    lookbacks = RestatedLookbacks(
        times[first:], [history[time] for time in times[first:]], effective(splits), windows
    )
    return [
        Publication(times[position], history[times[position]], lookbacks.before(position - first), cause)
        for position, cause in causes.items()
    ]


def comparable_bars(shown: Mapping[str, Ohlcv], tail: Tail, windows: Windows) -> dict[str, Ohlcv]:
    """Of an answer that reaches far back, what may be sent, and what that looks back on.

    The tail's first bars are left out where the answer does not show enough of what was before them: sent
    again, they would have shorter look-backs than they had. Where nothing is forgotten, nothing was sent
    before them, and what is older than they are is not sent now.
    """
    if not tail.forgotten:
        return {time: numbers for time, numbers in shown.items() if time >= tail.oldest}
    times = sorted({**tail.bars, **shown})
    first = times[min(len(times) - 1, max(lookback_lengths(windows).values()))]
    return {time: shown[time] for time in shown if not tail.oldest <= time < min(first, tail.newest)}


def _cause(time: str, numbers: Ohlcv, tail: Tail, *, stale: bool) -> Cause | None:
    if time not in tail.bars:
        if time > tail.newest:
            return Cause.NEW
        # What is older than all that is remembered was sent long ago, and serves as look-back only.
        return None if tail.forgotten and time < tail.oldest else Cause.LATE
    if tail.bars[time] != numbers:
        return Cause.REVISED
    return Cause.REPEATED if stale or time in tail.doubtful else None


def _restated(times: Sequence[str], tail: Tail, splits: Sequence[Split], reach: int) -> set[int]:
    """The positions of bars whose look-back a split reaches that was another when they were sent.

    Those with less than a whole look-back before them stay as they are: sent again, they would look back on
    fewer bars than they did. A backfill of their month restates them.
    """
    whole = reach if tail.forgotten else 0
    positions: set[int] = set()
    for split in {*_remembered(splits, tail.oldest)} ^ {*tail.splits}:
        start = bisect_left(times, split.at)
        if start:
            positions.update(range(max(start, whole), min(len(times), start + reach)))
    return positions


def _remembered(splits: Iterable[Split], oldest: str) -> tuple[Split, ...]:
    return tuple(split for split in effective(splits) if split.at > oldest)


def with_splits(tail: Tail, splits: Iterable[Split]) -> Tail:
    """The tail that says by which splits the look-backs are restated that are sent from now on."""
    return replace(tail, splits=_remembered(splits, tail.oldest))


def _reach(before: Ohlcv | None, now: Ohlcv, lengths: Mapping[str, int]) -> int:
    """How many bars after this one have a look-back that it changes."""
    if before is None or before.close != now.close:
        return max(lengths.values())
    reach = 0
    if (before.high, before.low) != (now.high, now.low):
        reach = max(lengths["typical"], lengths["true_range"])
    if before.volume != now.volume:
        reach = max(reach, lengths["volume"])
    return reach


def alters_the_past(publications: Sequence[Publication]) -> bool:
    """Whether anything but new bars is to be sent.

    Then the tail must say so before they are put. Otherwise a crash after the put, and a provider that takes
    its change back before the next run, would leave numbers in the stream that the provider no longer shows.
    """
    return any(publication.cause is not Cause.NEW for publication in publications)


def advance(
    tail: Tail, publications: Sequence[Publication], acknowledged: Collection[int], windows: Windows
) -> Tail:
    """The tail once these publications were put: what was not acknowledged stays in doubt, and is sent again.

    Args:
        tail: what had been sent before.
        publications: what was put.
        acknowledged: the positions in publications of what Kinesis took.
        windows: what the look-back must serve.
    """
    bars = dict(tail.bars)
    doubtful = set(tail.doubtful)
    for position, publication in enumerate(publications):
        time = publication.open_time
        bars[time] = publication.numbers
        if position in acknowledged:
            doubtful.discard(time)
        else:
            doubtful.add(time)
    times = sorted(bars)
    resendable = min(len(times) - BARS_PER_ANSWER, bisect_left(times, min(doubtful, default="~")))
    first = max(0, resendable - max(lookback_lengths(windows).values()))
    return Tail(
        {time: bars[time] for time in times[first:]},
        frozenset(doubtful),
        tail.forgotten or first > 0,
        _remembered(tail.splits, times[first] if times else ""),
    )
