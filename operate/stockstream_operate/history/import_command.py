"""`stockstream import`: its options, what it sends, and what it says."""

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import boto3

from stockstream.bar_stream import BarStream
from stockstream.bars import Bar
from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument
from stockstream.intervals import INTERVALS
from stockstream.windows import Windows
from stockstream_operate.arguments import moment
from stockstream_operate.aws_config import CONFIG
from stockstream_operate.counts import say_count
from stockstream_operate.history import SOURCE
from stockstream_operate.history.bars import Choices, History, make_records, read_history
from stockstream_operate.history.layouts import NAMES
from stockstream_operate.history.set_aside import write_set_aside
from stockstream_operate.history.stamps import parse_ticker
from stockstream_operate.history.tables import HistoryError, Table, read_table
from stockstream_operate.lake.access import FOLDER
from stockstream_operate.price_kinds import PriceKind, read_price_kind
from stockstream_operate.record_sender import RecordSender
from stockstream_operate.screen import Screen
from stockstream_operate.stack import find_stack

# A shard takes 1 MB a second. Half of it is the producer's: a stream that turns records away is an alarm.
SHARE_BYTES = 500_000
# With full look-backs some 400 KB.
PIECE_RECORDS = 100
# How many refused rows are shown; all of them are in the file beside.
SHOWN = 20


class Puts(Protocol):
    """Where records go: a RecordSender, or a fake."""

    def put(self, instrument: str, records: Sequence[bytes]) -> list[str]:
        """Puts records; of each why it was refused, or nothing."""


