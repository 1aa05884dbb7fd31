"""The trading year 2026 of six exchanges, as they published it: days and hours written by hand.

Nothing here comes from exchange_calendars, of which the product's calendars are made, nor from the product.
The sources are the exchanges' own pages of holidays and trading hours:

    New York    nyse.com, Holidays & Trading Hours, 2026
    Toronto     tsx.com, Calendar and Trading Hours, 2026
    London      londonstockexchange.com, Business days, 2026
    Frankfurt   xetra.com, Trading calendar, 2026
    Bombay      bseindia.com, Trading Holidays 2026, with the notices about 15 January and about 1 February
    Shanghai    sse.com.cn, notice on closing days in 2026

Bombay's muhurat trading is on 8 November; its hour is published in autumn, and 18:00 here, as most years.
"""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

YEAR = 2026
_SATURDAY, _SUNDAY, _FRIDAY = 5, 6, 4


class Session(NamedTuple):
    """Trading without a break, in UTC."""

    opens: datetime
    closes: datetime


class PublishedYear(NamedTuple):
    """One exchange's year.

    Attributes:
        symbol: a share of it, as Alpha Vantage writes it.
        hours: from when to when it trades on an ordinary day, on its own clock.
        ahead: how far its clock is ahead of UTC in winter, as `05:30`, or behind as `-05:00`.
        holidays: the weekdays without trading, month and day.
        summer: the first and the last day on which its clock is an hour further; none where it never is.
        early: when it closes on which half days.
        special: from when to when it trades on days that are none of its calendar's.
        auction: how many minutes after the close its price is made, and how many until nothing more is traded
            at that price.
    """

    symbol: str
    hours: tuple[tuple[str, str], ...]
    ahead: str
    holidays: str
    summer: tuple[str, str] | None = None
    early: dict[str, str] = {}  # noqa: RUF012 (a tuple's default, which nobody changes)
    special: dict[str, tuple[str, str]] = {}  # noqa: RUF012
    auction: tuple[int, int] | None = None

    def at(self, day: date, local: str) -> datetime:
        """A moment of its own clock, in UTC."""
        return datetime.combine(day, datetime.min.time(), UTC) + _minutes(local) - self._ahead(day)

    def day_of(self, moment: datetime) -> date:
        """The day of its own clock, which changes hours after midnight."""
        by_winter = moment + _minutes(self.ahead)
        return (moment + self._ahead((by_winter - timedelta(hours=2)).date())).date()

    def days(self) -> dict[date, tuple[Session, ...]]:
        """The days of trading, each with its sessions."""
        days = (date(YEAR, 1, 1) + timedelta(number) for number in range(365))
        return {day: sessions for day in days if (sessions := self.sessions(day))}

    def sessions(self, day: date) -> tuple[Session, ...]:
        """The sessions of a day; none on one without trading."""
        text = f"{day:%m-%d}"
        if self._is_special(day):
            spans: tuple[tuple[str, str], ...] = (self.special[text],)
        elif day.weekday() >= _SATURDAY or text in self.holidays.split():
            spans = ()
        elif text in self.early:
            spans = ((self.hours[0][0], self.early[text]),)
        else:
            spans = self.hours
        return tuple(Session(self.at(day, opens), self.at(day, closes)) for opens, closes in spans)

    def bars(self, day: date, length: timedelta) -> list[tuple[datetime, datetime]]:
        """When each bar of a day begins and ends; they follow the opening, and the close may cut one short.

        Where the close cuts none short, a bar after it has the closing auction. Else it is part of the last.
        """
        bars = []
        for opens, closes in self.sessions(day):
            start = opens
            while start < closes:
                bars.append((start, min(start + length, closes)))
                start += length
        if bars and self.auction and bars[-1][1] - bars[-1][0] == length and not self._is_special(day):
            price, last = (timedelta(minutes=each) for each in self.auction)
            closes = bars[-1][1]
            start = closes + price // length * length
            bars.append((start, min(start + length, closes + last)))
        return bars

    def _is_special(self, day: date) -> bool:
        return f"{day:%m-%d}" in self.special

    def _ahead(self, day: date) -> timedelta:
        is_summer = self.summer is not None and self.summer[0] <= f"{day:%m-%d}" <= self.summer[1]
        return _minutes(self.ahead) + timedelta(hours=is_summer)


