"""What to send of a month of history: the bars before the tail, and those that the tail lacks. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.providers.answers import BARS_PER_ANSWER
from producer.publishing.publication import Cause, Publication, plan_publications
from producer.publishing.restating import RestatedLookbacks
from stockstream.fields import lookback_lengths
from stockstream.splits import Split, effective
from stockstream.windows import Windows


class HistoryPlan(NamedTuple):
    """What to send of a month.

    Attributes:
        older: the open_times of the month's bars from before the tail, oldest first.
        known: these bars, and all that their look-backs need.
        tail: the tail with which `within` was planned; it is written with these bars.
        within: bars that fill a hole in the tail, bars that have changed, and bars whose look-backs these two
            change.
        splits: the instrument's, as they are confirmed.
    """

    older: list[str]
    known: Mapping[str, Ohlcv]
    tail: Tail
    within: list[Publication]
    splits: Sequence[Split]

    def older_publications(self, windows: Windows) -> Iterator[Publication]:
        """The older bars, one at a time: with its look-backs a coin's month would take 150 MB."""
        times, wanted = sorted(self.known), set(self.older)
        known = [self.known[time] for time in times]
        lookbacks = RestatedLookbacks(times, known, effective(self.splits), windows)
        for position, time in enumerate(times):
            if time in wanted:
                yield Publication(time, self.known[time], lookbacks.before(position), Cause.NEW)


def plan_history(
    month: Mapping[str, Ohlcv],
    before: Mapping[str, Ohlcv],
    tail: Tail,
    windows: Windows,
    begin: str = "",
    splits: Sequence[Split] = (),
) -> HistoryPlan:
    """What to send of a month.

    Bars that are newer than the tail are left to the scheduled runs.

    Args:
        month: its finished bars, by open_time.
        before: the bars of the month before it.
        tail: what has been sent.
        windows: of the moving averages that the look-backs must serve.
        begin: the open_time from which on the month is sent; empty for all of it.
        splits: the instrument's, as they are confirmed.
    """
    shown = {**before, **month}
    reach = max(lookback_lengths(windows).values())
    is_within = bool(tail.bars) and max(month, default="") >= tail.oldest
    first = _first_remembered(shown, tail, reach) if is_within else tail.oldest
    known = {**tail.bars, **shown}
    older = [time for time in sorted(month) if time >= begin and (not first or time < first)]
    if not is_within:
        return HistoryPlan(older, known, tail, [], splits)
    reaching = _reaching_back(shown, tail, first, reach)
    until_newest = {time: numbers for time, numbers in shown.items() if time <= tail.newest}
    within = plan_publications(until_newest, reaching, windows, splits)
    return HistoryPlan(older, known, reaching, within, splits)


def _first_remembered(shown: Mapping[str, Ohlcv], tail: Tail, reach: int) -> str:
    """Where the tail begins once its holes are filled: the bars of a long hole push older ones out."""
    times = sorted(time for time in {*shown, *tail.bars} if time <= tail.newest)
    first = times[max(0, len(times) - BARS_PER_ANSWER - reach)]
    return max(tail.oldest, min(first, *tail.doubtful)) if tail.doubtful else max(tail.oldest, first)


def _reaching_back(shown: Mapping[str, Ohlcv], tail: Tail, first: str, reach: int) -> Tail:
    """The tail from `first` on, and the bars before it that its look-backs need.

    The look-backs of its first bars may have been short, so these are marked as doubtful, and are sent again.
    Until then the bars before them must be remembered, or a scheduled run that sends them before the backfill
    does would give them short look-backs again.
    """
    known = {**tail.bars, **shown}
    before = sorted(time for time in known if time < first)[-reach:]
    kept = [time for time in tail.bars if time >= first]
    return Tail(
        {time: known[time] for time in before} | {time: tail.bars[time] for time in kept},
        tail.doubtful | set(kept[:reach]),
        forgotten=True,
        splits=tail.splits,
    )
