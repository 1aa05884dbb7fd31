"""What to send of a month of history: what lies before the tail, and what the tail lacks. Pure."""

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
        older: the open_times of the month's bars that the tail will not remember, oldest first.
        known: what these look back on, and they themselves.
        tail: what the others are planned with, and remembered with.
        within: the bars of a hole in the tail, those that have changed, and those that looked back over a
            hole.
        splits: the instrument's, as they are confirmed.
    """

    older: list[str]
    known: Mapping[str, Ohlcv]
    tail: Tail
    within: list[Publication]
    splits: Sequence[Split]

    def older_publications(self, windows: Windows) -> Iterator[Publication]:
        """The older bars, one by one: with their look-backs a coin's month would take 150 MB."""
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

    What is newer than the tail is left to the runs that follow it.

    Args:
        month: its finished bars, by open_time.
        before: the bars of the month before it.
        tail: what has been sent.
        windows: what the look-back must serve.
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
    """Where the tail begins once its holes are filled: a long hole pushes out what lies before it."""
    times = sorted(time for time in {*shown, *tail.bars} if time <= tail.newest)
    first = times[max(0, len(times) - BARS_PER_ANSWER - reach)]
    return max(tail.oldest, min(first, *tail.doubtful)) if tail.doubtful else max(tail.oldest, first)


def _reaching_back(shown: Mapping[str, Ohlcv], tail: Tail, first: str, reach: int) -> Tail:
    """The tail from a time on, and before it the bars that its own look back on.

    Its first bars may have lacked some in their look-backs, so that they count as doubtful, and are sent
    again. Until they are, the bars before them must be remembered, or a run that sends them in a backfill's
    place would send short look-backs.
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
