"""`stockstream compare`: asks another provider for the bars of a day, and says where its closes differ."""

import argparse
import csv
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from producer.markets.watchlist import Watchlist
from producer.providers.admission import Admission
from producer.providers.answers import Answer
from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import Provider, ProviderAccess, ProviderKind
from producer.providers.provider_errors import ProviderError
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instrument
from stockstream.intervals import INTERVALS
from stockstream.times import format_time, parse_time
from stockstream_deploy.cross_check import CrossCheck, cross_check
from stockstream_operate.arguments import day
from stockstream_operate.environment import KEY_VARIABLES
from stockstream_operate.lake.access import QueryableLake, open_lake
from stockstream_operate.lake.selection import KNOWN, NoSuchBarsError, Selection, find_instrument
from stockstream_operate.screen import Screen
from stockstream_operate.whole_file import replacing, say_full

PERCENT = 0.5
# How many differing bars are shown; the rest is a number.
MOST_LINES = 50
TIMEOUT_SECONDS = 20
# An older day is asked for with its month: bars since then could be very many.
_LONG_AGO = timedelta(days=20)
# In which variables the key of a provider is, in the order in which it is stored.
_KEYS = {"alphavantage": KEY_VARIABLES[:1], "alpaca": KEY_VARIABLES[1:]}
# The market on one's own machine has nothing to say about real prices.
_OTHERS = [name for name in PROVIDERS if name != "replay"]


class CompareError(StockstreamError):
    """Nothing can be compared, or closes differ; the text says which."""