def add_import(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream import`."""
    command.description = (
        "Sends history from files through the pipeline that runs here, or with --stack through one in AWS. "
        "The columns that Alpha Vantage, Yahoo, Stooq, Lean and pandas write are known."
    )
    option = command.add_argument
    option("files", nargs="+", type=Path, metavar="FILE", help=".csv, .csv.gz, .zip (of one CSV), .parquet")
    option("--instrument", type=_instrument, metavar="NAME", help="whose bars these are (the file's column)")
    option("--interval", choices=list(INTERVALS), help="how long they last (the shortest step between them)")
    option("--timezone", type=_zone, metavar="ZONE", help="of times without one (the market's)")
    option("--stamps", choices=("start", "end"), default="start", help="what a time is of a bar (start)")
    option(
        "--time-format",
        type=_form,
        metavar="FORMAT",
        help="of the times, as %%d/%%m/%%Y %%H:%%M (strptime's)",
    )
    option("--columns", type=_columns, default={}, metavar="LIST", help="as time=Zeit,close=Schluss")
    option(
        "--as-of",
        type=moment,
        metavar="MOMENT",
        help="when this was known (when the newest file was written)",
    )
    option("--check", action="store_true", help="read and check the files, and send nothing")
    option("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    command.set_defaults(run=run_import)


def run_import(asked: argparse.Namespace, screen: Screen) -> None:
    """Reads the files, says what is in them, and sends it.

    Raises:
        StockstreamError: they cannot be read, or not all bars were taken.
    """
    # Before the files are read, which can take a while.
    stack = None if asked.check else find_stack(asked.stack)
    now = datetime.now(UTC)
    choices = Choices(
        asked.instrument,
        asked.interval,
        asked.timezone,
        asked.time_format,
        asked.columns,
        stamped_at_end=asked.stamps == "end",
    )
    paths = list(dict.fromkeys(asked.files))
    with screen.step("Reading", "Read"):
        tables = [read_table(path) for path in paths]
        # One for all, since the bars of one file stand in the look-backs of another's.
        written = datetime.fromtimestamp(max(path.stat().st_mtime for path in paths), UTC)
        history = read_history(tables, min(asked.as_of or written, now), choices)
    _say_what_was_read(history, screen)
    if stack is None:
        screen.say("Nothing was sent, and nothing set aside: without --check it is.")
        return
    _set_aside(history, tables, screen)
    if not history.bars:
        raise HistoryError("There is no bar to send.")
    if asked.stack is None and (kind := read_price_kind(FOLDER)) is not PriceKind.LIVE:
        screen.say(f"The other prices of this lake are {kind.word}: by their source you can tell them apart.")
    kinesis = boto3.client("kinesis", config=CONFIG)
    stream = BarStream(kinesis, stack.output("BarStreamName"), warn=lambda *_, **__: None)
    total = sum(map(len, history.bars.values()))
    with screen.progress("Sending", total) as step:
        # The emulator's stream has no limit.
        rest = time.sleep if stack.url is None else lambda _seconds: None
        refusals = send(history.bars, stack.windows, RecordSender(stream), step, rest)
    sent = total - refusals.total()
    screen.say(f"{say_count(sent, 'bar')} went into the stream, with {SOURCE!r} as their source.")
    if refusals:
        raise HistoryError(
            f"{say_count(refusals.total(), 'bar')} did not: {', '.join(refusals)}. "
            "Import the same files again: what is there already is not doubled."
        )


def send(
    bars: Mapping[tuple[str, str], Sequence[Bar]],
    windows: Windows,
    stream: Puts,
    step: Callable[[float], None],
    rest: Callable[[float], None],
) -> Counter[str]:
    """Puts bars into the stream, each with its look-back.

    Args:
        bars: by instrument and interval, oldest first.
        windows: what the look-backs must serve.
        stream: takes records.
        step: is called with the number of bars that were put.
        rest: waits, in seconds, so that a shard has room for what the producer sends.

    Returns:
        How many were refused, by the reason.
    """
    refusals: Counter[str] = Counter()
    for (instrument, _), theirs in bars.items():
        for chunk in batched(make_records(theirs, windows), PIECE_RECORDS, strict=False):
            refusals.update(filter(None, stream.put(instrument, chunk)))
            step(len(chunk))
            rest(sum(map(len, chunk)) / SHARE_BYTES)
    return refusals


def _say_what_was_read(history: History, screen: Screen) -> None:
    for (name, interval), bars in history.bars.items():
        zone = history.zones.get(name)
        screen.say(
            f"{name}, {interval}: {say_count(len(bars), 'bar')}, "
            f"from {_short(bars[0].open_time)} to {_short(bars[-1].open_time)} (UTC)"
            + (f"; times without a zone are taken as those of {zone}." if zone else ".")
        )
    if history.repeated:
        screen.say(f"{say_count(history.repeated, 'row')} say what others say, and count once.")
    for each in history.refused[:SHOWN]:
        screen.say(f"{each.path}, line {each.row.line}: {each.reason}", style="yellow")
    if len(history.refused) > SHOWN:
        screen.say(f"... and {say_count(len(history.refused) - SHOWN, 'row')} more.", style="yellow")


def _set_aside(history: History, tables: Sequence[Table], screen: Screen) -> None:
    for table in tables:
        theirs = [each for each in history.refused if each.path == table.path]
        if theirs:
            path = write_set_aside(table, theirs)
            rows = say_count(len(theirs), "row")
            screen.say(
                f"{rows} of {table.path.name} set aside, each with the reason: {path}",
                style="yellow",
            )


def _short(open_time: str) -> str:
    return open_time[:16].replace("T", " ")


def _instrument(text: str) -> Instrument:
    try:
        return parse_ticker(text)
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time zone: write it as Europe/Berlin or UTC"
        ) from None


def _form(text: str) -> str:
    sample = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
    try:
        datetime.strptime(sample.strftime(text), text)  # noqa: DTZ007 (a form may have no zone)
    except (ValueError, re.error) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no form of a time: {error}") from None
    return text


def _columns(text: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in re.split(r",(?=\w+=)", text)]
    if wrong := [meaning for meaning, _, name in pairs if meaning not in NAMES or not name]:
        raise argparse.ArgumentTypeError(
            f"{wrong[0]!r} is nothing that a column can mean: write time=Zeit,close=Schluss, "
            f"with {', '.join(NAMES)} before the signs"
        )
    return {meaning: name for meaning, _, name in pairs}
