"""The year 2026 of a thousand shares of New York in bars of an hour, through Alpaca: a run after each close.

Ten requests of a hundred shares each fetch what is new: the plan has just these. What there is and what
befalls it is written here by hand, on the exchange's own calendar (published_year).
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import requests
from minutes_of_a_producer import Clock, Market, Server
from published_year import EXCHANGES
from told import Told
from verdict_of_year import REPEATED, Cause, Notice, judge_alarms, judge_bars, judge_notices, read_notice
from year_of_a_producer import CORRECTED_AFTER, NumbersLake, Series, Shares, WatchingWorld

from producer.planning.planner import Plan
from stockstream.splits import Split
from stockstream.times import format_time

NEW_YORK = EXCHANGES["New York"]
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
SOON = timedelta(minutes=2, seconds=20)
COUNT, TOGETHER, PAGE_BARS = 1000, 100, 10_000
FIRST_ANSWER_BARS = 100


def at(text: str) -> datetime:
    """A moment of 2026, UTC: `05-11 10:00`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


# From a Monday's second bar to the next Monday's first.
OUTAGE = at("05-11 15:00"), at("05-18 13:00")
# For four sessions, of which the next request alone would not show all bars.
STREAM_REFUSES = at("07-15 20:00"), at("07-20 21:00")
# By the place in the list: what befalls whom, and when. Bars are of the clock's half hours.
SPLITS = {3: (at("03-24 13:30"), 10, 1), 5: (at("06-24 13:30"), 1, 8), 6: (at("09-22 13:30"), 3, 2)}
CONFIRMED = {3: at("03-24 04:00"), 5: at("06-26 06:00"), 6: at("09-22 04:00")}
HALVED, DENIED = (7, at("07-28 13:30")), at("07-30 06:00")
HALTS = {8: (at("04-22 14:30"), at("04-22 15:30"))}
SUSPENDED = 9, date(2026, 4, 28)
IMPOSSIBLE = 10, at("02-25 17:30")
CRASH = 11, at("10-13 18:30")
PRINTS = {place: at("02-10 17:30") for place in range(2, COUNT, 100)} | {1: at("11-27 15:30")}
# It stays in the list without bars, until a person puts its new name there.
RENAMED, NEW_NAME, LAST_DAY, CORRECTED = 12, "ZZZ", date(2026, 1, 27), at("02-05 05:00")
# What Alpaca shows of every hundredth, too: on a holiday, a Saturday, around a session, after half of one.
STRAYS = (at("02-16 17:30"), at("03-14 16:30"), at("05-06 12:30"), at("05-06 21:30"), at("11-27 20:30"))
LEFT_OUT = ("2026-02-16", "2026-03-14")
# On these days, and on the last, runs come later, too: all that is remembered is read again.
READ_AGAIN = {date(2026, 1, 30), date(2026, 6, 30)}


class WideServer(Server):
    """Alpaca with these series: what there is since a moment, by symbol and time, in pages.

    The newest bar shows while it forms. One in 97 is corrected fifty minutes after its end.

    Attributes:
        others_shown: by symbol and start, when it first showed what is no bar of a series.
    """

    def __init__(
        self, clock: Clock, series: Mapping[str, Series], others: Mapping[str, Mapping[datetime, list[float]]]
    ) -> None:
        super().__init__(Market((), "regular", (clock.now, clock.now)), clock)
        self.others_shown: dict[tuple[str, datetime], datetime] = {}
        self._others, self._rows = others, {}
        for name, each in series.items():
            rows = {
                start.to_pydatetime(): (end, numbers, place % 97 == 5)
                for place, (start, end, numbers) in enumerate(
                    zip(each.frame.index, each.ends, each.traded().to_numpy().tolist(), strict=True)
                )
            }
            for start, numbers in others.get(name, {}).items():
                rows[start] = start, numbers, False
            times = sorted(rows)
            self._rows[name] = times, [rows[each] for each in times]

    def answer(self, parameters: dict[str, str]) -> dict[str, Any]:
        """One page."""
        now, start = self.clock.now, datetime.fromisoformat(parameters["start"])
        wanted = [
            (symbol, place)
            for symbol in sorted(parameters["symbols"].split(","))
            for place in self._between(symbol, start, now)
        ]
        first = int(parameters.get("page_token", "0"))
        bars: dict[str, list[dict[str, Any]]] = {}
        for symbol, place in wanted[first : first + PAGE_BARS]:
            bars.setdefault(symbol, []).append(self._show(symbol, place, now))
        after = first + PAGE_BARS
        return {"bars": bars, "next_page_token": str(after) if after < len(wanted) else None}

    def _between(self, symbol: str, start: datetime, now: datetime) -> range:
        times, _ = self._rows[symbol]
        return range(bisect_left(times, start), bisect_right(times, now))

    def _show(self, symbol: str, place: int, now: datetime) -> dict[str, Any]:
        times, rows = self._rows[symbol]
        end, (open_, high, low, close, volume), is_corrected = rows[place]
        if times[place] in self._others.get(symbol, ()):
            self.others_shown.setdefault((symbol, times[place]), now)
        if now < end:
            high = low = close = open_
        elif is_corrected and now < end + CORRECTED_AFTER:
            close, volume = low, volume / 2
        return {"t": format_time(times[place]), "o": open_, "h": high, "l": low, "c": close, "v": volume}


