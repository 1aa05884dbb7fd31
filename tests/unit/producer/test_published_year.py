"""The year 2026 of six exchanges through the real producer, Alpha Vantage's client and the transform.

Which bars there are is what the exchanges published, and every number is NumPy's over the whole series. What
befalls a share is in each year: three splits, a price that halves and is no split, bad prints, a halt, a day
of suspension, an outage of a week, corrections, volumes that nobody reports, and bars of no session at all.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import NamedTuple

import pytest
import requests
from minutes_of_a_producer import World
from published_year import EXCHANGES, PublishedYear
from year_of_a_producer import Lake, Series, Shares, YearWorld, check_numbers, notices, spikes

from producer.planning.planner import Plan
from stockstream.instruments import parse_instrument
from stockstream.observability import metrics
from stockstream.sessions import market_of, sessions_between
from stockstream.splits import Split
from stockstream.times import format_time

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SOON = timedelta(minutes=2, seconds=20)
PAID = Plan(None, 5)
MUHURAT = date(2026, 11, 8)


class Fate(NamedTuple):
    """What befalls a share in its year, all of it at positions among the year's days of trading."""

    days: list[date]
    splits: tuple[Shares, ...]
    halved: date
    halt: tuple[datetime, ...]
    prints: tuple[datetime, ...]
    silent_volume: tuple[datetime, ...]
    outage: tuple[datetime, datetime]


def fate_of(bars: dict[date, list[tuple[datetime, datetime]]]) -> Fate:
    days = list(bars)
    first = [bars[day][0][0] for day in days]

    def place(number: int) -> int:
        """The same part of these days as a day is of a year of 250."""
        return number * len(days) // 250

    halt, outage, silent = place(80), place(100), place(150)
    return Fate(
        days,
        (Shares(first[place(55)], 10, 1), Shares(first[place(130)], 1, 8), Shares(first[place(190)], 3, 2)),
        days[place(215)],
        # Two bars of one day, and all of another.
        (*(start for start, _ in bars[days[halt]][1:3]), *(start for start, _ in bars[days[halt + 4]])),
        tuple(bars[days[place(number)]][2][0] for number in (40, 118, 200)),
        tuple(bars[days[silent]][number][0] for number in (0, 2)),
        (first[outage] - HOUR, first[outage + 5] - HOUR),
    )


def strays_of(year: PublishedYear) -> list[datetime]:
    """A bar at noon of each holiday, of a Saturday each month, and one after the close of half a day."""
    saturdays = [date(2026, month, day) for month, day in ((2, 7), (5, 9), (8, 8))]
    holidays = [date.fromisoformat(f"2026-{day}") for day in year.holidays.split()]
    late = [year.bars(date.fromisoformat(f"2026-{day}"), HOUR)[-1][0] + 2 * HOUR for day in year.early]
    return [*(year.at(day, "12:00") for day in (*saturdays, *holidays)), *late]


def runs_of(days: Collection[Sequence[tuple[datetime, datetime]]]) -> list[datetime]:
    """After each fourth bar and each close, half an hour later, and twice on each day of the year."""
    each_day = (datetime.fromisoformat("2026-01-01T04:07Z") + number * 12 * HOUR for number in range(2 * 365))
    ends = [end for bars in days for _, end in (*bars[3:-1:4], bars[-1])]
    closes = [bars[-1][1] + SOON + HOUR / 2 for bars in days]
    # Before a break at noon, too.
    ends += [end for bars in days for (_, end), (start, _) in pairwise(bars) if end < start]
    return sorted({*(end + SOON for end in ends), *closes, *each_day})


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The sums of the producer's metrics."""
    sums: Counter[str] = Counter()
    monkeypatch.setattr(metrics, "add_metric", lambda name, _unit, value: sums.update({name: value}))
    return sums


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_calendars_have_the_sessions_that_the_exchange_published(exchange: str) -> None:
    year = EXCHANGES[exchange]
    market = market_of(parse_instrument(year.symbol), "regular")
    known = sessions_between(market, year.at(date(2026, 1, 1), "00:00"), year.at(date(2027, 1, 1), "00:00"))

    ordinary = [
        (each.opens, each.closes)
        for day, sessions in year.days().items()
        if f"{day:%m-%d}" not in year.special
        for each in sessions
    ]

    assert [(each.opens, each.closes) for each in known] == ordinary


