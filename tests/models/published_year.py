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
_SATURDAY = 5


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
        auction_after: how many minutes after the close a bar begins that the closing auction makes.
    """

    symbol: str
    hours: tuple[tuple[str, str], ...]
    ahead: str
    holidays: str
    summer: tuple[str, str] | None = None
    early: dict[str, str] = {}  # noqa: RUF012 (a tuple's default, which nobody changes)
    special: dict[str, tuple[str, str]] = {}  # noqa: RUF012
    auction_after: int | None = None

    def at(self, day: date, local: str) -> datetime:
        """A moment of its own clock, in UTC."""
        return datetime.combine(day, datetime.min.time(), UTC) + _minutes(local) - self._ahead(day)

    def day_of(self, moment: datetime) -> date:
        """The day of its own clock."""
        return (moment + self._ahead(moment.date())).date()

    def days(self) -> dict[date, tuple[Session, ...]]:
        """The days of trading, each with its sessions."""
        days = (date(YEAR, 1, 1) + timedelta(number) for number in range(365))
        return {day: sessions for day in days if (sessions := self.sessions(day))}

    def sessions(self, day: date) -> tuple[Session, ...]:
        """The sessions of a day; none on one without trading."""
        text = f"{day:%m-%d}"
        if text in self.special:
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

        Short bars have one of the closing auction, too. In a long one it is part of the last.
        """
        bars = []
        for opens, closes in self.sessions(day):
            start = opens
            while start < closes:
                bars.append((start, min(start + length, closes)))
                start += length
        after = timedelta(minutes=self.auction_after or 0)
        if bars and after and after >= length and f"{day:%m-%d}" not in self.special:
            start = bars[-1][1] + after
            bars.append((start, start + length))
        return bars

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
        auction_after=5,
    ),
    "Frankfurt": PublishedYear(
        "MBG.DEX",
        (("09:00", "17:30"),),
        "01:00",
        "01-01 04-03 04-06 05-01 12-24 12-25 12-31",
        _EUROPEAN_SUMMER,
        early={"12-30": "14:00"},
        auction_after=5,
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
