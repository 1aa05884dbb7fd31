"""Sessions: facts that the exchanges publish, in UTC worked out by hand."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import exchange_calendars
import pandas as pd
import pytest

from stockstream.calendars import CALENDARS
from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instrument
from stockstream.sessions import (
    Session,
    bar_end,
    bar_grid,
    current_or_last_session,
    day_without_session,
    ending_calendars,
    is_traded,
    is_usual_time,
    market_of,
    sessions_between,
    times_outside,
    trading_began,
    trading_time,
)

# exchange_calendars 4.13 meets pandas 3.1 with a call that pandas 4 will answer otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values:DeprecationWarning")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sessions_on(market: str, day: str) -> list[tuple[str, str]]:
    """The sessions that open on a UTC day, as `HH:MM` in UTC."""
    start = utc(day)
    return [
        (f"{session.opens:%H:%M}", f"{session.closes:%H:%M}")
        for session in sessions_between(market, start, start + timedelta(days=1))
        if session.opens >= start
    ]


@pytest.mark.parametrize(
    ("name", "hours", "market"),
    [
        ("IBM", "regular", "XNYS"),
        ("IBM", "extended", "XNYS extended"),
        ("BRK.B", "regular", "XNYS"),
        ("BRK-B", "regular", "XNYS"),
        ("TSCO.LON", "regular", "XLON"),
        ("TSCO.LON", "extended", "XLON"),
        ("SHOP.TRT", "regular", "XTSE"),
        ("GPV.TRV", "regular", "XTSE"),
        ("MBG.DEX", "regular", "XETR"),
        ("RELIANCE.BSE", "regular", "XBOM"),
        ("600104.SHH", "regular", "XSHG"),
        ("000002.SHZ", "regular", "XSHG"),
        ("fx:EUR/USD", "extended", "currencies"),
        ("crypto:BTC/USD", "regular", "always"),
        ("IBM", "always", "always"),
        ("fx:EUR/USD", "always", "always"),
    ],
)
def test_an_instrument_trades_where_its_symbol_says(name: str, hours: str, market: str) -> None:
    assert market_of(parse_instrument(name), hours) == market


def test_a_suffix_of_others_is_refused_with_ours() -> None:
    with pytest.raises(InstrumentError, match=r"VOD\.L: did you mean VOD\.LON\? no calendar says"):
        market_of(parse_instrument("VOD.L"), "regular")


def test_refuses_a_suffix_without_a_calendar_and_says_which_are_known() -> None:
    with pytest.raises(InstrumentError, match=r"7203\.TYO: no calendar .*\.TYO trades; known are \.LON"):
        market_of(parse_instrument("7203.TYO"), "regular")


@pytest.mark.parametrize(
    ("market", "day", "expected"),
    [
        # New York is at UTC-5 in winter and at UTC-4 in summer; 2026 changes on March 8 and November 1.
        ("XNYS", "2026-03-06", [("14:30", "21:00")]),
        ("XNYS", "2026-03-09", [("13:30", "20:00")]),
        ("XNYS", "2026-10-30", [("13:30", "20:00")]),
        ("XNYS", "2026-11-02", [("14:30", "21:00")]),
        ("XNYS", "2026-11-25", [("14:30", "21:00")]),
        ("XNYS", "2026-11-26", []),  # Thanksgiving
        ("XNYS", "2026-11-27", [("14:30", "18:00")]),  # until 13:00
        ("XNYS", "2026-11-28", []),  # a Saturday
        ("XNYS", "2026-12-24", [("14:30", "18:00")]),
        ("XNYS", "2026-12-25", []),
        ("XNYS", "2026-07-03", []),  # for Independence Day, a Saturday
        ("XNYS", "2025-01-09", []),  # the day of mourning for President Carter
        ("XNYS extended", "2026-11-25", [("09:00", "01:00")]),  # 04:00 to 20:00
        ("XNYS extended", "2026-11-27", [("09:00", "22:00")]),  # 04:00 to 17:00
        ("XNYS extended", "2026-11-26", []),
        # London is at UTC in winter; in 2026 it changes on March 29 and October 25.
        ("XLON", "2026-03-27", [("08:00", "16:30")]),
        ("XLON", "2026-03-30", [("07:00", "15:30")]),
        ("XLON", "2026-10-26", [("08:00", "16:30")]),
        ("XLON", "2026-12-24", [("08:00", "12:30")]),
        ("XLON", "2026-12-28", []),  # for Boxing Day, a Saturday
        ("XTSE", "2026-07-01", []),  # Canada Day
        ("XTSE", "2026-11-26", [("14:30", "21:00")]),  # an ordinary day outside the United States
        ("XETR", "2026-12-30", [("08:00", "13:00")]),  # until 14:00 in Frankfurt
        ("XETR", "2026-12-31", []),
        ("XBOM", "2026-01-27", [("03:45", "10:00")]),  # UTC+5:30
        ("XBOM", "2026-01-26", []),  # Republic Day
        ("XSHG", "2026-11-20", [("01:30", "03:30"), ("05:00", "07:00")]),  # lunch is a break
        ("XSHG", "2026-10-01", []),  # National Day
        # The currency week: Sunday to Friday, 17:00 in New York.
        ("currencies", "2026-03-01", [("22:00", "22:00")]),
        ("currencies", "2026-03-08", [("21:00", "21:00")]),
        ("currencies", "2026-11-01", [("22:00", "22:00")]),
        ("currencies", "2026-11-02", []),  # goes on
    ],
)
def test_a_session_is_what_the_exchange_publishes(
    market: str, day: str, expected: list[tuple[str, str]]
) -> None:
    assert sessions_on(market, day) == expected


def test_a_session_that_only_touches_a_stretch_of_time_has_no_part_in_it() -> None:
    opens, closes = datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    moment = timedelta(microseconds=1)

    def count(start: datetime, end: datetime) -> int:
        return len(list(sessions_between("XNYS", start, end)))

    assert (count(opens - moment, opens), count(opens, opens + moment)) == (0, 1)
    assert (count(closes - moment, closes), count(closes, closes + moment)) == (1, 0)


def test_the_currency_week_ends_on_friday_at_17_in_new_york() -> None:
    expected = Session(utc("2026-11-15T22:00"), utc("2026-11-20T22:00"))
    for now in ("2026-11-15T22:00", "2026-11-18T03:17:21", "2026-11-20T21:59:59", "2026-11-22T21:59:59"):
        assert current_or_last_session("currencies", utc(now)) == expected
    assert current_or_last_session("currencies", utc("2026-11-22T22:00")) == Session(
        utc("2026-11-22T22:00"), utc("2026-11-27T22:00")
    )


@pytest.mark.parametrize(
    ("market", "begins", "minutes", "ends"),
    [
        ("XLON", "2026-11-20T15:00", 60, "2026-11-20T16:00"),
        ("XLON", "2026-11-20T16:00", 60, "2026-11-20T16:30"),
        ("XLON", "2026-11-20T16:30", 60, "2026-11-20T16:40"),  # the closing auction, and what follows it
        ("XLON", "2026-11-20T16:40", 60, "2026-11-20T17:40"),  # after that nothing cuts it short
        ("XNYS", "2026-11-20T20:30", 60, "2026-11-20T21:00"),
        ("XNYS", "2026-11-20T20:55", 5, "2026-11-20T21:00"),
        ("XNYS", "2026-11-20T14:00", 60, "2026-11-20T15:00"),  # begins before the opening
        ("XNYS", "2026-11-27T17:30", 60, "2026-11-27T18:00"),  # half a day
        ("XBOM", "2026-11-20T09:45", 30, "2026-11-20T10:00"),
        ("XSHG", "2026-11-20T03:00", 60, "2026-11-20T03:30"),  # lunch in Shanghai, from 11:30 on
        ("always", "2026-11-20T23:30", 60, "2026-11-21T00:30"),
    ],
)
def test_a_bar_ends_after_its_length_or_with_its_session(
    market: str, begins: str, minutes: int, ends: str
) -> None:
    assert bar_end(market, utc(begins), timedelta(minutes=minutes)) == utc(ends)


@pytest.mark.parametrize(
    ("market", "end", "minutes", "began"),
    [
        ("XNYS", "2026-11-20T15:00", 30, "2026-11-20T14:30"),
        ("XNYS", "2026-11-20T15:00", 31, "2026-11-19T20:59"),
        ("XNYS", "2026-11-22T12:00", 390, "2026-11-20T14:30"),
        # Over Thanksgiving: 210 minutes of Friday, and one of Wednesday.
        ("XNYS", "2026-11-28T12:00", 211, "2026-11-25T20:59"),
        # Friday the 13th is the fifth session before.
        ("XNYS", "2026-11-20T14:30", 5 * 390, "2026-11-13T14:30"),
        ("XNYS", "2026-11-20T14:30", 10 * 390, "2026-11-06T14:30"),
        ("always", "2026-11-20T03:00", 600, "2026-11-19T17:00"),
        # The week before ended on Friday at 22:00.
        ("currencies", "2026-11-22T23:00", 90, "2026-11-20T21:30"),
        # No time at all begins at the moment itself; ten years are looked for in 105 weeks, over two years.
        ("XNYS", "2026-11-22T12:00", 0, "2026-11-22T12:00"),
        ("XNYS", "2026-11-22T12:00", 10 * 250 * 390, "2024-11-17T12:00"),
    ],
)
def test_a_time_of_trading_before_a_moment_began(market: str, end: str, minutes: int, began: str) -> None:
    assert trading_began(market, utc(end), timedelta(minutes=minutes)) == utc(began)


@pytest.mark.parametrize(
    ("clock", "is_usual"), [("14:29", False), ("14:30", True), ("20:59", True), ("21:00", False)]
)
def test_usual_hours_are_from_the_opening_to_just_before_the_close(clock: str, is_usual: bool) -> None:  # noqa: FBT001
    # A Sunday in winter: New York is at UTC-5.
    assert is_usual_time("XNYS", utc(f"2026-11-22T{clock}")) == is_usual


def test_a_session_is_current_from_its_opening_and_last_until_the_next_one_opens() -> None:
    friday = Session(utc("2026-11-20T14:30"), utc("2026-11-20T21:00"))
    monday = Session(utc("2026-11-23T14:30"), utc("2026-11-23T21:00"))
    assert current_or_last_session("XNYS", utc("2026-11-20T14:30")) == friday
    assert current_or_last_session("XNYS", utc("2026-11-23T14:29:59.999999")) == friday
    assert current_or_last_session("XNYS", utc("2026-11-23T14:30")) == monday


def test_the_evening_in_new_york_that_is_tomorrow_in_utc_belongs_to_its_session() -> None:
    assert current_or_last_session("XNYS extended", utc("2026-11-21T00:59")) == Session(
        utc("2026-11-20T09:00"), utc("2026-11-21T01:00")
    )


def test_what_is_always_open_has_one_session_without_end() -> None:
    session = current_or_last_session("always", utc("2026-12-25T03:00"))
    assert session is not None
    assert session.opens < utc("1980-01-01")
    assert session.closes > utc("2100-01-01")


@pytest.mark.parametrize(
    ("market", "start", "end", "minutes"),
    [
        ("XNYS", "2026-11-20T00:00", "2026-11-21T00:00", 390),
        ("XNYS", "2026-11-20T20:00", "2026-11-23T15:00", 60 + 30),  # over a weekend
        ("XNYS", "2026-11-26T00:00", "2026-11-29T00:00", 210),  # Thanksgiving and the short day after
        ("XNYS", "2026-11-20T21:00", "2026-11-23T14:30", 0),
        ("XNYS", "2026-11-20T16:00", "2026-11-20T15:00", 0),
        ("XNYS extended", "2026-11-20T02:00", "2026-11-22T00:00", 960),
        ("XSHG", "2026-11-20T03:00", "2026-11-20T05:10", 30 + 10),
        ("currencies", "2026-03-07T00:00", "2026-03-14T00:00", 5 * 1440),
        ("currencies", "2026-11-18T00:00", "2026-11-18T12:00", 720),
        ("always", "2026-03-07T00:00", "2026-03-14T00:00", 7 * 1440),
    ],
)
def test_counts_the_time_that_a_market_is_open(market: str, start: str, end: str, minutes: int) -> None:
    assert trading_time(market, utc(start), utc(end)) == timedelta(minutes=minutes)


@pytest.mark.parametrize("exchange", sorted(CALENDARS))
def test_agrees_with_exchange_calendars_on_every_session(exchange: str) -> None:
    last = pd.Timestamp(CALENDARS[exchange].known_until, 12, 31)
    schedule = exchange_calendars.get_calendar(exchange, start="2024-01-01", end=last).schedule
    expected = []
    for row in schedule.itertuples():
        pauses = () if pd.isna(row.break_start) else (row.break_start, row.break_end)
        times = [moment.to_pydatetime() for moment in (row.open, *pauses, row.close)]
        expected += [Session(*pair) for pair in zip(times[::2], times[1::2], strict=True)]
    actual = list(sessions_between(exchange, utc("2024-01-01"), utc(f"{last.year + 1}-01-01")))
    assert expected == [session for session in actual if session.opens.year <= last.year]
    assert len(expected) > 700


@pytest.mark.parametrize(
    ("market", "start", "end", "traded"),
    [
        ("XNYS", "2026-11-27T17:59", "2026-11-27T18:00", True),  # the day after Thanksgiving ends at 13:00
        ("XNYS", "2026-11-27T18:00", "2026-11-27T18:01", False),
        ("XNYS extended", "2026-11-27T18:00", "2026-11-27T18:01", True),
        ("XNYS", "2026-11-30T14:00", "2026-11-30T15:00", True),  # opens at 14:30
        ("XNYS", "2026-11-30T14:00", "2026-11-30T14:30", False),
        # Shanghai is eight hours ahead of UTC, and has its lunch from 11:30 to 13:00.
        ("XSHG", "2026-11-20T03:00", "2026-11-20T04:00", True),
        ("XSHG", "2026-11-20T04:00", "2026-11-20T05:00", False),
        ("XSHG", "2026-11-20T05:00", "2026-11-20T06:00", True),
        ("currencies", "2026-11-22T21:00", "2026-11-22T22:00", False),  # Sunday, 17:00 in New York
        ("currencies", "2026-11-22T22:00", "2026-11-22T23:00", True),
        ("always", "2026-12-25T03:00", "2026-12-25T03:01", True),
    ],
)
def test_a_bar_is_traded_if_its_market_is_open_in_any_part_of_it(
    market: str, start: str, end: str, *, traded: bool
) -> None:
    assert is_traded(market, utc(start), utc(end)) == traded


def test_says_a_month_ahead_whose_calendar_ends() -> None:
    markets = ["XNYS extended", "XSHG", "XBOM", "currencies", "always"]
    assert ending_calendars(markets, utc("2026-12-01T00:00")) == {}
    assert ending_calendars(markets, utc("2026-12-02T00:00")) == {
        "XBOM": date(2026, 12, 31),
        "XSHG": date(2026, 12, 31),
    }
    assert ending_calendars(["XNYS extended"], utc("2031-06-01T00:00")) == {"XNYS": date(2030, 12, 31)}


def test_past_the_end_of_a_calendar_each_weekday_is_an_ordinary_one() -> None:
    assert sessions_on("XNYS", "2031-12-25") == [("14:30", "21:00")]  # a Thursday
    assert sessions_on("XNYS", "2031-12-27") == []


def test_importing_the_sessions_loads_no_pandas() -> None:
    code = "import sys, stockstream.sessions; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  # our own


@pytest.mark.parametrize(
    ("instrument", "interval", "minutes"),
    [
        # 9:30 in New York, 9:15 and 9:00 in Bombay, which is half an hour off: 3:45 and 3:30 UTC.
        ("IBM", 60, {0, 30}),
        ("IBM", 30, {0}),
        ("TSCO.LON", 60, {0}),
        ("INFY.BSE", 60, {0, 30, 45}),
        ("INFY.BSE", 30, {0, 15}),
        ("INFY.BSE", 15, {0}),
        ("600104.SHH", 60, {0, 30}),
        ("IBM", 5, {0}),
        ("IBM", 1, {0}),
        ("crypto:BTC/USD", 60, {0}),
        ("fx:EUR/USD", 60, {0}),
        ("SHOP.XX", 15, {0, 5, 10}),  # an unknown exchange, as a replayed market may have
    ],
)
def test_bars_begin_with_the_clock_or_with_the_opening(
    instrument: str, interval: int, minutes: set[int]
) -> None:
    assert bar_grid(parse_instrument(instrument), timedelta(minutes=interval)) == minutes


@pytest.mark.parametrize(
    ("market", "minutes", "times", "outside"),
    [
        # A Friday, a Monday and the weekend between them; the first bar of an hour begins before the opening.
        ("XNYS", 60, ["20T13:00", "20T14:00", "20T20:00", "20T21:00", "21T15:00", "23T14:00"],
         ["20T13:00", "20T21:00", "21T15:00"]),
        # The day after Thanksgiving ends at 13:00, with its extended hours at 17:00.
        ("XNYS", 1, ["26T15:00", "27T14:29", "27T14:30", "27T17:59", "27T18:00"],
         ["26T15:00", "27T14:29", "27T18:00"]),
        ("XNYS extended", 1, ["27T08:59", "27T09:00", "27T21:59", "27T22:00"], ["27T08:59", "27T22:00"]),
        # London's closing auction is at 16:35; Frankfurt's at 17:35, 16:35 UTC.
        ("XLON", 1, ["20T16:29", "20T16:35", "20T16:39", "20T16:40"], ["20T16:40"]),
        ("XETR", 1, ["20T16:35", "20T16:44", "20T16:45"], ["20T16:45"]),
        # Lunch in Shanghai is from 11:30 to 13:00, 3:30 to 5:00 UTC.
        ("XSHG", 1, ["20T03:30", "20T03:31", "20T04:59", "20T05:00"], ["20T03:31", "20T04:59"]),
        # Currencies are closed from 17:00 on Friday to 17:00 on Sunday in New York.
        ("currencies", 1, ["20T21:59", "20T22:00", "21T12:00", "22T21:59", "22T22:00"],
         ["20T22:00", "21T12:00", "22T21:59"]),
        # A single bar, and one whose session is long over when the next one begins.
        ("XNYS", 1, ["20T15:00"], []),
        ("XNYS", 1, ["19T15:00", "23T15:00"], []),
        ("always", 1, ["21T12:00"], []),
        ("XNYS", 1, [], []),
    ],
)  # fmt: skip
def test_bars_outside_of_all_sessions(
    market: str, minutes: int, times: list[str], outside: list[str]
) -> None:
    shown = [f"2026-11-{time}:00Z" for time in times]

    assert times_outside(market, shown, timedelta(minutes=minutes)) == [
        f"2026-11-{time}:00Z" for time in outside
    ]


@pytest.mark.parametrize(
    ("market", "moment", "day"),
    [
        ("XNYS", "2026-11-26T15:00", date(2026, 11, 26)),
        ("XNYS", "2026-11-27T23:00", None),
        # Friday evening in New York, Saturday morning in Bombay.
        ("XNYS", "2026-11-28T02:00", None),
        ("XBOM", "2026-11-27T22:00", date(2026, 11, 28)),
        ("currencies", "2026-11-28T15:00", None),
        ("always", "2026-11-28T15:00", None),
    ],
)
def test_a_day_without_a_session_is_one_of_the_markets_own_clock(
    market: str, moment: str, day: date | None
) -> None:
    assert day_without_session(market, utc(moment)) == day
