"""Two providers about the same bars: which closes differ, and what one of them lacks. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple


class Pair(NamedTuple):
    """Two closes of one bar.

    Attributes:
        open_time: when the bar begins, UTC.
        here: the close that the lake has.
        there: the other provider's.
    """

    open_time: datetime
    here: float
    there: float

    @property
    def percent(self) -> float:
        """By how much the other close is above ours; below 0 where it is lower."""
        return 100 * (self.there / self.here - 1)


class CrossCheck(NamedTuple):
    """What a comparison found; all in the order of time.

    Attributes:
        compared: how many bars both have.
        differing: those whose closes differ by more than was set.
        missing_here: the starts of the bars that only the other provider has.
        missing_there: the starts of those that only the lake has.
    """

    compared: int
    differing: Sequence[Pair]
    missing_here: Sequence[datetime]
    missing_there: Sequence[datetime]


def cross_check(
    here: Mapping[datetime, float], there: Mapping[datetime, float], percent: float
) -> CrossCheck:
    """Compares closes over the time of which both have bars.

    Before the first bar that both could have, and after the last, one of them is silent for a reason of its
    own: it shows no more of the past, or its newest bars are on their way.

    Args:
        here: the lake's closes, by the starts of their bars, UTC.
        there: the other provider's.
        percent: the greatest difference that is none, in percent of the lake's close.
    """
    if not here or not there:
        return CrossCheck(0, (), (), ())
    first, last = max(min(here), min(there)), min(max(here), max(there))
    times = sorted(each for each in here.keys() | there.keys() if first <= each <= last)
    pairs = [Pair(each, here[each], there[each]) for each in times if each in here and each in there]
    return CrossCheck(
        len(pairs),
        [pair for pair in pairs if abs(pair.percent) > percent],
        [each for each in times if each not in here],
        [each for each in times if each not in there],
    )
