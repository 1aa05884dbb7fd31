"""`make bench-year`: the quota planner through the trading year 2026, a run a minute, against a model market.

Each open minute makes a bar. A bar shows up at once or, by chance, a minute late; an answer holds the newest
100 bars that show, the one still forming among them. A bar that no answer held is lost.
"""

import random
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from producer.markets.watchlist import Watchlist
from producer.planning.coverage import measure_coverage
from producer.planning.ledger import Ledger, quota_day
from producer.planning.ledger_entries import record_answer
from producer.planning.planner import Plan, plan_requests
from stockstream.instruments import Instrument, parse_instrument
from stockstream.sessions import Session, market_of, sessions_between

START, END = datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2027, 1, 1, 5, tzinfo=UTC)  # New York's year
MINUTES = int((END - START) / timedelta(minutes=1))
CLOSING = 30  # minutes after a close in which the last bar may be asked for
ANSWER = 100


@dataclass(frozen=True)
class Case:
    """What is followed for a year, and on which plan."""

    title: str
    instruments: tuple[Instrument, ...]
    hours: str
    plan: Plan


@dataclass
class Figures:
    """What a year came to; ages are minutes from a bar's end until an answer held it."""

    requests: int = 0
    outside: int = 0
    minutes: int = 0
    lost: int = 0
    days: Counter[date] = field(default_factory=Counter)
    most_a_minute: int = 0
    ages: Counter[int] = field(default_factory=Counter)


class ModelMarket:
    """The bars of one market: which minutes have one, and how many came before each minute."""

    def __init__(self, name: str) -> None:
        is_open, may_ask = bytearray(MINUTES + 1), bytearray(MINUTES + 1)
        for session in sessions_between(name, START, END):
            opens, closes = _span(session)
            is_open[opens:closes] = b"\1" * (closes - opens)
            last_asked = min(closes + CLOSING, MINUTES)
            may_ask[opens:last_asked] = b"\1" * (last_asked - opens)
        self.is_open, self.may_ask = is_open, may_ask
        self.bars_before = array("l", accumulate(is_open, initial=0))
        self.minute_of = array("l", (minute for minute in range(MINUTES) if is_open[minute]))


def _span(session: Session) -> tuple[int, int]:
    opens, closes = max(session.opens, START), min(session.closes, END)
    return int((opens - START) / timedelta(minutes=1)), int((closes - START) / timedelta(minutes=1))


def run_year(case: Case) -> Figures:
    """A year of runs, one a minute."""
    chance = random.Random(case.title)
    markets = {name: ModelMarket(name) for name in {market_of(each, case.hours) for each in case.instruments}}
    market_by_instrument = {each: markets[market_of(each, case.hours)] for each in case.instruments}
    figures, ledger = Figures(), Ledger()
    watchlist = Watchlist(case.instruments, "1min", case.hours)
    held: dict[Instrument, int] = defaultdict(int)  # how many bars from the year's first one on are in hand
    for minute in range(MINUTES):
        now = START + timedelta(minutes=minute)
        batches = plan_requests(watchlist, case.plan, ledger, now)
        if not batches:
            continue
        figures.requests += len(batches)
        figures.days[quota_day(now)] += len(batches)
        figures.most_a_minute = max(figures.most_a_minute, len(batches))
        for (instrument,) in batches:
            market = market_by_instrument[instrument]
            figures.outside += not market.may_ask[minute]
            late = chance.randrange(2)
            last = market.bars_before[max(0, minute - late)]
            first = max(0, last - ANSWER + (market.is_open[minute] and not late))
            figures.lost += max(0, first - held[instrument])
            for bar in range(max(first, held[instrument]), last):
                figures.ages[minute - market.minute_of[bar] - 1] += 1
            held[instrument] = max(held[instrument], last)
            newest = START + timedelta(minutes=market.minute_of[last - 1]) if last else None
            ledger = record_answer(ledger, now, {instrument.name: newest})
    for instrument, market in market_by_instrument.items():
        figures.minutes += market.bars_before[MINUTES]
        # What is open at the year's end is asked for in the next one; a market that has closed is not.
        figures.lost += 0 if market.is_open[MINUTES - 1] else market.bars_before[MINUTES] - held[instrument]
    return figures


def _instruments(*names: str) -> tuple[Instrument, ...]:
    return tuple(map(parse_instrument, names))


def _stocks(count: int) -> tuple[Instrument, ...]:
    return _instruments(*(f"S{number:02}" for number in range(count)))


FREE, PAID = Plan(requests_per_day=25, requests_per_minute=1), Plan(None, 75)
FIFTY = (
    *_stocks(40),
    *_instruments(*(f"fx:EUR/{code}" for code in ("USD", "JPY", "GBP", "CHF", "SEK"))),
    *_instruments(*(f"crypto:{code}/USD" for code in ("BTC", "ETH", "SOL", "XRP", "ADA"))),
)
CASES = (
    Case("75 a minute: 40 equities, 5 FX, 5 crypto", FIFTY, "regular", PAID),
    Case("25 a day: 1 equity, regular", _stocks(1), "regular", FREE),
    Case("25 a day: 6 equities, regular", _stocks(6), "regular", FREE),
    Case("25 a day: 7 equities, regular", _stocks(7), "regular", FREE),
    Case("25 a day: 1 equity, extended", _stocks(1), "extended", FREE),
    Case("25 a day: 2 equities, extended", _stocks(2), "extended", FREE),
    Case("25 a day: 1 crypto", FIFTY[-1:], "regular", FREE),
)


def _percentile(ages: Counter[int], share: float) -> int:
    wanted = share * ages.total()
    return next(age for age, sum_ in _running_sums(ages) if sum_ >= wanted)


def _running_sums(ages: Counter[int]) -> list[tuple[int, int]]:
    ordered = sorted(ages)
    return list(zip(ordered, accumulate(ages[age] for age in ordered), strict=True))


COLUMNS = ("requests", "max a day", "max a minute", "outside", "minutes", "lost", "mean age", "95% age")


def _report(figures: Figures) -> Sequence[str]:
    mean = sum(age * count for age, count in figures.ages.items()) / figures.ages.total()
    return (
        f"{figures.requests:,}",
        f"{max(figures.days.values()):,}",
        f"{figures.most_a_minute}",
        f"{figures.outside}",
        f"{figures.minutes:,}",
        f"{figures.lost:,}",
        f"{mean:.1f} min",
        f"{_percentile(figures.ages, 0.95)} min",
    )


if __name__ == "__main__":
    print(f"{'2026, a run a minute':<42}" + "".join(f"{name:>14}" for name in COLUMNS))
    with ProcessPoolExecutor(max_workers=2) as pool:
        for case, figures in zip(CASES, pool.map(run_year, CASES), strict=True):
            print(f"{case.title:<42}" + "".join(f"{text:>14}" for text in _report(figures)))
            coverage = measure_coverage(Watchlist(case.instruments, "1min", case.hours), case.plan, START)
            print(f"    {coverage.message}")