@pytest.mark.parametrize(
    ("exchange", "since"),
    [
        # The half with the half days, and with the longer week in which the clocks are put back.
        pytest.param("New York", date(2026, 7, 1), id="the second half in New York"),
        *(pytest.param(each, date(2026, 1, 1), marks=pytest.mark.slow, id=each) for each in EXCHANGES),
    ],
)
def test_a_year_of_one_share_is_what_the_exchange_published(
    exchange: str, since: date, log: StringIO, counted: Counter[str]
) -> None:
    year = EXCHANGES[exchange]
    instrument = parse_instrument(year.symbol)
    # One bar alone makes no session: muhurat trading in bars of an hour is left out, and told.
    bars = {day: year.bars(day, HOUR) for day in year.days() if day >= since and day != MUHURAT}
    fate = fate_of(bars)
    every_bar = [bar for day in bars.values() for bar in day]
    series = Series(
        year.symbol,
        every_bar,
        splits=fate.splits,
        gone=fate.halt,
        halved=bars[fate.halved][0][0],
        prints=fate.prints,
        silent_volume=fate.silent_volume,
    )
    strays = strays_of(year) + [start for start, _ in year.bars(MUHURAT, HOUR)]
    strays = [each for each in strays if each > every_bar[0][0]]
    world = YearWorld({year.symbol: series}, PAID, every_bar[0][0], "60min", {year.symbol: strays})
    world.server.refuse = lambda _asked: (
        requests.ConnectionError("no answer") if fate.outage[0] <= world.clock.now < fate.outage[1] else None
    )
    said = world.known_splits.setdefault(instrument.name, [])
    first = [bars[day][0][0] for day in fate.days]

    def two_days_after(opening: datetime) -> datetime:
        return first[first.index(opening) + 2]

    runs = [each for each in runs_of(bars.values()) if each.date() >= since]
    for moment in runs:
        # The second split is confirmed two days late, and that the price halved for another reason, too.
        known = {
            fate.splits[0].at - HOUR: (fate.splits[0].at, 10, 1),
            two_days_after(fate.splits[1].at): (fate.splits[1].at, 1, 8),
            fate.splits[2].at - HOUR: (fate.splits[2].at, 3, 2),
            two_days_after(bars[fate.halved][0][0]): (bars[fate.halved][0][0], 1, 1),
        }
        said[:] = [
            Split(format_time(at), new, old) for told, (at, new, old) in known.items() if told <= moment
        ]
        world.run_at(moment)

    check_numbers(series, world.lake.documents[instrument.name])
    assert spikes(world.lake.documents[instrument.name]) == sorted(fate.prints)
    told = notices(log.getvalue())
    assert told.pop("provider failed") > 0
    # What comes after the year's last close is shown in no answer.
    shown = {each.date() for each in strays if each < every_bar[-1][1]}
    assert told == Counter(
        {"split suspected": 2, "bars left out": len(shown)}
        | ({"session that no calendar has": 1} if year.special else {})
    )
    assert (counted["HolesFound"], counted["BarsImpossible"], counted["InstrumentsSilent"]) == (0, 0, 0)
    assert_on_time(world, year, series, runs, fate)
    assert_asked_in_sessions_alone(world, year, fate)


def assert_on_time(
    world: YearWorld, year: PublishedYear, series: Series, runs: Sequence[datetime], fate: Fate
) -> None:
    """A bar is sent by the first run after its end; but for the outage, and days that no calendar has."""
    for start, end in zip(series.frame.index, series.ends, strict=True):
        if fate.outage[0] <= start < fate.outage[1] or f"{year.day_of(start):%m-%d}" in year.special:
            continue
        due = runs[bisect_left(runs, end + SOON)]
        assert world.lake.first_seen[year.symbol][start.to_pydatetime()] == due, start


def assert_asked_in_sessions_alone(world: YearWorld, year: PublishedYear, fate: Fate) -> None:
    """Nothing is asked for while the exchange is closed, but for an hour, or six without an answer."""
    sessions = [each for day, of_day in year.days().items() for each in of_day]
    strange = [
        moment
        for moment, _ in world.server.asked
        if not any(
            opens <= moment < closes + (6 * HOUR if fate.outage[0] <= moment < fate.outage[1] else HOUR)
            for opens, closes in sessions
        )
    ]
    assert strange == []