def _minutes(text: str) -> timedelta:
    hours, minutes = text.removeprefix("-").split(":")
    span = timedelta(hours=int(hours), minutes=int(minutes))
    return -span if text.startswith("-") else span


_AMERICAN_SUMMER, _EUROPEAN_SUMMER = ("03-08", "10-31"), ("03-29", "10-24")
EXCHANGES = {
    "New York": PublishedYear(
        "IBM",
        (("09:30", "16:00"),),
        "-05:00",
        "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
        _AMERICAN_SUMMER,
        early={"11-27": "13:00", "12-24": "13:00"},
    ),
    "Toronto": PublishedYear(
        "SHOP.TRT",
        (("09:30", "16:00"),),
        "-05:00",
        "01-01 02-16 04-03 05-18 07-01 08-03 09-07 10-12 12-25 12-28",
        _AMERICAN_SUMMER,
        early={"12-24": "13:00"},
    ),
    "London": PublishedYear(
        "TSCO.LON",
        (("08:00", "16:30"),),
        "00:00",
        "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
        _EUROPEAN_SUMMER,
        early={"12-24": "12:30", "12-31": "12:30"},
        auction=(5, 10),
    ),
    "Frankfurt": PublishedYear(
        "MBG.DEX",
        (("09:00", "17:30"),),
        "01:00",
        "01-01 04-03 04-06 05-01 12-24 12-25 12-31",
        _EUROPEAN_SUMMER,
        early={"12-30": "14:00"},
        auction=(5, 15),
    ),
    "Bombay": PublishedYear(
        "RELIANCE.BSE",
        (("09:15", "15:30"),),
        "05:30",
        "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25",
        special={"02-01": ("09:15", "15:30"), "11-08": ("18:00", "19:00")},
    ),
    "Shanghai": PublishedYear(
        "600104.SHH",
        (("09:30", "11:30"), ("13:00", "15:00")),
        "08:00",
        "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25 "
        "10-01 10-02 10-05 10-06 10-07",
    ),
}


def currency_week_bars(length: timedelta) -> list[tuple[datetime, datetime]]:
    """The bars of a pair of currencies: from Sunday to Friday, 17:00 in New York.

    None are of Christmas and New Year's Day, which begin as CME's futures of currencies close on the eve, at
    13:00 and at 17:00, and end at 18:00.
    """
    clock = EXCHANGES["New York"]
    closed = [
        (clock.at(date(2025, 12, 31), "17:00"), clock.at(date(2026, 1, 1), "18:00")),
        (clock.at(date(2026, 12, 24), "13:00"), clock.at(date(2026, 12, 25), "18:00")),
        (clock.at(date(2026, 12, 31), "17:00"), clock.at(date(2027, 1, 1), "18:00")),
    ]
    bars = []
    for start, end in round_the_clock_bars(length):
        local = start - timedelta(hours=clock.at(clock.day_of(start), "00:00").hour)
        is_weekend = (
            local.weekday() == _SATURDAY
            or (local.weekday() == _FRIDAY and local.hour >= 17)
            or (local.weekday() == _SUNDAY and local.hour < 17)
        )
        if not is_weekend and not any(since <= start < until for since, until in closed):
            bars.append((start, end))
    return bars


def round_the_clock_bars(length: timedelta) -> list[tuple[datetime, datetime]]:
    """The bars of a coin."""
    start = datetime(YEAR, 1, 1, tzinfo=UTC)
    return [
        (start + number * length, start + (number + 1) * length)
        for number in range(timedelta(days=365) // length)
    ]
