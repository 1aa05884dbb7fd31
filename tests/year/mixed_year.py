"""The year 2026 of thirty mixed instruments: six exchanges, currencies and coins, through Alpha Vantage.

What there is and what befalls it is written here by hand, on the exchanges' own calendars (published_year);
the plan has as many requests a day as the fullest day takes. What the producer and the transform make of it
is judged by that, and by what the provider's server showed: whatever it showed has to be in the lake.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np
import requests
from published_year import EXCHANGES, PublishedYear, currency_week_bars, round_the_clock_bars
from told import Said, Told
from verdict_of_year import Cause, Notice, judge_alarms, judge_bars, judge_notices, read_notice
from year_of_a_producer import NumbersLake, Series, Shares, YearWorld

from producer.planning.planner import Plan
from stockstream.splits import Split
from stockstream.times import format_time

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LENGTH, INTERVAL = 15 * MINUTE, "15min"
# A run comes each minute while anything is asked for or wrong, else each ten minutes.
QUIET = 10 * MINUTE

FOLLOWED = {
    "New York": ("IBM", "INTC", "FB", "TWTR", "GME", "MSFT", "AAPL", "F", "T", "KO"),
    "Toronto": ("SHOP.TRT", "RY.TRT", "TD.TRT", "ENB.TRT"),
    "London": ("TSCO.LON", "VOD.LON", "BP.LON", "AZN.LON"),
    "Frankfurt": ("MBG.DEX", "SAP.DEX", "BMW.DEX", "ALV.DEX"),
    "Bombay": ("RELIANCE.BSE", "TCS.BSE"),
    "Shanghai": ("600104.SHH", "600036.SHH"),
    "currencies": ("fx:EUR/USD", "fx:GBP/USD"),
    "coins": ("crypto:BTC/USD", "crypto:ETH/USD"),
}
# By ISO 10383.
CODES = {
    "New York": "XNYS", "Toronto": "XTSE", "London": "XLON", "Frankfurt": "XETR", "Bombay": "XBOM",
    "Shanghai": "XSHG",
}  # fmt: skip
# A request after each session, of which Shanghai has two a day; and one a day for what never closes, which
# are asked a little sooner than after each 99 bars, since many others are due at the same minutes. With one
# request less the producer warns that bars will be missed.
REQUESTS_A_DAY = 10 + 4 + 4 + 4 + 2 + 2 * 2 + 2 + 2 + 2
REQUESTS_A_MINUTE = 5


def at(text: str) -> datetime:
    """A moment of 2026, UTC: `05-11 10:00`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


# Nobody answers for a week, and for two days, then with a plan that has no long answers any more.
OUTAGES = ((at("05-11 10:00"), at("05-18 10:00")), (at("10-06 08:00"), at("10-08 12:00")))
NO_LONG_ANSWERS = at("09-01 00:00")
STREAM_REFUSES = at("07-15 18:00"), at("07-15 22:00")
# FB is META, and its last day stays on show. TWTR is gone, and refused. A person corrects the list.
RENAMED, GONE, CORRECTED = at("03-10 00:00"), at("03-11 00:00"), at("03-18 04:00")
NEW_NAMES = {"FB": "META", "TWTR": "ABNB"}


class Fate(NamedTuple):
    """What befalls one instrument: days, and bars of a day by their number."""

    splits: tuple[tuple[str, int, int], ...] = ()
    halved: str | None = None
    crash: tuple[str, int] | None = None
    halt: tuple[tuple[str, int], ...] = ()
    suspended: str | None = None
    prints: tuple[tuple[str, int], ...] = ()
    impossible: tuple[tuple[str, int], ...] = ()
    silent_volume: tuple[tuple[str, int], ...] = ()
    until: str = "12-31"