# Of each exchange the days on which something is odd, from one to the other: DST in America and in Europe,
# half days, lunch breaks, sessions that no calendar has, the longest pauses.
WEEKS = [
    ("New York", "03-05", "03-10"),
    ("New York", "10-29", "11-03"),
    ("New York", "11-25", "11-30"),
    ("New York", "12-23", "12-28"),
    ("Toronto", "06-30", "07-02"),
    ("Toronto", "12-23", "12-29"),
    ("London", "03-26", "03-31"),
    ("London", "10-22", "10-27"),
    ("London", "12-23", "12-31"),
    ("Frankfurt", "04-01", "04-08"),
    ("Frankfurt", "10-22", "10-27"),
    ("Frankfurt", "12-28", "12-30"),
    ("Bombay", "01-29", "02-03"),
    ("Bombay", "11-05", "11-11"),
    ("Shanghai", "02-12", "02-25"),
    ("Shanghai", "09-29", "10-09"),
]
FIVE = timedelta(minutes=5)


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("exchange", "first", "last"), WEEKS, ids=[" ".join(each[:2]) for each in WEEKS])
def test_odd_days_in_bars_of_five_minutes_are_what_the_exchange_published(
    exchange: str, first: str, last: str, log: StringIO, counted: Counter[str]
) -> None:
    year = EXCHANGES[exchange]
    days = [day for day in year.days() if first <= f"{day:%m-%d}" <= last]
    bars = [bar for day in days for bar in year.bars(day, FIVE)]
    series = Series(year.symbol, bars)
    world = YearWorld({year.symbol: series}, PAID, bars[0][0], "5min")
    # Every half hour, after each close, and when what a closing auction has made is asked for.
    runs = {end + SOON for _, end in bars if end.minute % 30 == 0}
    for day in days:
        runs |= {each.closes + wait for each in year.sessions(day) for wait in (SOON, SOON + HOUR / 2)}

    for moment in sorted(runs):
        world.run_at(moment)

    check_numbers(series, world.lake.documents[parse_instrument(year.symbol).name], every=7)
    special = [day for day in days if f"{day:%m-%d}" in year.special]
    assert notices(log.getvalue()) == Counter({"session that no calendar has": 1} if special else {})
    assert (counted["HolesFound"], counted["BarsImpossible"]) == (0, 0)
    # Each of a day's bars is there an hour after the close at the latest.
    for day in set(days) - set(special):
        ends = [end for _, end in year.bars(day, FIVE)]
        seen = [world.lake.first_seen[year.symbol][start] for start, _ in year.bars(day, FIVE)]
        assert max(seen) <= max(ends) + HOUR, day


@pytest.mark.parametrize("is_refused", [True, False], ids=["it is unknown", "its last day is shown for ever"])
def test_a_share_that_is_renamed_is_told_by_its_name_and_followed_under_its_new_one(
    log: StringIO, *, is_refused: bool
) -> None:
    year = EXCHANGES["New York"]
    days = [day for day in year.days() if f"{day:%m-%d}" >= "03-02"][:20]
    bars = [bar for day in days for bar in year.bars(day, HOUR)]
    renamed_at, corrected_at = (year.bars(days[number], HOUR)[0][0] for number in (14, 17))
    old = Series("FB", [bar for bar in bars if bar[0] < renamed_at])
    # Under the new name the provider has the history of the old one, too.
    new, other = Series("META", bars), Series("IBM", bars)
    world = YearWorld({"IBM": other, "FB": old, "META": new}, PAID, bars[0][0], "60min")
    world.follow("IBM,FB")
    unknown = b'{"Error Message": "Invalid API call. Please retry or visit the documentation."}'
    world.server.refuse = lambda asked: (
        unknown if is_refused and asked["symbol"] == "FB" and world.clock.now >= renamed_at else None
    )
    for _, end in bars[1::2]:
        if end > corrected_at and world.instruments[1].name == "FB":
            world.follow("IBM,META")
        world.run_at(end + SOON)

    check_numbers(other, world.lake.documents["IBM"])
    check_numbers(old, world.lake.documents["FB"])
    first = min(world.lake.documents["META"])
    # The hundred newest bars reach back over the three days between.
    assert first < renamed_at
    assert sorted(world.lake.documents["META"]) == [start for start, _ in bars if start >= first]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    if is_refused:
        # Each refusal needs a person, and has an alarm of its own.
        assert {(each["message"], each["kind"]) for each in lines} == {
            ("provider failed", "UnknownInstrumentError")
        }
        assert all(each["detail"].startswith("FB: ") for each in lines)
    else:
        assert [(each["message"], each["instrument"]) for each in lines] == [("instrument silent", "FB")]
        assert "Correct Instruments" in lines[0]["detail"]


