"""`stockstream tail`: the bars that reached the lake last, and those that come."""
# ruff: noqa: S608  # what SQL takes from outside are instruments, which are checked and quoted

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instruments
from stockstream_local.arguments import Commands, count
from stockstream_local.lake.access import QueryableLake, open_lake
from stockstream_local.screen import Screen

LINES = 20
# As often as there can be something new: here at once, in AWS once a buffer.
POLL_SECONDS = {True: 60, False: 2}
# A bar can reach the lake after one that arrived later: a batch of Firehose's waits, or is tried again.
OVERLAP = timedelta(minutes=30)

type Row = tuple[Any, ...]

_HEADER = ("arrived (UTC)", "instrument", "bar (UTC)", "close", "SMA 20", "return", "RSI 14", "volume")
_LINE = "{:19}  {:15}  {:16}  {:>12}  {:>12}  {:>8}  {:>6}  {:>12}"
_FIELDS = "id, as_of, arrived_at, instrument, open_time, close, sma_20, return_1, rsi_14, volume"
_ORDER = "arrived_at, open_time, id"


def add_tail(commands: Commands) -> None:
    """Adds `stockstream tail`."""
    command = commands.add_parser(
        "tail",
        help="show the bars that reached the lake last",
        description="Shows the bars that reached the lake last, each once and at its newest numbers: "
        "those of the last run here, or with --stack a stack's in AWS.",
    )
    option = command.add_argument
    option(
        "instruments",
        nargs="?",
        type=_instruments,
        default=(),
        metavar="LIST",
        help="only these, as IBM,fx:EUR/USD (all)",
    )
    option("-n", "--lines", type=count, default=LINES, metavar="N", help=f"how many ({LINES})")
    option("-f", "--follow", action="store_true", help="go on showing what comes, until Ctrl-C")
    option("--stack", metavar="NAME", help="a stack in AWS; each look is a query that Athena bills (here)")
    command.set_defaults(run=run_tail)


def run_tail(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows the newest arrivals, and with --follow those that come.

    Raises:
        StockstreamError: there is no lake, or it cannot be read.
    """
    lake = open_lake(asked.stack)
    screen.say(_LINE.format(*_HEADER).rstrip(), style="bold")
    # Ctrl-C is how following ends.
    with suppress(KeyboardInterrupt):
        for rows in follow(lake, asked.instruments, asked.lines):
            for row in rows:
                screen.say(_line(row))
            if not asked.follow:
                if not rows:
                    screen.say("No bars of these are in the lake yet.")
                break
            time.sleep(POLL_SECONDS[asked.stack is not None])
    if receipt := lake.receipt():
        screen.say(receipt, style="dim")


def follow(lake: QueryableLake, instruments: Sequence[str], lines: int) -> Iterator[list[Row]]:
    """First the newest arrivals, then at each step what has come since; each set of numbers once.

    Args:
        lake: what is read.
        instruments: only these; all, if empty.
        lines: how many at first.

    Yields:
        Rows of id, as_of, arrived_at, instrument, open_time, close, sma_20, return_1, rsi_14 and volume; the
        oldest arrival first.
    """
    source = "bars_latest"
    if instruments:
        source += f" WHERE instrument IN ({', '.join(map(_literal, instruments))})"
    known: dict[Row, datetime] = {}
    while not known:
        rows = lake.query(_newest(source, lines)).rows
        known = {row[:2]: row[2] for row in rows}
        yield rows[-lines:]
    while True:
        since = max(known.values()) - OVERLAP
        rows = [row for row in lake.query(_since(source, since)).rows if row[:2] not in known]
        known = {key: arrived for key, arrived in known.items() if arrived >= since}
        known |= {row[:2]: row[2] for row in rows}
        yield rows


def _newest(source: str, lines: int) -> str:
    """The newest arrivals, and with them all that the next step could find again."""
    newest_first = "arrived_at DESC, open_time DESC, id DESC"
    return (
        f"SELECT {_FIELDS} FROM (SELECT {_FIELDS}, row_number() OVER (ORDER BY {newest_first}) AS place, "
        f"max(arrived_at) OVER () AS newest FROM {source}) AS placed "
        f"WHERE place <= {lines} OR arrived_at >= newest - {_interval(OVERLAP)} ORDER BY {_ORDER}"
    )


def _since(source: str, moment: datetime) -> str:
    return (
        f"SELECT {_FIELDS} FROM (SELECT {_FIELDS} FROM {source}) AS wanted "
        f"WHERE arrived_at >= timestamp '{moment:%Y-%m-%d %H:%M:%S.%f}' ORDER BY {_ORDER}"
    )


def _interval(length: timedelta) -> str:
    return f"INTERVAL '{length // timedelta(minutes=1)}' MINUTE"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _line(row: Row) -> str:
    _, _, arrived, instrument, opened, close, average, change, strength, volume = row
    return _LINE.format(
        f"{arrived:%Y-%m-%d %H:%M:%S}",
        instrument,
        f"{opened:%Y-%m-%d %H:%M}",
        _number(close, ".9g"),
        _number(average, ".9g"),
        _number(change, "+.3%"),
        _number(strength, ".1f"),
        _number(volume, ",.9g"),
    ).rstrip()


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _instruments(text: str) -> tuple[str, ...]:
    try:
        return tuple(instrument.name for instrument in parse_instruments(text))
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
