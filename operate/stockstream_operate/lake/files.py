"""Files of bars for other programs: Parquet, CSV and Arrow, written by DuckDB."""
# ruff: noqa: S608  # what SQL is made of are columns of the lake's views, and this process's own files

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from stockstream_operate.lake.literals import quoted
from stockstream_operate.whole_file import naming

# What a file's name ends with, and what it then is.
FORMS = {".parquet": "Parquet", ".csv": "CSV", ".arrows": "an Arrow stream"}


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds.

    Attributes:
        bars: how many.
        instruments: of how many instruments.
        first: when the first begins, UTC, without a zone; None where there is none.
        last: when the last begins.
    """

    bars: int
    instruments: int
    first: datetime | None
    last: datetime | None


def write_bars(
    database: duckdb.DuckDBPyConnection, select: str, types: Mapping[str, str], path: Path, ending: str
) -> Written:
    """Writes the answer to a SELECT, by instrument and interval, oldest bar first.

    Times are in UTC and say so: with their zone in Parquet and Arrow, as `2026-11-20T14:30:00.000Z` in CSV.
    Where there is no bar nothing is written.

    Args:
        database: what answers it; it may write that file.
        select: in DuckDB's dialect; instrument, interval and open_time are among its columns.
        types: its columns, in Athena's types of the views.
        path: where to write.
        ending: a key of FORMS.

    Raises:
        duckdb.Error: it cannot be answered or written.
        OSError: it cannot be written.
    """
    columns = ", ".join(_with_zone(name, kind, as_text=ending == ".csv") for name, kind in types.items())
    database.execute(f"CREATE TEMP TABLE chosen AS {select}")
    bars, instruments, first, last = database.execute(
        "SELECT count(*), count(DISTINCT instrument), min(open_time), max(open_time) FROM chosen"
    ).fetchall()[0]
    exported = f"SELECT {columns} FROM chosen ORDER BY chosen.instrument, chosen.interval, chosen.open_time"
    if bars and ending == ".arrows":
        from nanoarrow.ipc import StreamWriter  # noqa: PLC0415 (no other file needs it)

        with naming(path), path.open("wb") as file, StreamWriter.from_writable(file) as writer:
            writer.write_stream(database.sql(exported))
    elif bars:
        form = "FORMAT parquet, COMPRESSION zstd" if ending == ".parquet" else "FORMAT csv, HEADER"
        database.execute(f"COPY ({exported}) TO {quoted(str(path))} ({form})")
    database.execute("DROP TABLE chosen")
    return Written(bars, instruments, first, last)


def write_lines(lines: str, types: Mapping[str, str], path: Path, ending: str) -> Written:
    """Writes JSON lines that hold such an answer, times in UTC.

    Args:
        lines: one object a line.
        types: of the columns, in Athena's types of the views.
        path: where to write.
        ending: a key of FORMS.

    Raises:
        duckdb.Error: they cannot be written.
        OSError: they cannot be written.
    """
    typed = ", ".join(f"\"{name}\": '{kind.partition('(')[0]}'" for name, kind in types.items())
    with NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file, duckdb.connect() as database:
        with naming(Path(file.name)):
            file.write(lines)
            file.flush()
        database.execute("SET TimeZone = 'UTC'")
        source = f"read_json({quoted(file.name)}, columns = {{{typed}}}, format = 'newline_delimited')"
        return write_bars(database, f"SELECT * FROM {source}", types, path, ending)


def _with_zone(name: str, kind: str, *, as_text: bool) -> str:
    if not kind.startswith("timestamp"):
        return f'"{name}"'
    if as_text:
        return f'strftime("{name}", \'%Y-%m-%dT%H:%M:%S.%gZ\') AS "{name}"'
    return f'timezone(\'UTC\', "{name}") AS "{name}"'
