"""Files of rows as texts: CSV, also compressed, Parquet, and what yfinance and Lean make of them."""

import csv
import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

import duckdb

from stockstream.errors import StockstreamError

# A row of bars has hundreds of characters, and a year of one instrument's minutes some ten million.
_LONGEST_LINE, MOST_CHARACTERS = 100_000, 300_000_000
# What Lean's files have, which have no header. https://github.com/QuantConnect/Lean/tree/master/Data
LEAN_COLUMNS = ("time", "open", "high", "low", "close", "volume")
# A dollar in Lean's files of equities.
LEAN_SCALE = 10_000
# Milliseconds since midnight in files of a day, day and time in those of many.
_LEAN_TIME = re.compile(r"\d{1,8}|\d{8} \d\d:\d\d", re.ASCII)
_LEAN_NAME = re.compile(r"(\d{8})_(?:([a-z0-9.]+)_(?:second|minute)_)?trade", re.ASCII)


class HistoryError(StockstreamError):
    """A file cannot be imported as it is, or not all of it could be; the text says why and what to do."""


class Row(NamedTuple):
    """One row.

    Attributes:
        line: where it stands: the line of a CSV file, the number of a Parquet row.
        cells: in the order of the columns; None for null.
    """

    line: int
    cells: list[str | None]


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows.

    Attributes:
        path: the file.
        columns: their names.
        rows: what stands below.
        instrument: whose rows these are, where the file says it elsewhere than in a column: as it says it.
        day: whose rows these are, where the file's times are milliseconds since its midnight: `20131007`.
        is_lean: whether it is one of Lean's.
    """

    path: Path
    columns: list[str]
    rows: list[Row]
    instrument: str | None = None
    day: str | None = None
    is_lean: bool = False


def read_table(path: Path) -> Table:
    """Reads a file: `.parquet`, `.csv`, `.csv.gz`, or a `.zip` with one CSV file in it.

    Raises:
        HistoryError: it is none of these, or holds something else.
        OSError: it cannot be read.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    with _open_text(path) as (name, file):
        try:
            rows = list(_read_rows(path, file))
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise HistoryError(f"{path} is no CSV file in UTF-8: {error}") from error
    if not rows:
        raise HistoryError(f"{path} is empty.")
    header = [cell or "" for cell in rows[0].cells]
    if len(header) == len(LEAN_COLUMNS) and _LEAN_TIME.fullmatch(header[0]):
        return _lean_table(path, name, rows)
    if header[0] == "Price" and len(rows) > 1 and rows[1].cells[0] == "Ticker":
        return _yfinance_table(path, rows)
    return Table(path, header, rows[1:])


def _read_rows(path: Path, file: TextIO) -> Iterator[Row]:
    lines = _read_lines(path, file)
    first = next(lines, "")
    # The decimal point of a file with semicolons may be a comma: its numbers are then refused, line by line.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(reader.line_num, [cell.strip() for cell in cells])
    except csv.Error as error:
        raise csv.Error(f"{error}, at line {reader.line_num}") from error


def _read_lines(path: Path, file: TextIO) -> Iterator[str]:
    """The lines of a file, which may be compressed: a few bytes can stand for gigabytes."""
    room = MOST_CHARACTERS
    while line := file.readline(_LONGEST_LINE + 1):
        room -= len(line)
        if len(line) > _LONGEST_LINE:
            raise HistoryError(f"{path} has a line of more than {_LONGEST_LINE:,} characters.")
        if room < 0:
            raise HistoryError(f"{path} holds more than {MOST_CHARACTERS:,} characters: divide it.")
        yield line


def _lean_table(path: Path, name: str, rows: list[Row]) -> Table:
    """Lean's: the day of a file of one, and mostly the instrument, are in the file's name."""
    named = _LEAN_NAME.match(Path(name).name)
    is_of_a_day = " " not in (rows[0].cells[0] or "")
    if is_of_a_day and not named:
        raise HistoryError(
            f"{path} has no header, and its name no day as Lean's have it (20131007_spy_minute_trade.csv): "
            "write the names of its columns into a first line."
        )
    instrument = named[2].upper() if named and named[2] else None
    day = named[1] if named and is_of_a_day else None
    return Table(path, list(LEAN_COLUMNS), rows, instrument, day, is_lean=True)


def _yfinance_table(path: Path, rows: list[Row]) -> Table:
    """yfinance's: below the names of the columns a line of tickers, and one with the name of the index."""
    tickers = {cell for cell in rows[1].cells[1:] if cell}
    if len(tickers) != 1:
        raise HistoryError(
            f"{path} holds {len(tickers)} tickers side by side: write a file for each "
            "(yfinance.download of one ticker)."
        )
    columns = ["Datetime", *(cell or "" for cell in rows[0].cells[1:])]
    body = [row for row in rows[2:] if row.cells[0] not in {"Date", "Datetime"}]
    return Table(path, columns, body, tickers.pop())


def _read_parquet(path: Path) -> Table:
    with duckdb.connect() as database:
        try:
            database.execute("SET TimeZone = 'UTC'")
            # As texts, so that there is one way to read a number or a time.
            answer = database.execute(
                "SELECT COLUMNS(*)::VARCHAR FROM read_parquet($1, hive_partitioning = false)", [str(path)]
            )
            columns = [column[0] for column in answer.description or ()]
            rows = [Row(number, list(cells)) for number, cells in enumerate(answer.fetchall(), 1)]
        except duckdb.Error as error:
            raise HistoryError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    return Table(path, columns, rows)


@contextmanager
def _open_text(path: Path) -> Iterator[tuple[str, TextIO]]:
    """The text of a file, and the name of what it is the text of."""
    suffix, endings = path.suffix.lower(), "".join(path.suffixes[-2:]).lower()
    if suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                # macOS puts a file about each file beside it, under the same name.
                names = [
                    name
                    for name in archive.namelist()
                    if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
                ]
                if len(names) != 1:
                    raise HistoryError(f"{path} holds {len(names)} CSV files: take them out, and name each.")
                with archive.open(names[0]) as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as file:
                    yield names[0], file
        except zipfile.BadZipFile as error:
            raise HistoryError(f"{path} is no zip file: {error}") from error
    elif endings.endswith(".csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield path.name, file
    elif suffix in {".csv", ".txt"}:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield path.name, file
    else:
        raise HistoryError(f"{path} is neither .csv, .csv.gz, .txt, .zip nor .parquet.")