def add_compare(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream compare`."""
    command.description = (
        "Compares an instrument's closes of a day with those of another provider, which is asked now, with "
        f"the key in the environment ({', '.join(KEY_VARIABLES)}) where it wants one. The lake is that of "
        "the last run here, or with --stack that of a stack in AWS. Ends with 1 if closes differ."
    )
    option = command.add_argument
    option("instrument", metavar="INSTRUMENT", help="as IBM or crypto:BTC/USD")
    option("--with", dest="other", required=True, choices=_OTHERS, help="the other provider")
    option("--day", type=day, help="as 2026-11-20, UTC (that of the newest bar)")
    option("--interval", choices=list(INTERVALS), help="of the bars (the one that there is)")
    option(
        "--percent",
        type=_percent,
        default=PERCENT,
        metavar="P",
        help=f"the greatest difference that is none, in percent of the close ({PERCENT})",
    )
    option(
        "--marks",
        type=Path,
        metavar="FILE",
        help="a CSV file to write: a line for each bar whose close differs, by its id in the lake",
    )
    option("--stack", metavar="NAME", help="a stack in AWS, whose Athena answers and bills it (here)")
    command.set_defaults(run=run_compare)


def run_compare(asked: argparse.Namespace, screen: Screen) -> None:
    """Prints each close that differs, and how many bars each side lacks; --marks writes them into a file.

    Raises:
        CompareError: closes differ, or nothing can be compared.
        StockstreamError: there is no lake, or it holds no such bars.
    """
    lake = open_lake(asked.stack)
    known = lake.query(KNOWN).rows
    name = find_instrument(asked.instrument, {row[0] for row in known})
    interval = _choose_interval(asked.interval, sorted(row[1] for row in known if row[0] == name), name)
    instrument, kind = parse_instrument(name), PROVIDERS[asked.other]
    if not kind.offers(instrument):
        raise CompareError(f"{kind.title} has no bars of {name}: name another provider, --with")
    provider = _open(kind, instrument, _key(asked.other, kind, instrument))
    newest = _newest(lake, name, interval)
    first = datetime.fromisoformat(asked.day or f"{newest:%Y-%m-%d}").replace(tzinfo=UTC)
    here, sources = _closes_here(lake, name, interval, first)
    if receipt := lake.receipt():
        screen.say(receipt, style="dim")
    there = _closes_there(provider, kind, instrument, interval, first, newest)
    said = cross_check(here, there, asked.percent)
    if asked.marks:
        _mark(said, f"{name}|{interval}", asked.other, asked.marks)
    screen.say(
        f"{name}, {interval}, {first:%Y-%m-%d} (UTC): from {' and '.join(sources)} in the lake, "
        f"and {kind.title}'s closes of now",
        style="bold",
    )
    _show(said, kind.title, asked.percent, screen)


def _show(said: CrossCheck, title: str, percent: float, screen: Screen) -> None:
    if not said.compared:
        raise CompareError(f"the lake and {title} have no bar of that day in common")
    for pair in said.differing[:MOST_LINES]:
        closes = f"here {pair.here:,.10g}  {title} {pair.there:,.10g}"
        screen.say(f"{pair.open_time:%H:%M}  {closes}  {pair.percent:+.2f} %")
    if len(said.differing) > MOST_LINES:
        screen.say(f"and {len(said.differing) - MOST_LINES:,} more")
    for where, missing in (("here", said.missing_here), (f"at {title}", said.missing_there)):
        if missing:
            screen.say(f"Missing {where}: {len(missing):,}, the first at {missing[0]:%H:%M}.")
    if said.differing:
        raise CompareError(
            f"{len(said.differing):,} of {said.compared:,} closes differ by more than {percent:g} %"
        )
    screen.say(f"{said.compared:,} closes compared: none differs by more than {percent:g} %.")


def _mark(said: CrossCheck, bars: str, other: str, file: Path) -> None:
    try:
        with replacing(file) as part, part.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(("id", "close", "other_close", "percent", "other_source"))
            for pair in said.differing:
                bar = f"{bars}|{format_time(pair.open_time)}"
                writer.writerow((bar, pair.here, pair.there, pair.percent, other))
    except OSError as error:
        raise CompareError(f"{file} cannot be written: {say_full(error.strerror or str(error))}") from None


def _choose_interval(asked: str | None, known: list[str], name: str) -> str:
    if asked in known:
        return str(asked)
    if asked is None and len(known) == 1:
        return known[0]
    raise CompareError(
        f"The lake holds bars of {name} of {', '.join(known)}: say which, as --interval {known[0]}"
    )


def _newest(lake: QueryableLake, name: str, interval: str) -> datetime:
    ask = Selection((name,), interval).ask(["open_time"])
    ((newest,),) = lake.query(f"SELECT max(open_time) FROM ({ask}) AS wanted").rows  # noqa: S608 (Selection quotes)
    return _utc(newest)


def _closes_here(
    lake: QueryableLake, name: str, interval: str, first: datetime
) -> tuple[dict[datetime, float], list[str]]:
    """The lake's closes of a day, and which providers said them."""
    selection = Selection((name,), interval, first, first + timedelta(days=1))
    rows = lake.query(selection.ask(["open_time", "close", "source"])).rows
    if not rows:
        raise NoSuchBarsError(
            f"The lake holds no bars of {name} of {first:%Y-%m-%d} (UTC): name another --day"
        )
    return {_utc(row[0]): row[1] for row in rows}, sorted({row[2] for row in rows})


def _closes_there(
    provider: Provider,
    kind: ProviderKind,
    instrument: Instrument,
    interval: str,
    first: datetime,
    newest: datetime,
) -> dict[datetime, float]:
    """The other provider's closes of a day, as far as it shows them."""
    try:
        answer = (
            provider.fetch([instrument], interval, first)[instrument.name]
            if newest - first < _LONG_AGO
            else provider.fetch_month(instrument, interval, f"{first:%Y-%m}")
        )
    except ProviderError as error:
        raise CompareError(f"{kind.title} gave no bars: {error}") from None
    if answer.failure:
        raise CompareError(f"{kind.title} did not give all bars: {answer.failure}")
    return {
        moment: close
        for moment, close in _closes(answer, instrument, interval).items()
        if first <= moment < first + timedelta(days=1)
    }


def _closes(answer: Answer, instrument: Instrument, interval: str) -> Mapping[datetime, float]:
    watchlist = Watchlist((instrument,), interval, "regular")
    finished = answer.without_forming(watchlist.market_of(instrument), interval)
    admitted = Admission().admit(instrument, finished, watchlist)
    return {parse_time(open_time): numbers.close for open_time, numbers in admitted.bars.items()}


def _open(kind: ProviderKind, instrument: Instrument, key: str) -> Provider:
    return kind.open(
        ProviderAccess(
            session=requests.Session(),
            url=kind.url,
            read_key=(lambda: key) if kind.needs_key(instrument) else None,
            timeout_seconds=TIMEOUT_SECONDS,
            hours="regular",
            options={setting: choices[0] for setting, choices in kind.options.items()},
            before_request=lambda: None,
        )
    )


def _key(name: str, kind: ProviderKind, instrument: Instrument) -> str:
    if not kind.needs_key(instrument):
        return ""
    lacking = [each for each in _KEYS[name] if not os.environ.get(each)]
    if lacking:
        raise CompareError(f"{kind.title} wants a key for {instrument.name}: set {' and '.join(lacking)}")
    return ":".join(os.environ[each] for each in _KEYS[name])


def _utc(moment: datetime) -> datetime:
    """A timestamp of the lake, whichever engine answered."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not 0 <= percent < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on, such as 0.5")
    return percent