class WideYear:
    """The world of it, and what has to be found in it afterwards.

    Args:
        first: the first day that is played.
        last: the last one.
        count: how many shares are followed.
    """

    def __init__(
        self, first: date = date(2026, 1, 1), last: date = date(2026, 12, 31), count: int = COUNT
    ) -> None:
        self.days = [day for day in NEW_YORK.days() if first <= day <= last]
        self.start, self.end = NEW_YORK.at(first, "00:00"), NEW_YORK.at(last + DAY, "00:00")
        self.names = [f"{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(count)]
        self.told, self.runs = Told(stands=10 * MINUTE), 0
        self._bars = [bar for day in self.days for bar in NEW_YORK.bars(day, HOUR)]
        self._starts = {start for start, _ in self._bars}
        self.series = {name: self._make_series(place) for place, name in enumerate(self.names)}
        self.series[NEW_NAME] = Series(NEW_NAME, self._bars)
        others = {name: {start: [7.0, 9.0, 5.0, 6.0, 11.0] for start in STRAYS} for name in self.names[::100]}
        if IMPOSSIBLE[0] < count:
            others[self.names[IMPOSSIBLE[0]]] = {IMPOSSIBLE[1]: [7.0, 5.0, 9.0, 6.0, 11.0]}
        self.world = WatchingWorld(
            ",".join(self.names),
            Plan(None, -(-count // TOGETHER)),
            (self.start, self.start),
            alpaca=True,
            silent=self.names,
            interval="60min",
        )
        self.server = self.world.server = WideServer(self.world.clock, self.series, others)
        self.server.refuse = lambda _asked: (
            requests.ConnectionError("no answer") if OUTAGE[0] <= self.world.clock.now < OUTAGE[1] else None
        )
        times = {name: [each.to_pydatetime() for each in of.frame.index] for name, of in self.series.items()}
        self.lake = NumbersLake(times)
        self.world.stream = self.lake  # type: ignore[assignment]  # what it delivers is kept
        self.world.new_container()

    def play(self) -> Iterator[datetime]:
        """Runs the year, and says after each run when it was."""
        is_corrected = not self._is_played(CORRECTED) or len(self.names) <= RENAMED
        with self.told.listening():
            for moment in self.moments():
                if moment >= CORRECTED and not is_corrected:
                    is_corrected = True
                    self.world.follow(",".join([*self.names[:RENAMED], NEW_NAME, *self.names[RENAMED + 1 :]]))
                for name, said_at, split in self._confirmed():
                    said = self.world.known_splits.setdefault(name, [])
                    if said_at <= moment and split not in said:
                        said.append(split)
                self.lake.refuses = STREAM_REFUSES[0] <= moment < STREAM_REFUSES[1]
                self.world.run_at(moment)
                self.told.end_run(moment)
                self.runs += 1
                yield moment

    def moments(self) -> list[datetime]:
        """After each close; each ten minutes while nobody answers, and each minute as trouble begins."""
        runs = set()
        for day in self.days:
            ((opens, closes),) = NEW_YORK.sessions(day)
            # The next ones ask for what the first had no request left for.
            runs |= {closes + SOON + number * MINUTE for number in range(3)}
            if day in READ_AGAIN or day == self.days[-1]:
                runs |= {closes + (52 + number) * MINUTE for number in range(8)}
            tens = (opens + number * 10 * MINUTE for number in range((closes - opens) // (10 * MINUTE)))
            runs |= {each for each in tens if OUTAGE[0] <= each < OUTAGE[1]}
        for begins in (OUTAGE[0] + HOUR / 2, STREAM_REFUSES[0] + SOON):
            if self.start <= begins < self.end:
                runs |= {begins + number * MINUTE for number in range(6)}
        return sorted(runs)

    def judge(self) -> Iterator[str]:
        """What is wrong, as sentences."""
        for name, when in self.lake.strange:
            yield f"{name}: {when} is no bar, and was sent"
        prints = {self.names[place]: [bar] for place, bar in PRINTS.items() if place < len(self.names)}
        odd: dict[str, list[datetime]] = {name: list(bars) for name, bars in prints.items()}
        for place, moment in self._odd():
            odd.setdefault(self.names[place], []).append(moment)
        for name, series in self.series.items():
            expected = self.expected(name)
            yield from judge_bars(
                series, self.lake, expected, prints.get(name, ()), odd.get(name, ()), every=401
            )
        yield from self._judge_delays()
        yield from self._judge_requests()
        found = (self._notice_of(each.line) for each in self.told.said)
        yield from judge_notices(found, self.expected_notices())
        yield from judge_alarms(self.told.rang(self.start, self.end), list(self.causes()))

    def expected(self, name: str) -> np.ndarray:
        """Of each bar of a share whether it has to be in the lake: all, and a hundred before a new name."""
        index = self.series[name].frame.index
        if name != NEW_NAME:
            return np.ones(len(index), bool)
        if len(self.names) <= RENAMED or not self._is_played(CORRECTED):
            return np.zeros(len(index), bool)
        before = int((index < CORRECTED + DAY).sum())
        return np.arange(len(index)) >= before - FIRST_ANSWER_BARS

    def filled(self) -> int:
        """How many of the holes that were told were filled: of none there is none."""
        return 0

    def late(self) -> int:
        """How many bars did not come with the first runs that can send them."""
        return sum(len(late) for _, late in self._late_bars())

    def _judge_delays(self) -> Iterator[str]:
        for name, late in self._late_bars():
            yield f"{name}: {len(late)} bars late, the first {late[0]}"

    def _late_bars(self) -> Iterator[tuple[str, list[datetime]]]:
        """Of each share whose bars were not all there with the first three runs after them that can send."""
        able = [
            each
            for each in self.moments()
            if not any(since <= each < until for since, until in (OUTAGE, STREAM_REFUSES))
        ]
        due = {
            start: f"{able[min(bisect_left(able, end) + 2, len(able) - 1)]:%Y-%m-%dT%H:%M:%S}~"
            for start, end in self._bars
        }
        for name in self.names:
            starts = pd.DatetimeIndex(self.series[name].frame.index).to_pydatetime()
            seen = zip(starts, self.lake.first_seen[name], strict=True)
            if late := [start for start, moment in seen if moment and moment > due[start]]:
                yield name, late

    def _judge_requests(self) -> Iterator[str]:
        counts = Counter(moment for moment, _ in self.server.asked)
        for moment, count in counts.items():
            if count > -(-len(self.names) // TOGETHER):
                yield f"at {moment} {count} requests were made"

    def expected_notices(self) -> Iterator[Notice]:
        """What is told."""
        told = [
            (at("06-24 13:30"), 5, "split suspected", "1:8 2026-06-24"),
            (HALVED[1], HALVED[0], "split suspected", "2:1 2026-07-28"),
            (CRASH[1], CRASH[0], "price moved", "2026-10-13"),
            (at("01-28 14:30"), RENAMED, "instrument silent", ""),
            (at("04-28 13:30"), SUSPENDED[0], "instrument silent", ""),
        ]
        for moment, place, message, which in told:
            if self._is_played(moment) and place < len(self.names):
                yield Notice(message, self.names[place], which)
        for name, start in self.server.others_shown:
            if start == IMPOSSIBLE[1]:
                yield Notice("bar rejected", name, format_time(start))
        for day in {f"{start:%Y-%m-%d}" for _, start in self.server.others_shown}.intersection(LEFT_OUT):
            yield Notice("bars left out", "XNYS", day)
        for moment, message in ((OUTAGE[0], "provider failed"), (STREAM_REFUSES[0], "stream refused bars")):
            if self._is_played(moment):
                yield Notice(message, "")

    def _notice_of(self, line: Mapping[str, str]) -> Notice:
        notice = read_notice(line)
        return notice._replace(about="") if notice.message in REPEATED else notice

    def causes(self) -> Iterator[Cause]:
        """Which alarms have to ring, and why."""
        # CloudWatch looks at three periods of five minutes: what is in the oldest may ring anew.
        soon, later = 16 * MINUTE, timedelta(hours=3)
        causes = []
        # All night long nothing is asked for, so that each day of the outage is told by itself.
        for day in NEW_YORK.days():
            ((opens, closes),) = NEW_YORK.sessions(day)
            if OUTAGE[0] < closes < OUTAGE[1]:
                begins = max(opens, OUTAGE[0])
                causes.append(Cause("PipelineDownAlarm", begins, begins + 2 * HOUR, closes + later))
            if STREAM_REFUSES[0] <= closes < STREAM_REFUSES[1]:
                causes.append(Cause("PipelineDownAlarm", closes + SOON, closes + soon, closes + later))
        for alarm, place, moment in (
            ("PriceMoveAlarm", 5, at("06-24 20:00")),
            ("PriceMoveAlarm", HALVED[0], at("07-28 20:00")),
            ("PriceMoveAlarm", CRASH[0], at("10-13 20:00")),
            *(
                ("BarsImpossibleAlarm", IMPOSSIBLE[0], shown - SOON)
                for (_, start), shown in self.server.others_shown.items()
                if start == IMPOSSIBLE[1]
            ),
            ("InstrumentSilentAlarm", RENAMED, at("01-28 21:00")),
            ("InstrumentSilentAlarm", SUSPENDED[0], at("04-28 20:00")),
        ):
            if place < len(self.names):
                causes.append(Cause(alarm, moment, moment + soon, moment + later))
        for each in causes:
            if self._is_played(each.after):
                yield each

    # What there is.

    def _is_played(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def _confirmed(self) -> Iterator[tuple[str, datetime, Split]]:
        for place, (moment, new, old) in SPLITS.items():
            if place < len(self.names):
                yield self.names[place], CONFIRMED[place], Split(format_time(moment), new, old)
        yield self.names[HALVED[0]], DENIED, Split(format_time(HALVED[1]), 1, 1)

    def _odd(self) -> Iterator[tuple[int, datetime]]:
        """By the place of a share, a bar of the day on which something befalls it."""
        yield from ((place, split[0]) for place, split in SPLITS.items() if place < len(self.names))
        yield from ((place, bars[0]) for place, bars in HALTS.items() if place < len(self.names))
        yield from ((place, moment) for place, moment in (HALVED, CRASH) if place < len(self.names))

    def _make_series(self, place: int) -> Series:
        def of(*bars: datetime) -> list[datetime]:
            return [each for each in bars if each in self._starts]

        gone = set(HALTS.get(place, ()))
        gone |= {IMPOSSIBLE[1]} if place == IMPOSSIBLE[0] else set()
        gone |= {start for start, _ in NEW_YORK.bars(SUSPENDED[1], HOUR)} if place == SUSPENDED[0] else set()
        renamed = RENAMED if self._is_played(CORRECTED) else None
        moment, new, old = SPLITS.get(place, (self.start, 1, 1))
        return Series(
            self.names[place],
            [bar for bar in self._bars if place != renamed or bar[0].date() <= LAST_DAY],
            splits=[Shares(each, new, old) for each in of(moment)],
            gone=gone,
            halved=next(iter(of(HALVED[1])), None) if place == HALVED[0] else None,
            crash=next(iter(of(CRASH[1])), None) if place == CRASH[0] else None,
            prints=of(PRINTS[place]) if place in PRINTS else (),
        )
