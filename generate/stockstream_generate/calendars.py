"""The trading calendars, from what exchange_calendars knows.

The library needs pandas, which a Lambda function should not load to look up a few hundred days.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import exchange_calendars
import pandas as pd

from stockstream.exchanges import EXCHANGES, Exchange

FIRST_YEAR, LAST_YEAR = 2024, 2030

HEADER = '''"""When stock exchanges trade; made by `make generate` from exchange_calendars.

Do not edit it by hand. Times are the exchange's own. Weekends are always closed.
"""
# ruff: noqa: E501  # a year's days stay on one line, so that a change shows as that year's

from collections.abc import Mapping
from typing import NamedTuple


class Calendar(NamedTuple):
    """One exchange's calendar.

    Attributes:
        hours: its hours on an ordinary day, `HH:MM-HH:MM`; two such spans where lunch is a break.
        known_from, known_until: the years for which the days below are known.
        holidays: the weekdays without trading, by year: `MM-DD ...`.
        early_closes: the days that end early, by year: `MM-DD HH:MM, ...`.
    """

    hours: tuple[str, ...]
    known_from: int
    known_until: int
    holidays: Mapping[int, str]
    early_closes: Mapping[int, str]


CALENDARS = {
'''


def make_calendars() -> str:
    """The text of the calendars' file."""
    return HEADER + "".join(line + "\n" for exchange in EXCHANGES for line in _lines(exchange)) + "}\n"


def _lines(exchange: Exchange) -> Iterator[str]:
    code = exchange.calendar
    last_year = _last_year(code)
    calendar = exchange_calendars.get_calendar(
        code, start=date(FIRST_YEAR, 1, 1).isoformat(), end=date(last_year, 12, 31).isoformat()
    )
    _refuse_what_has_no_form(calendar)
    if calendar.tz.key != exchange.time_zone:
        raise ValueError(f"{code} keeps the time of {calendar.tz.key}, and not of {exchange.time_zone}")
    weekdays = pd.bdate_range(date(FIRST_YEAR, 1, 1), date(last_year, 12, 31))
    holidays = (f"{day:%Y-%m-%d}" for day in weekdays.difference(calendar.sessions))
    early_closes = (
        f"{day:%Y-%m-%d} {calendar.session_close(day).tz_convert(calendar.tz):%H:%M}"
        for day in calendar.early_closes
    )
    yield f'    "{code}": Calendar('
    yield f"        hours={_tuple(_hours(calendar))},"
    yield f"        known_from={FIRST_YEAR},"
    yield f"        known_until={last_year},"
    yield from _by_year("holidays", holidays, " ")
    yield from _by_year("early_closes", early_closes, ", ")
    yield "    ),"


def _last_year(code: str) -> int:
    """The last year that is known wholly: some exchanges announce their holidays year by year."""
    bound: pd.Timestamp | None = exchange_calendars.get_calendar(code).bound_max()
    if bound is None:
        return LAST_YEAR
    return min(LAST_YEAR, bound.year if (bound.month, bound.day) == (12, 31) else bound.year - 1)


def _refuse_what_has_no_form(calendar: exchange_calendars.ExchangeCalendar) -> None:
    weekend = [day for day in calendar.sessions if day.isoweekday() > 5]  # noqa: PLR2004  # Friday
    if weekend or len(calendar.late_opens):
        raise ValueError(
            f"{calendar.name} has sessions on weekends or late opens, and the file has no form for them"
        )


def _hours(calendar: exchange_calendars.ExchangeCalendar) -> list[str]:
    opens, closes = (f"{calendar.open_times[-1][1]:%H:%M}", f"{calendar.close_times[-1][1]:%H:%M}")
    if not calendar.break_start_times:
        return [f"{opens}-{closes}"]
    stops, resumes = calendar.break_start_times[-1][1], calendar.break_end_times[-1][1]
    return [f"{opens}-{stops:%H:%M}", f"{resumes:%H:%M}-{closes}"]


def _by_year(name: str, days: Iterable[str], separator: str) -> Iterator[str]:
    years = defaultdict(list)
    for day in days:
        years[day[:4]].append(day[5:])
    if not years:
        yield f"        {name}={{}},"
        return
    yield f"        {name}={{"
    for year, members in years.items():
        yield f'            {year}: "{separator.join(members)}",'
    yield "        },"


def _tuple(texts: list[str]) -> str:
    quoted = ", ".join(f'"{text}"' for text in texts)
    return f"({quoted})" if len(texts) > 1 else f"({quoted},)"
