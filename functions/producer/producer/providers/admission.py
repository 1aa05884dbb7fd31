"""Admission: which bars of an answer are bars of its market. One rule for the answers of all providers.

A provider may show trading before and after the session, single bars on a holiday, and times between two
bars. A bar from outside the sessions is left out. A bar that begins where none can begin is rejected.

The calendar may be wrong, too: exchanges hold special sessions, as Bombay did on budget Sunday, 2026-02-01.
So a quarter of an hour of bars in a row with a volume is taken for a session on a day that has none. In New
York it must be at the usual time, since there is trading before and after the session, too, and on Sunday
evenings.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from producer.markets.watchlist import Watchlist
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer, RejectedBar
from producer.providers.reading import show_fields
from stockstream.errors import RecordError
from stockstream.exchanges import NEW_YORK
from stockstream.instruments import Instrument
from stockstream.sessions import any_grid, bar_grid, day_without_session, is_usual_time, times_outside
from stockstream.shown_bars import EARLIEST_BAR, check_begin
from stockstream.times import parse_time

# So much trading makes a session, but at least two bars. A few minutes without a trade do not interrupt it.
_LEAST_TRADING, _FEWEST_BARS = timedelta(minutes=15), 2
_LONGEST_STEP_BARS = 5


class Admission:
    """Lets the bars of an instrument's market through, and learns on which days the calendar is wrong.

    A special session of one instrument is one of its market: on that day a share that is hardly traded needs
    no quarter of an hour. A new process learns it anew.
    """

    def __init__(self) -> None:
        self._special: set[tuple[str, date]] = set()

    def admit(self, instrument: Instrument, answer: Answer, watchlist: Watchlist) -> Answer:
        """The answer with the bars of the market alone.

        Args:
            instrument: what it is about; it need not be on the watchlist.
            answer: the provider's, without the bar that is still forming.
            watchlist: whose bars, and in which hours.
        """
        market, length = watchlist.market_of(instrument), watchlist.bar_length
        times = sorted(time for time in answer.bars if time >= EARLIEST_BAR)
        days: dict[str, date | None] = {
            time: day_without_session(market, parse_time(time))
            for time in times_outside(market, times, length)
        }
        grid, free_grid = bar_grid(instrument, length), any_grid(length)
        admitted: dict[str, Ohlcv] = {}
        rejected: list[RejectedBar] = []
        closed_days: defaultdict[date, dict[str, Ohlcv]] = defaultdict(dict)
        left_out: list[str] = []
        for time, numbers in answer.bars.items():
            day = days.get(time)
            try:
                check_begin(time, length, free_grid if day else grid)
            except RecordError as error:
                rejected.append(RejectedBar(time, error.reason, str(error), show_fields(numbers._asdict())))
                continue
            if day:
                closed_days[day][time] = numbers
            elif time in days:
                left_out.append(time)
            else:
                admitted[time] = numbers
        special_days = []
        for day, bars in closed_days.items():
            session = _session(market, bars, length, is_known=(market, day) in self._special)
            if session and (market, day) not in self._special:
                self._special.add((market, day))
                special_days.append(day)
            admitted |= session
            left_out += [time for time in bars if time not in session]
        if not rejected and not left_out and not special_days:
            return answer
        return replace(
            answer,
            bars=admitted,
            rejected=[*answer.rejected, *rejected],
            left_out=sorted(left_out),
            special_days=special_days,
        )


def _session(
    market: str, bars: Mapping[str, Ohlcv], length: timedelta, *, is_known: bool
) -> dict[str, Ohlcv]:
    """Of the bars of a day without a session, those of a special session; none if there was none."""
    is_open_late = market.startswith(NEW_YORK.calendar)
    traded = [
        time
        for time in sorted(bars)
        if bars[time].volume and (not is_open_late or is_usual_time(market, parse_time(time)))
    ]
    if not traded or not (
        is_known or _longest_run(traded, length) >= max(_FEWEST_BARS, _LEAST_TRADING / length)
    ):
        return {}
    return {time: numbers for time, numbers in bars.items() if traded[0] <= time <= traded[-1]}


def _longest_run(times: Sequence[str], length: timedelta) -> int:
    """The length of the longest row of bars."""
    longest = run = 1
    for before, after in pairwise(map(parse_time, times)):
        run = run + 1 if after - before <= _LONGEST_STEP_BARS * length else 1
        longest = max(longest, run)
    return longest