def test_what_a_plan_without_long_answers_loses_in_an_outage_is_the_hole_that_is_told(log: StringIO) -> None:
    year = EXCHANGES["London"]
    days = [day for day in year.days() if "06-01" <= f"{day:%m-%d}" <= "06-12"]
    bars = [bar for day in days for bar in year.bars(day, FIVE)]
    # Seen until half past eleven of Tuesday, and again from half past eight of the next Monday on. The answer
    # has a hundred bars then, of which the newest is forming.
    down, up = year.at(days[1], "12:00"), year.at(days[5], "08:00")
    shown = [start for start, end in bars if end <= up + HOUR / 2][-99:]
    lost = [start for start, end in bars if end > down - HOUR / 2 and start < shown[0]]
    series = Series(year.symbol, bars)
    world = YearWorld({year.symbol: series}, PAID, bars[0][0], "5min")
    premium = b'{"Information": "This is a premium endpoint."}'

    def refuse(asked: dict[str, str]) -> bytes | Exception | None:
        if down <= world.clock.now < up:
            return requests.ConnectionError("no answer")
        return premium if asked["outputsize"] == "full" else None

    world.server.refuse = refuse
    for _, end in bars:
        if end.minute % 30 == 0:
            world.run_at(end + SOON)
    world.run_at(bars[-1][1] + HOUR / 2)

    sent = world.lake.documents[year.symbol]
    assert sorted(sent) == [start for start, _ in bars if start not in lost]
    (hole,) = [json.loads(line) for line in log.getvalue().splitlines() if '"hole found"' in line]
    before = max(start for start, _ in bars if start < lost[0])
    assert (hole["after"], hole["before"]) == (format_time(before), format_time(shown[0]))


@pytest.mark.slow
@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("count", [26, 30])
def test_a_year_on_two_requests_a_day_is_whole_as_long_as_the_newest_hundred_bars_last(
    count: int, counted: Counter[str]
) -> None:
    """26 shares are asked after 13 days of 7 bars, and 30 after 15, which makes 105: a day's 7 bars are few.

    The first answer comes in the first hour of a day, so that the second is about six bars more.
    """
    year = EXCHANGES["New York"]
    days = [year.bars(day, HOUR) for day in year.days()]
    bars = [bar for day in days for bar in day]
    names = [f"A{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(count)]
    series = {name: Series(name, bars) for name in names}
    world = YearWorld(series, Plan(2, 1), bars[0][0], "60min")
    premium = b'{"Information": "This is a premium endpoint."}'
    world.server.refuse = lambda asked: premium if asked["outputsize"] == "full" else None

    for of_day in days:
        for end in (of_day[0][1], of_day[-1][1]):
            world.run_at(end + SOON)
            world.run_at(end + SOON + MINUTE)

    gaps = 0
    for name, sent in world.lake.documents.items():
        known = [start in sent for start, _ in bars if min(sent) <= start <= max(sent)]
        gaps += sum(before and not after for before, after in pairwise(known))
        if all(known):
            check_numbers(series[name].until(max(sent)), sent, every=201)
    assert len(world.lake.documents) == count
    assert counted["HolesFound"] == gaps
    assert (gaps == 0) == (count == 26)


@pytest.mark.slow
def test_a_thousand_shares_in_the_week_of_thanksgiving_are_what_the_exchange_published(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = EXCHANGES["New York"]
    half = timedelta(minutes=30)
    days = [day for day in year.days() if "11-23" <= f"{day:%m-%d}" <= "11-30"]
    bars = [bar for day in days for bar in year.bars(day, half)]
    names = [f"{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(1000)]
    span = (bars[0][0], bars[-1][1])
    world = World(",".join(names), Plan(None, 200), span, alpaca=True, silent=names, interval="30min")
    # What Alpaca shows besides: before and after the session, on a half day, a holiday, a Saturday.
    strays = {year.at(date(2026, 11, day), time) for day in (25, 26, 27, 28) for time in ("08:00", "17:30")}
    times = [start for start, _ in bars]
    world.market.times.update({name: sorted({*times, *strays}) for name in names})
    prices = {start: 100 + number * 37 % 64 / 8 for number, start in enumerate(times)}
    monkeypatch.setattr(world.server, "shown_close", lambda each: prices.get(each, 7.0))
    lake = Lake()
    world.stream = lake  # type: ignore[assignment]  # what it delivers is kept, and not what it takes
    world.new_container()
    for _, end in bars:
        world.clock.now = end + SOON
        world.producer.run(seconds=3600)

    for name in names:
        documents = lake.documents[name]
        assert sorted(documents) == times, name
        for position in range(4, len(times), 11):
            mean = sum(prices[each] for each in times[position - 4 : position + 1]) / 5
            assert documents[times[position]]["sma_5"] == pytest.approx(mean, rel=1e-12)
    # Thanksgiving and Saturday.
    assert notices(log.getvalue()) == Counter({"bars left out": 2})