FATES = {
    "IBM": Fate(splits=(("03-24", 10, 1),)),
    "MBG.DEX": Fate(splits=(("06-24", 1, 8),)),
    "RELIANCE.BSE": Fate(splits=(("09-22", 3, 2),)),
    "INTC": Fate(halved="07-21"),
    "AAPL": Fate(crash=("10-13", 22)),
    "GME": Fate(halt=(("04-22", 4), ("04-22", 5)), suspended="04-28"),
    "MSFT": Fate(prints=(("02-10", 5), ("11-27", 3))),
    "TSCO.LON": Fate(prints=(("06-10", 33),)),
    "crypto:BTC/USD": Fate(prints=(("08-12", 13),)),
    "F": Fate(impossible=(("02-25", 3),)),
    "T": Fate(silent_volume=(("07-08", 0), ("07-08", 2))),
    "FB": Fate(until="03-09"),
    "TWTR": Fate(until="03-10"),
}
# Between two of its bars.
STAMPED_WRONGLY = {"F": datetime(2026, 8, 19, 14, 7, 37, tzinfo=UTC)}
# What a person says of a split, and when: the evening before, two days late, the evening before; and that
# there was none.
CONFIRMED = (
    (at("03-24 04:00"), "IBM", at("03-24 13:30"), 10, 1),
    (at("06-26 06:00"), "MBG.DEX", at("06-24 07:00"), 1, 8),
    (at("09-22 03:00"), "RELIANCE.BSE", at("09-22 03:45"), 3, 2),
    (at("07-23 06:00"), "INTC", at("07-21 13:30"), 1, 1),
)


class Span(NamedTuple):
    """The part of the year that is played, and of what."""

    start: datetime = at("01-02 22:30")
    end: datetime = at("12-31 23:59") + 6 * 60 * MINUTE
    names: frozenset[str] = frozenset(chain(*FOLLOWED.values()))
    requests_a_day: int = REQUESTS_A_DAY


def exchange_of(name: str) -> str:
    """Where an instrument is traded, by FOLLOWED."""
    old = {new: old for old, new in NEW_NAMES.items()}.get(name, name)
    return next(exchange for exchange, names in FOLLOWED.items() if old in names)


