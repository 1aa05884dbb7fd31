"""What to send: what the provider shows minus the tail. Pure.

New, late, revised and missed bars are one case: the tail does not hold them with these numbers. A change
alters the look-backs of the bars after it, too, so that these are sent again; and so does a split that a
person has confirmed, corrected or refused since they were sent.
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
    """One bar to send, with its look-back and the cause.

    A REPEATED bar has not changed itself: its look-back has, or it is doubtful that the stream has it. The
    numbers are as they were traded; the look-back is restated in the shares of this bar.
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
        windows: of the moving averages that the look-backs must serve.
        splits: the instrument's, as they are confirmed, the oldest first.
    """
    history = {**tail.bars, **shown}
    times = sorted(history)
    lengths = lookback_lengths(windows)
    causes: dict[int, Cause] = {}
    restated = _restated(times, tail, splits, max(lengths.values()))
    stale_before = 0
    # Nothing is sent from before the first bar that is shown, doubtful or restated. That is most of the tail.
    start = min((bisect_left(times, min((*shown, *tail.doubtful), default="~")), *restated))
    for position, time in enumerate(times[start:], start):
        cause = _cause(time, history[time], tail, stale=position < stale_before or position in restated)
        if cause is None:
            continue
        if cause in {Cause.LATE, Cause.REVISED}:
            reach = _reach(tail.bars.get(time), history[time], lengths)
            stale_before = max(stale_before, position + 1 + reach)
        causes[position] = cause
    # Most runs send the newest bar alone, whose look-back is a part of the tail. The first true range needs
    # one close more.
    first = max(0, min(causes, default=len(times)) - max(lengths.values()) - 1)
    lookbacks = RestatedLookbacks(
        times[first:], [history[time] for time in times[first:]], effective(splits), windows
    )
    return [
        Publication(times[position], history[times[position]], lookbacks.before(position - first), cause)
        for position, cause in causes.items()
    ]


def comparable_bars(shown: Mapping[str, Ohlcv], tail: Tail, windows: Windows) -> dict[str, Ohlcv]:
    """The bars of a rereading answer to compare with the tail, and those that their look-backs need.

    The tail's first bars are left out if the answer does not show enough bars before them: sent again, they
    would have shorter look-backs than they had. If the tail has forgotten nothing, no bar was sent before its
    first one, and none is sent now.
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
        # A bar from before a tail that has forgotten bars was sent long ago, and serves as look-back only.
        return None if tail.forgotten and time < tail.oldest else Cause.LATE
    if tail.bars[time] != numbers:
        return Cause.REVISED
    return Cause.REPEATED if stale or time in tail.doubtful else None


def _restated(times: Sequence[str], tail: Tail, splits: Sequence[Split], reach: int) -> set[int]:
    """The positions of bars whose look-backs have a split in them that was confirmed or changed since.

    Bars with less than a full look-back in the tail stay as they are: sent again, they would look back on
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
    """The tail with the splits by which its look-backs are restated from now on."""
    return replace(tail, splits=_remembered(splits, tail.oldest))


def _reach(before: Ohlcv | None, now: Ohlcv, lengths: Mapping[str, int]) -> int:
    """How many bars after this one have it in their look-backs, with a value that has changed."""
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

    If so, the tail must hold them as doubtful before they are put. Otherwise, if the run crashed after the
    put and the provider took its revision back before the next run, the stream would keep the withdrawn
    numbers.
    """
    return any(publication.cause is not Cause.NEW for publication in publications)


def advance(
    tail: Tail, publications: Sequence[Publication], acknowledged: Collection[int], windows: Windows
) -> Tail:
    """The tail after a put: what was not acknowledged is doubtful, and is sent again.

    Args:
        tail: what had been sent before.
        publications: what was put.
        acknowledged: the positions in publications of what Kinesis took.
        windows: of the moving averages that the look-backs must serve.
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
