"""A provider's answer: the bars that it shows, and those that break the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import ProviderError
from stockstream.bars import INTERVALS
from stockstream.errors import Reason
from stockstream.sessions import bar_end
from stockstream.shown_bars import EARLIEST_BAR
from stockstream.times import format_time, parse_time

# Alpha Vantage shows so many bars in a short answer, and Alpaca is asked for as many. Any of them may be
# revised. The planner counts with this number, and a tail keeps a full look-back before the oldest of them.
BARS_PER_ANSWER = 100
# A request for new bars also asks for so many before them, which may have been revised.
REVISION_BARS = 20


@dataclass(frozen=True, slots=True)
class RejectedBar:
    """A bar that a provider showed and that breaks a rule.

    Attributes:
        stamp: when it begins, as it was shown.
        reason: which rule it breaks.
        detail: the same in words.
        shown: its fields as JSON, cut to the length of a log line.
    """

    stamp: str
    reason: Reason
    detail: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer about one instrument.

    Attributes:
        bars: the numbers of each valid bar, by open_time.
        rejected: the bars that break a rule.
        asked_at: when the provider was asked.
        as_of: when it had answered.
        reaches_back: whether the oldest bars that were wanted are all there: False if an answer's size or the
            plan cut them off, so that a gap may be a hole.
        failure: why newer bars than these may be missing, or all of them: one of several requests failed.
            The bars that came are valid, and the next fetch brings the others. None for a whole answer.
        cut_off_by: why a longer answer, which would have reached back, did not come; None if it did, or if
            the provider has none. But for that the answer is whole.
        is_owed: whether a longer answer is wanted and may still come. Then the next request reaches as far
            back as this one, whichever process makes it.
        left_out: the open_times of valid bars from outside the market's sessions, as admission.py says. A
            provider leaves this empty.
        special_days: the days on which its market was open without a session in the calendar, if that is new.
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
        """The open_time of its oldest bar since EARLIEST_BAR; later than any other if it has none."""
        return min((time for time in self.bars if time >= EARLIEST_BAR), default="~")

    def between(self, first: datetime, after: datetime) -> "Answer":
        """The answer with the bars alone that begin at `first` or later, and before `after`."""
        start, end = format_time(first), format_time(after)
        return replace(
            self, bars={time: numbers for time, numbers in self.bars.items() if start <= time < end}
        )

    def without_forming(self, market: str, interval: str) -> "Answer":
        """The answer without the bar that is still forming.

        The server makes the answer up at some moment between the request and its arrival. So a bar counts as
        finished only if it had ended when the request was made.

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
                # A bar of the future is not finished, and one at the end of the calendar has no end.
                or (open_time < asked and bar_end(market, parse_time(open_time), length) <= self.asked_at)
            },
        )


def month_bounds(month: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first moments of a month, such as `2026-10`, and of the next one."""
    year, number = map(int, month.split("-"))
    return (
        datetime(year, number, 1, tzinfo=zone),
        datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone),
    )
