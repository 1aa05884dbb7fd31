"""`stockstream export`: bars in a file for other programs."""

import argparse
from pathlib import Path

from stockstream.errors import StockstreamError
from stockstream.intervals import INTERVALS
from stockstream_operate.arguments import moment
from stockstream_operate.counts import say_count
from stockstream_operate.lake.access import open_lake
from stockstream_operate.lake.files import FORMS, Written
from stockstream_operate.lake.selection import KNOWN, NoSuchBarsError, Selection, find_instrument
from stockstream_operate.screen import Screen
from stockstream_operate.whole_file import replacing


class ExportError(StockstreamError):
    """The file cannot be written as asked; the text says what to do."""


def add_export(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream export`."""
    command.description = (
        "Writes bars to a file, each once and with its newest numbers, from the lake of the last run here, "
        "or with --stack from that of a stack in AWS."
    )
    option = command.add_argument
    option("file", type=_file, metavar="FILE", help=f"its ending says what it becomes: {', '.join(FORMS)}")
    option("--instruments", metavar="LIST", help="only these, as IBM,fx:EUR/USD (all)")
    option("--interval", choices=list(INTERVALS), help="only this (all)")
    option("--start", type=moment, metavar="MOMENT", help="from 2026-11-20 or 2026-11-20T14:30:00Z on (UTC)")
    option("--end", type=moment, metavar="MOMENT", help="before this moment")
    option(
        "--as-of", type=moment, metavar="MOMENT", help="only what was known then, with the numbers of then"
    )
    option("--adjusted", action="store_true", help="prices and volumes in the shares of today")
    option("--stack", metavar="NAME", help="a stack in AWS, whose Athena answers and bills it (here)")
    option("--force", action="store_true", help="write over a file that is there")
    command.set_defaults(run=run_export)


def run_export(asked: argparse.Namespace, screen: Screen) -> None:
    """Writes the file, whole or not at all.

    Raises:
        StockstreamError: there is no lake or nothing to write, or a file stands in the way.
    """
    path: Path = asked.file
    if path.exists() and not asked.force:
        raise ExportError(f"{path} is there already: name another file, or say --force to write over it.")
    if not path.parent.is_dir():
        raise ExportError(f"{path.parent} is no folder: make it first, or name another.")
    lake = open_lake(asked.stack)
    known = {name for name, _ in lake.query(KNOWN).rows}
    names = [name.strip() for name in (asked.instruments or "").split(",") if name.strip()]
    instruments = tuple(dict.fromkeys(find_instrument(name, known) for name in names))
    selection = Selection(instruments, asked.interval, asked.start, asked.end, asked.as_of, asked.adjusted)
    sql = selection.ask(list(lake.lake_sql.views["bars_latest"].columns))
    with replacing(path) as part, screen.progress(f"Writing {path.name}", 1.0) as step:
        done = 0.0

        def progress(share: float) -> None:
            nonlocal done
            step(max(0.0, share - done))
            done = max(done, share)

        written = lake.export(sql, part, path.suffix, progress)
        if not written.bars:
            raise NoSuchBarsError(
                "Nothing was written: the lake has no such bars. "
                f"It holds {', '.join(sorted(known)) or 'none at all'}"
            )
    screen.say(f"{_say(written)}, are in {path}: {FORMS[path.suffix]}, {path.stat().st_size / 1e6:,.1f} MB.")
    if receipt := lake.receipt():
        screen.say(receipt, style="dim")


def _say(written: Written) -> str:
    bars, things = say_count(written.bars, "bar"), say_count(written.instruments, "instrument")
    return f"{bars} of {things}, from {written.first:%Y-%m-%d %H:%M} to {written.last:%Y-%m-%d %H:%M} (UTC)"


def _file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in FORMS:
        forms = ", ".join(f"{ending} ({form})" for ending, form in FORMS.items())
        raise argparse.ArgumentTypeError(f"{text!r} has no ending that says what it is to be: {forms}")
    return path
