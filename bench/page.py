"""Measures the page over a lake of one day and over one of three years: `make bench-page`.

A day has a bar a minute of ten instruments, 390 of each; the days before today are a file each, and today
has a file a minute. Seconds, not ratios: the page has 2 s for its first paint, and as many for an update.
They are those of the machine and its load.
"""
# ruff: noqa: S608  # the SQL is made of what stands here

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models"))

from browser import BROWSER, Browser
from delivered_files import document
from lake import one_day, write_day
from page_lake import deliver
from served_page import address, serve_lake

from stockstream.fields import list_fields
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.sql import make_lake_sql

INSTRUMENT = "SHARE3"
PRICE = "document.querySelector('#price strong').textContent"
LENGTH = "document.querySelector('#length').textContent"
SPANS = ("hour", "session", "week", "all")
# ru_maxrss is in kilobytes, on macOS in bytes.
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10


def main() -> None:
    """Writes the lakes, and measures each in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, nargs="+", default=[1, 1000], help="how many days each lake has")
    options.add_argument("--measure", metavar="LAKE", type=Path, help="one lake that is there")
    asked = options.parse_args()
    if BROWSER is None:
        sys.exit("There is no Chromium on this machine: apt install chromium")
    if asked.measure:
        measure(asked.measure)
        return
    for days in asked.days:
        with tempfile.TemporaryDirectory(prefix="bench-page-") as name:
            lake = Path(name) / "lake"
            write_lake(lake, days)
            command = [sys.executable, __file__, "--measure", str(lake)]
            subprocess.run(command, check=True)  # noqa: S603 (this file)


def write_lake(lake: Path, days: int) -> None:
    """Writes so many days of arrival, of which today is the last."""
    today = datetime.now(UTC).date()
    write_day(lake, today, is_small=True)
    older = [today - timedelta(days=age) for age in range(1, days)]
    with tempfile.NamedTemporaryFile(suffix=".json") as lines, duckdb.connect() as database:
        lines.write(b"".join(one_day()))
        lines.flush()
        numbers = {field.name: "DOUBLE" for field in list_fields(Windows()) if field.is_number}
        types = dict.fromkeys((field.name for field in list_fields(Windows())), "VARCHAR") | numbers
        database.read_json(lines.name, columns=types).create("documents")
        for day in older:
            write_parquet_day(database, lake, day)
    began = time.monotonic()
    time.sleep(2.1 if older else 0)  # a folder that has just changed is not joined
    with open_joined(lake, make_lake_sql(Windows()), str(today)):
        pass
    print(f"{days} days; {len(older)} were joined, once, in {time.monotonic() - began:.0f} s", flush=True)


def write_parquet_day(database: duckdb.DuckDBPyConnection, lake: Path, day: date) -> None:
    """Writes a day that is over as one file, as `stockstream compact` leaves it."""
    folder = lake / "bars-parquet" / f"dt={day}"
    folder.mkdir(parents=True)
    moved = ", ".join(
        f"replace({name}, '2000-01-01', '{day}') AS {name}"
        for name in ("id", "open_time", "as_of", "arrived_at")
    )
    database.execute(
        f"COPY (SELECT * REPLACE ({moved}) FROM documents ORDER BY instrument, open_time) "
        f"TO '{folder}/compacted.parquet' (FORMAT parquet, COMPRESSION zstd)"
    )


def measure(lake: Path) -> None:
    """Prints how long each takes, in one tab after the other, and how much memory it took."""
    with Browser.run(lake.parent) as browser:
        stopwatch = Stopwatch()
        with serve_lake(lake) as server:
            print(f"  served after {stopwatch.read()}")
            for span in SPANS:
                page = browser.page()
                page.look(1280, 900)
                stopwatch = Stopwatch()
                page.open(f"{address(server)}#instrument={INSTRUMENT}&interval=1min&span={span}")
                page.wait(f"{PRICE} !== ''")
                print(f"  first paint of {span} after {stopwatch.read()}: {said(page.value(LENGTH))}")
                before = page.value(PRICE)
                stopwatch = Stopwatch()
                deliver(lake, f"new-{span}", [new_bar(SPANS.index(span))])
                page.wait(f"{PRICE} !== {json.dumps(before)}")
                print(f"  an update of it after {stopwatch.read()}")
                page.open("about:blank")
                assert page.complaints == []
    print(f"  memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE:.0f} MB", flush=True)


class Stopwatch:
    """Goes from when it is made: by the clock, and by the processor of the process that serves the page."""

    def __init__(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()

    def read(self) -> str:
        """How long it went, for people."""
        taken, worked = time.monotonic() - self._began, time.process_time() - self._worked
        return f"{taken:.2f} s ({worked:.2f} s of a processor)"


def said(length: str) -> str:
    """How many bars the page says that it shows."""
    return length.partition(", made")[0].partition(". ")[0]


def new_bar(minute: int) -> dict[str, object]:
    """A bar after all others."""
    opens = datetime.now(UTC).replace(hour=22, minute=minute, second=0, microsecond=0)
    known = format_instant(opens + timedelta(minutes=1))
    numbers = {field.name: 100.0 for field in list_fields(Windows()) if field.is_number and field.null}
    bar = document(format_time(opens), 123.25 + minute, as_of=known, instrument=INSTRUMENT)
    return bar | numbers | {"volume": 1.0}


if __name__ == "__main__":
    main()