class MixedYear:
    """The world of it, and what has to be found in it afterwards."""

    def __init__(self, span: Span = Span()) -> None:  # noqa: B008 (it does not change)
        self.span, self.start, self.end = span, span.start, span.end
        self.told = Told()
        self.runs = 0
        self._bars_of_day: dict[str, dict[date, list[tuple[datetime, datetime]]]] = {}
        names = [each for names in FOLLOWED.values() for each in names if each in span.names]
        later = [NEW_NAMES[each] for each in names if each in NEW_NAMES]
        self.series = {each: self._make_series(each) for each in (*names, *later)}
        self.strays = {first: _strays(EXCHANGES[key]) for key, first in self._first_names().items()}
        for name, moment in STAMPED_WRONGLY.items():
            if name in names:
                self.strays.setdefault(name, []).append(moment)
        impossible = {
            name: [self._bar(name, *bar)[0] for bar in FATES.get(name, Fate()).impossible] for name in names
        }
        plan = Plan(span.requests_a_day, REQUESTS_A_MINUTE)
        self.world = YearWorld(self.series, plan, span.start, INTERVAL, self.strays, impossible)
        self.server = self.world.server
        self.server.refuse = self._refuse
        self.lake = NumbersLake({name: _times(each) for name, each in self.series.items()})
        self.world.stream = self.lake  # type: ignore[assignment]
        self.world.follow(",".join(names))

    def play(self) -> Iterator[datetime]:
        """Runs the year, and says after each run when it was."""
        now, is_corrected = self.start, False
        with self.told.listening():
            while now < self.end:
                if now >= CORRECTED and not is_corrected:
                    is_corrected = True
                    names = [NEW_NAMES.get(each.name, each.name) for each in self.world.instruments]
                    self.world.follow(",".join(names))
                for told_at, name, moment, new, old in CONFIRMED:
                    said = self.world.known_splits.setdefault(name, [])
                    split = Split(format_time(moment), new, old)
                    if told_at <= now and split not in said:
                        said.append(split)
                self.lake.refuses = STREAM_REFUSES[0] <= now < STREAM_REFUSES[1]
                asked = len(self.server.asked)
                self.world.run_at(now + 20 * timedelta(seconds=1))
                self.told.end_run(now)
                self.runs += 1
                yield now
                is_busy = len(self.server.asked) > asked or not self.told.is_well
                now += MINUTE if is_busy else QUIET - (now - self.start) % QUIET

    # What is to be found.

    def judge(self) -> Iterator[str]:
        """What is wrong, as sentences."""
        for name, when in self.lake.strange:
            yield f"{name}: {when} is no bar, and was sent"
        for name, series in self.series.items():
            shown = series.unrevised(self.server.unrevised[name])
            fate = FATES.get(name, Fate())
            prints = [self._bar(name, *each)[0] for each in fate.prints]
            yield from judge_bars(shown, self.lake, self.expected(name), prints, self._odd(name, fate), 29)
        yield from self._judge_requests()
        # A run that leaves something for the next one says so, and rings nothing.
        said = [each for each in self.told.said if each.line.get("kind") != "AllowanceSpentError"]
        found = map(self._notice_of, said)
        yield from judge_notices(found, self.expected_notices())
        yield from judge_alarms(self.told.rang(self.start, self.end), list(self.causes()))

    def expected(self, name: str) -> np.ndarray:
        """Of each bar of an instrument whether it has to be in the lake: whatever any answer showed.

        What was before the first answer is history. It may come with a long answer, and need not.
        """
        times, showed = _times(self.series[name]), self.server.showed[name]
        shown = np.zeros(len(times), bool)
        for _, oldest, newest in showed:
            shown[bisect_left(times, oldest) : bisect_right(times, newest)] = True
        history = bisect_left(times, showed[0].oldest) if showed else 0
        shown[:history] &= self.lake.sent(name)[:history]
        return shown

    def holes(self) -> list[tuple[datetime, Notice]]:
        """The gaps between what an instrument had shown before a run and what it showed in it, and when."""
        found = []
        for name, series in self.series.items():
            times, newest = _times(series), None
            for moment, answers in groupby(self.server.showed[name], key=lambda each: each.at):
                run = list(answers)
                oldest = min(each.oldest for each in run)
                if newest and any(newest < each < oldest for each in times):
                    which = f"{format_time(newest)} {format_time(oldest)}"
                    found.append((moment, Notice("hole found", name, which)))
                newest = max(each.newest for each in run)
        return found

    def filled(self) -> int:
        """How many of the holes that were told a longer answer has filled."""
        count = 0
        for _, (_, name, which) in self.holes():
            after, before = map(datetime.fromisoformat, which.split())
            sent = self.lake.sent(name)
            count += all(sent[n] for n, each in enumerate(_times(self.series[name])) if after < each < before)
        return count

    def late(self) -> int:
        """How many bars came later than an hour after their close, or of what never closes after 100 bars.

        On a plan that only just fits, a request after a close may be left out for another's, or its second
        one, which brings a closing auction: the next day's brings the bars. Not counted are the first days,
        which are for the first answers, and those after an outage, for what it left.
        """
        not_counted = [(since - DAY, until + 7 * DAY) for since, until in (*OUTAGES, STREAM_REFUSES)]
        count = 0
        for name, series in self.series.items():
            closes = sorted(self._closes(exchange_of(name)))
            begins = (CORRECTED if name in NEW_NAMES.values() else self.start) + 2 * DAY
            for end, seen in zip(series.ends, self.lake.first_seen[name], strict=True):
                if seen is None or end < begins or any(since <= end < until for since, until in not_counted):
                    continue
                due = end + 100 * LENGTH
                if closes:
                    # A closing auction is after the close.
                    due = closes[min(bisect_left(closes, end - 2 * LENGTH), len(closes) - 1)] + timedelta(
                        hours=1
                    )
                count += datetime.fromisoformat(seen) > due
        return count

    def _closes(self, place: str) -> Iterator[datetime]:
        for sessions in EXCHANGES[place].days().values() if place in EXCHANGES else ():
            yield from (each.closes for each in sessions)

    def _judge_requests(self) -> Iterator[str]:
        clock = EXCHANGES["New York"]
        days = Counter(clock.day_of(moment) for moment, _ in self.server.asked)
        for day, count in days.items():
            if count > self.span.requests_a_day:
                yield f"on {day} {count} requests were made"
        for moment, asked in self.server.asked:
            if asked["outputsize"] == "full" and not any(
                until <= moment < until + 7 * DAY or (moment >= NO_LONG_ANSWERS and moment >= until)
                for _, until in ((self.start, self.start), *OUTAGES)
            ):
                yield f"a long answer was asked for at {moment}, and the plan was to do without"
            if asked["function"] == "TIME_SERIES_INTRADAY" and not self._is_time_to_ask(
                asked["symbol"], moment
            ):
                yield f"{asked['symbol']} was asked for at {moment}, while its exchange was closed"

    def _is_time_to_ask(self, name: str, moment: datetime) -> bool:
        """In a session, and an hour after it; six hours where no answer has come since.

        Where the next year has begun it may be asked: what that brings has not been published here.
        """
        exchange = EXCHANGES[exchange_of(name)]
        if exchange.day_of(moment).year > self.start.year:
            return True
        hours = timedelta(hours=6)
        is_answered = name not in NEW_NAMES and not any(
            since <= moment < until + hours for since, until in OUTAGES
        )
        waits = timedelta(hours=1) if is_answered else hours
        return any(
            session.opens <= moment < session.closes + waits
            for day in (exchange.day_of(moment), exchange.day_of(moment) - DAY)
            for session in exchange.sessions(day)
        )

    def expected_notices(self) -> Iterator[Notice]:
        """What is told: of what an answer showed, of what lasted, and of what was missing."""
        shown = [
            ("MBG.DEX", at("06-24 07:00"), Notice("split suspected", "MBG.DEX", "1:8 2026-06-24")),
            ("INTC", at("07-21 13:30"), Notice("split suspected", "INTC", "2:1 2026-07-21")),
            ("AAPL", at("10-13 19:00"), Notice("price moved", "AAPL", "2026-10-13")),
            ("F", at("02-25 15:15"), Notice("bar rejected", "F", "2026-02-25 10:15:00")),
            ("F", STAMPED_WRONGLY["F"], Notice("bar rejected", "F", "2026-08-19T14:07:37Z")),
            ("TCS.BSE", at("02-01 04:00"), Notice("session that no calendar has", "XBOM", "2026-02-01")),
            ("TCS.BSE", at("11-08 12:45"), Notice("session that no calendar has", "XBOM", "2026-11-08")),
            *(
                (name, moment, Notice("bars left out", CODES[exchange_of(name)], f"{moment:%Y-%m-%d}"))
                for name, moments in self.strays.items()
                for moment in moments
                if moment != STAMPED_WRONGLY.get(name)
            ),
        ]
        yield from (notice for name, moment, notice in shown if self._shown_at(name, moment))
        lasted = [
            ("FB", RENAMED, Notice("instrument silent", "FB")),
            ("GME", at("04-28 13:30"), Notice("instrument silent", "GME")),
            ("TWTR", GONE, Notice("provider failed", "TWTR")),
            ("", STREAM_REFUSES[0], Notice("stream refused bars", "")),
            *(("", since, Notice("provider failed", f"outage of {since:%m-%d}")) for since, _ in OUTAGES),
        ]
        for name, moment, notice in lasted:
            if self.start <= moment < self.end - DAY and name in {"", *self.span.names}:
                yield notice
        holes = self.holes()
        yield from (notice for _, notice in holes)
        if any(moment >= NO_LONG_ANSWERS for moment, _ in holes):
            yield Notice("longer answer did not come", "")

    def _notice_of(self, said: Said) -> Notice:
        """What a line says; of what lasts, as what of it was to be expected."""
        notice, moment = read_notice(said.line), said.at
        if notice.message == "provider failed":
            outage = [f"outage of {since:%m-%d}" for since, until in OUTAGES if since <= moment < until]
            return Notice(notice.message, *(outage or [said.line["detail"].partition(":")[0]]))
        lasts = {
            "stream refused bars": STREAM_REFUSES,
            "longer answer did not come": (OUTAGES[1][1], self.end),
        }
        since, until = lasts.get(notice.message, (self.start, self.start))
        return Notice(notice.message, "") if since <= moment < until else notice

    def causes(self) -> Iterator[Cause]:
        """Which alarms have to ring, and why: what was shown, what lasted, what was missing."""
        # CloudWatch looks at three periods of five minutes: what is in the oldest may ring anew where no run
        # has measured anything since.
        hour, minutes = timedelta(hours=1), 16 * MINUTE
        bars = {
            "PriceMoveAlarm": [
                ("MBG.DEX", at("06-24 07:00")),
                ("INTC", at("07-21 13:30")),
                ("AAPL", at("10-13 19:00")),
            ],
            "BarsImpossibleAlarm": [("F", at("02-25 15:15")), ("F", STAMPED_WRONGLY["F"])],
        }
        for alarm, each in bars.items():
            for shown in (self._shown_at(*bar) for bar in each):
                if shown:
                    yield Cause(alarm, shown, shown + minutes, shown + 3 * hour)
        for moment, _ in self.holes():
            yield Cause("HolesFoundAlarm", moment, moment + minutes, moment + hour)
        lasted = [
            # Who is asked once a day waits until then after an outage that has spent the day's requests.
            *(
                ("", Cause("PipelineDownAlarm", since, since + 6 * hour, until + DAY))
                for since, until in OUTAGES
            ),
            ("", Cause("PipelineDownAlarm", *STREAM_REFUSES, STREAM_REFUSES[1] + DAY)),
            ("FB", Cause("InstrumentSilentAlarm", RENAMED, RENAMED + 2 * DAY, RENAMED + 3 * DAY)),
            ("GME", Cause("InstrumentSilentAlarm", at("04-28 15:30"), at("04-29 20:00"), at("04-29 21:00"))),
        ]
        # At night nothing is asked for: each day's refusals are told.
        for day, ((opens, closes), *_) in EXCHANGES["New York"].days().items():
            if GONE.date() <= day < CORRECTED.date():
                lasted.append(
                    ("TWTR", Cause("ProviderRefusalsAlarm", opens, closes + hour, closes + 9 * hour))
                )
        for name, cause in lasted:
            if self.start <= cause.after < self.end and name in {"", *self.span.names}:
                yield cause

    def _shown_at(self, name: str, moment: datetime) -> datetime | None:
        """When an answer showed a bar for the first time."""
        return next(
            (each.at for each in self.server.showed.get(name, ()) if each.oldest <= moment <= each.newest),
            None,
        )

    # What there is.

    def _first_names(self) -> dict[str, str]:
        first = {
            key: next((each for each in FOLLOWED[key] if each in self.span.names), None) for key in EXCHANGES
        }
        return {key: name for key, name in first.items() if name}

    def _make_series(self, name: str) -> Series:
        fate = FATES.get(name, Fate())
        gone = {self._bar(name, *each)[0] for each in (*fate.halt, *fate.impossible)}
        if fate.suspended:
            gone |= {start for start, _ in self._days(name)[_day(fate.suspended)]}
        days = self._days(name).items()
        bars = [bar for day, of_day in days if f"{day:%m-%d}" <= fate.until for bar in of_day]
        return Series(
            name,
            bars,
            splits=[Shares(self._bar(name, day, 0)[0], new, old) for day, new, old in fate.splits],
            gone=gone,
            halved=self._bar(name, fate.halved, 0)[0] if fate.halved else None,
            crash=self._bar(name, *fate.crash)[0] if fate.crash else None,
            prints=[self._bar(name, *each)[0] for each in fate.prints],
            silent_volume=[start for start, _ in bars]
            if name.startswith("fx:")
            else [self._bar(name, *each)[0] for each in fate.silent_volume],
        )

    def _days(self, name: str) -> dict[date, list[tuple[datetime, datetime]]]:
        place = exchange_of(name)
        if place not in self._bars_of_day:
            if place in EXCHANGES:
                year = EXCHANGES[place]
                days = {day: year.bars(day, LENGTH) for day in year.days()}
            else:
                bars = (currency_week_bars if place == "currencies" else round_the_clock_bars)(LENGTH)
                days = {day: list(each) for day, each in groupby(bars, key=lambda bar: bar[0].date())}
            self._bars_of_day[place] = days
        return self._bars_of_day[place]

    def _bar(self, name: str, day: str, number: int) -> tuple[datetime, datetime]:
        return self._days(name)[_day(day)][number]

    def _odd(self, name: str, fate: Fate) -> list[datetime]:
        """The first bars of the days on which something befalls it."""
        days = [str(each[0]) for each in (*fate.splits, *fate.halt, *fate.prints, *fate.silent_volume)]
        days += [day for day in (fate.halved, fate.suspended, fate.crash[0] if fate.crash else None) if day]
        return [self._bar(name, day, 0)[0] for day in days]

    def _refuse(self, asked: dict[str, str]) -> bytes | Exception | None:
        now = self.world.clock.now
        if any(since <= now < until for since, until in OUTAGES):
            return requests.ConnectionError("no answer")
        if asked.get("symbol") == "TWTR" and now >= GONE:
            return b'{"Error Message": "Invalid API call. Please retry or visit the documentation."}'
        if asked["outputsize"] == "full" and now >= NO_LONG_ANSWERS:
            return b'{"Information": "This is a premium endpoint."}'
        return None


def _day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def _times(series: Series) -> list[datetime]:
    return [each.to_pydatetime() for each in series.frame.index]


def _strays(year: PublishedYear) -> list[datetime]:
    """A bar at noon of each holiday and of three Saturdays, and two hours after the close of half a day."""
    days = [*year.holidays.split(), "02-07", "05-09", "08-08"]
    late = [year.sessions(_day(day))[-1].closes + timedelta(hours=2) for day in year.early]
    return [*(year.at(_day(day), "12:00") for day in days), *late]
