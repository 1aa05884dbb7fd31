"""`stockstream tail`: the bars that reached the lake last, and those that come."""
# ruff: noqa: S608  # what SQL takes from outside are instruments, which are checked and quoted

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instruments
from stockstream_operate.arguments import count
from stockstream_operate.lake.access import NoLakeError, QueryableLake, open_lake
from stockstream_operate.lake.literals import quoted
from stockstream_operate.screen import Screen

LINES = 20
# As often as there can be something new: here at any moment, in AWS once in a buffer's time.
POLL_SECONDS = {True: 60, False: 2}
# A bar can reach the lake after one that arrived later: a batch of Firehose's waits, or is tried again.
OVERLAP = timedelta(minutes=30)

type BarRow = tuple[Any, ...]

_COLUMNS = {
    "arrived (UTC)": "<19",
    "instrument": "<15",
    "bar (UTC)": "<16",
    "close": ">12",
    "SMA 20": ">12",
    "return": ">8",
    "RSI 14": ">6",
    "volume": ">12",
}
# Columns that a narrow terminal leaves out, in this order.
_SPARED = ("volume", "RSI 14", "SMA 20")
_GAP = "  "
_NAMES = "id, as_of, arrived_at, instrument, open_time, close, sma_20, return_1, rsi_14, volume"
# Firehose does not always say when a record arrived; it was known before.
_FIELDS = _NAMES.replace("arrived_at", "coalesce(arrived_at, as_of) AS arrived_at")
_ORDER = "arrived_at, open_time, id"


def add_tail(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream tail`."""
    command.description = (
        "Shows the bars that reached the lake last, each once and at its newest numbers: "
        "those of the last run here, or with --stack a stack's in AWS."
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
    columns = choose_columns(screen.width)
    if asked.follow:
        # Ctrl-C is how following ends.
        with suppress(KeyboardInterrupt):
            screen.say(_line({name: name for name in columns}), style="bold")
            for step, rows in enumerate(follow(lake, asked.instruments, asked.lines)):
                if not rows and not step:
                    screen.say("No bars of these are in the lake yet: waiting for the first.", style="dim")
                _show(rows, columns, screen)
                time.sleep(POLL_SECONDS[asked.stack is not None])
    elif rows := lake.query(_newest(_source(asked.instruments), asked.lines)).rows:
        screen.say(_line({name: name for name in columns}), style="bold")
        _show(rows[-asked.lines :], columns, screen)
    else:
        screen.say("No bars of these are in the lake yet.")
    if receipt := lake.receipt():
        screen.say(receipt, style="dim")


def follow(lake: QueryableLake, instruments: Sequence[str], lines: int) -> Iterator[list[BarRow]]:
    """First the newest arrivals, then at each step what has come since; each set of numbers once.

    A lake that is not there has nothing yet: a run here begins without one.

    Args:
        lake: what is read.
        instruments: only these; all, if empty.
        lines: how many at first.

    Yields:
        Rows of id, as_of, arrived_at, instrument, open_time, close, sma_20, return_1, rsi_14 and volume; the
        oldest arrival first.
    """
    source = _source(instruments)
    known: dict[BarRow, datetime] = {}
    while not known:
        rows = _ask(lake, _newest(source, lines))
        known = {row[:2]: row[2] for row in rows}
        yield rows[-lines:]
    while True:
        since = max(known.values()) - OVERLAP
        rows = [row for row in _ask(lake, _since(source, since)) if row[:2] not in known]
        known = {key: arrived for key, arrived in known.items() if arrived >= since}
        known |= {row[:2]: row[2] for row in rows}
        yield rows


def choose_columns(width: int | None) -> list[str]:
    """The columns that fit a line of so many characters; all for None."""
    columns = list(_COLUMNS)
    for spared in _SPARED:
        if width is not None and len(_line({name: name for name in columns})) > width:
            columns.remove(spared)
    return columns


def _ask(lake: QueryableLake, sql: str) -> list[BarRow]:
    try:
        return lake.query(sql).rows
    except NoLakeError:
        return []


def _source(instruments: Sequence[str]) -> str:
    wanted = f" WHERE instrument IN ({', '.join(map(quoted, instruments))})" if instruments else ""
    return f"(SELECT {_FIELDS} FROM bars_latest{wanted}) AS wanted"


def _newest(source: str, lines: int) -> str:
    """The newest arrivals, and with them all that the next step could find again."""
    newest_first = "arrived_at DESC, open_time DESC, id DESC"
    return (
        f"SELECT {_NAMES} FROM (SELECT {_NAMES}, row_number() OVER (ORDER BY {newest_first}) AS place, "
        f"max(arrived_at) OVER () AS newest FROM {source}) AS placed "
        f"WHERE place <= {lines} OR arrived_at >= newest - {_interval(OVERLAP)} ORDER BY {_ORDER}"
    )


def _since(source: str, moment: datetime) -> str:
    return (
        f"SELECT {_NAMES} FROM {source} "
        f"WHERE arrived_at >= timestamp '{moment:%Y-%m-%d %H:%M:%S.%f}' ORDER BY {_ORDER}"
    )


def _interval(length: timedelta) -> str:
    return f"INTERVAL '{length // timedelta(minutes=1)}' MINUTE"


def _show(rows: Sequence[BarRow], columns: Sequence[str], screen: Screen) -> None:
    for row in rows:
        cells = _cells(row)
        screen.say(_line({name: cells[name] for name in columns}))


def _line(cells: Mapping[str, str]) -> str:
    return _GAP.join(f"{cell:{_COLUMNS[name]}}" for name, cell in cells.items()).rstrip()


def _cells(row: BarRow) -> dict[str, str]:
    _, _, arrived, instrument, opened, close, average, change, strength, volume = row
    return {
        "arrived (UTC)": f"{arrived:%Y-%m-%d %H:%M:%S}",
        "instrument": instrument,
        "bar (UTC)": f"{opened:%Y-%m-%d %H:%M}",
        "close": _number(close, ".9g"),
        "SMA 20": _number(average, ".9g"),
        "return": _number(change, "+.3%"),
        "RSI 14": _number(strength, ".1f"),
        "volume": _number(volume, ",.9g"),
    }


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _instruments(text: str) -> tuple[str, ...]:
    try:
        return tuple(instrument.name for instrument in parse_instruments(text))
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
