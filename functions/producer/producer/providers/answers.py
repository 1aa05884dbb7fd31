"""What a provider answered: the bars that it shows, and those of them that break the rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import ProviderError, UnknownInstrumentError
from stockstream.bars import INTERVALS
from stockstream.errors import Reason
from stockstream.sessions import bar_end
from stockstream.shown_bars import EARLIEST_BAR
from stockstream.times import format_time, parse_time

# So many bars Alpha Vantage shows in a short answer, and Alpaca is asked for. Any of them may be revised. The
# planner reckons with this number, and a tail keeps a full look-back before the oldest of them.
BARS_PER_ANSWER = 100
# Where only what is new is asked for, so many bars before it are asked for again: any may have been revised.
REVISION_BARS = 20


@dataclass(frozen=True, slots=True)
class RejectedBar:
    """A bar that a provider showed and that cannot be one.

    Attributes:
        stamp: when it begins, as it was shown.
        reason: which rule it breaks.
        detail: the same for a person.
        shown: its fields as JSON, cut to what a log line can bear.
    """

    stamp: str
    reason: Reason
    detail: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said about one instrument.

    Attributes:
        bars: the numbers of each bar that it shows, by open_time.
        rejected: what it shows beside them that is no valid bar.
        asked_at: when it was asked.
        as_of: when it said so.
        reaches_back: whether the oldest bars that were wanted are all there: False where an answer's size or
            the plan cut them off, so that a gap may be a hole.
        failure: why newer bars than these may be missing, or all of them: one of several requests failed.
            The bars that came are right all the same, and the next fetch brings the others. None for a
            whole answer.
        cut_off_by: why the longer answer did not come that would have reached back; None where it did, or
            where the provider has none. The answer is whole otherwise.
        is_owed: whether a longer answer is wanted that may still come. Then the next request reaches as far
            back as this one, whichever process makes it.
        left_out: the open_times of what it showed beside them and what is not of its market's: from outside
            the sessions, as admission.py says. A provider leaves this empty.
        special_days: the days on which its market was open although no calendar has a session, as news.
    """

    bars: Mapping[str, Ohlcv]
    rejected: Sequence[RejectedBar]
    asked_at: datetime
    as_of: datetime
    reaches_back: bool
    failure: ProviderError | None = None
    cut_off_by: ProviderError | None = None
    is_owed: bool = False
    left_out: Sequence[str] = ()
    special_days: Sequence[date] = ()

    @property
    def oldest(self) -> str:
        """The open_time of its oldest bar that can be one; after all others where it has none."""
        return min((time for time in self.bars if time >= EARLIEST_BAR), default="~")

    def without_forming(self, market: str, interval: str) -> "Answer":
        """The answer without the bar that is still forming.

        An answer is made up somewhere between the question and its arrival. A bar counts as finished only
        if it had ended when the question was asked.

        Args:
            market: the instrument's, as market_of gives it.
            interval: the bars', a key of INTERVALS.
        """
        length = INTERVALS[interval]
        surely_finished, asked = format_time(self.asked_at - length), format_time(self.asked_at)
        return replace(
            self,
            bars={
                open_time: numbers
                for open_time, numbers in self.bars.items()
                if open_time <= surely_finished
                # The end of one of the future is no matter, and at the end of the calendar there is none.
                or (open_time < asked and bar_end(market, parse_time(open_time), length) <= self.asked_at)
            },
        )


def month_bounds(month: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first moments of a month and of the next one.

    Raises:
        UnknownInstrumentError: the text is no month.
    """
    if re.fullmatch(r"[12]\d{3}-(0[1-9]|1[0-2])", month, re.ASCII):
        year, number = int(month[:4]), int(month[5:])
        return (
            datetime(year, number, 1, tzinfo=zone),
            datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone),
        )
    raise UnknownInstrumentError(f"{month[:20]!r} is no month: write it as 2026-10")
