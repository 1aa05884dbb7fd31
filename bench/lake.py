"""`make bench-lake`: how long a lake of many days takes to answer, beside a bare scan of the same rows.

A day has 390 files of a minute each, of ten instruments; its numbers are those of each other day.
ARGS='--days 1000 --small 20': the last 20 days as Firehose leaves them, the others in one file each.
"""
# ruff: noqa: S608  # the SQL is made of what stands here

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from stockstream.fields import list_fields, list_indicators
from stockstream.windows import Windows
from stockstream_operate.lake.access import LocalLake
from stockstream_operate.lake.joined import FOLDER

MINUTES = 390
INSTRUMENTS = tuple(f"SHARE{number}" for number in range(10))
WORKED_OUT = [field.name for row in list_indicators(Windows()) for field in row.fields]
TIMES = 5


@cache
def one_day() -> list[bytes]:
    """The lines of each minute's file of 2000-01-01."""
    return list(_minutes(random.Random(1)))


def _minutes(chance: random.Random) -> Iterator[bytes]:
    opens = datetime(2000, 1, 1, 14, 30, tzinfo=UTC)
    fields = [field.name for field in list_fields(Windows())]
    for minute in range(MINUTES):
        opened = opens + timedelta(minutes=minute)
        lines = []
        for instrument in INSTRUMENTS:
            open_time = f"{opened:%Y-%m-%dT%H:%M:%SZ}"
            known = f"{opened + timedelta(seconds=62):%Y-%m-%dT%H:%M:%S.000Z}"
            low, first, last, high = sorted(chance.gauss(100, 1) for _ in range(4))
            document = dict.fromkeys(fields) | {name: chance.gauss(100, 1) for name in WORKED_OUT}
            document |= {
                "schema": "enriched.v1",
                "id": f"{instrument}|1min|{open_time}",
                "as_of": known,
                "instrument": instrument,
                "asset_class": "equity",
                "interval": "1min",
                "open_time": open_time,
                "open": first,
                "high": high,
                "low": low,
                "close": last,
                "volume": 1000.0,
                "source": "replay",
                "arrived_at": known,
                "lookback_bars": 199,
            }
            lines.append(json.dumps(document).encode() + b"\n")
        yield b"".join(lines)


def write_day(lake: Path, day: date, *, is_small: bool) -> None:
    """Writes one day of arrival."""
    folder = lake / "bars" / f"dt={day}"
    folder.mkdir(parents=True)
    minutes = [lines.replace(b"2000-01-01", str(day).encode()) for lines in one_day()]
    files = minutes if is_small else [b"".join(minutes)]
    for number, lines in enumerate(files):
        (folder / f"{number:03}.json.gz").write_bytes(gzip.compress(lines, 1, mtime=0))


def measure(ask: Callable[[], object]) -> tuple[float, float]:
    """The median of some runs, in seconds; and the least that one took of the processors.

    The first follows what else the machine does, the second hardly.
    """
    taken, worked = [], []
    for _ in range(TIMES):
        started, began = time.perf_counter(), time.process_time()
        ask()
        worked.append(time.process_time() - began)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), min(worked)


def questions(newest: date) -> dict[str, str]:
    """What is asked, by its name; {bars} is where."""
    day, year = newest - timedelta(days=newest.day), newest - timedelta(days=365)
    columns = "open_time, open, high, low, close, volume, sma_20, rsi_14"
    return {
        "latest bar of each instrument": (
            "SELECT instrument, interval, open_time, close, rsi_14 FROM (SELECT *, row_number() OVER "
            "(PARTITION BY instrument, interval ORDER BY open_time DESC) AS age FROM {bars}) "
            "AS aged WHERE age = 1"
        ),
        "one day of one instrument": (
            f"SELECT {columns} FROM {{bars}} WHERE instrument = 'SHARE3' "
            f"AND open_time >= timestamp '{day} 00:00:00' AND open_time < timestamp '{day} 23:59:59'"
        ),
        "one year of one instrument": (
            f"SELECT {columns} FROM {{bars}} WHERE instrument = 'SHARE3' "
            f"AND open_time >= timestamp '{year} 00:00:00'"
        ),
    }


def main() -> None:
    """Writes the lake, asks, and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=30)
    options.add_argument(
        "--small", type=int, default=30, help="so many of the last days have a file a minute"
    )
    asked = options.parse_args()
    today = datetime.now(UTC).date()
    with TemporaryDirectory(prefix="bench-lake-") as name:
        folder = Path(name) / "lake"
        started = time.perf_counter()
        for age in range(asked.days, 0, -1):
            write_day(folder, today - timedelta(days=age), is_small=age <= asked.small)
        count = sum(1 for _ in folder.rglob("*.json.gz"))
        print(f"{asked.days} days, {count:,} files, written in {time.perf_counter() - started:.0f} s")
        time.sleep(2.1)  # a folder that has just changed is not joined
        lake = LocalLake(folder)
        asking = questions(today - timedelta(days=1))
        started = time.perf_counter()
        lake.query(asking["latest bar of each instrument"].format(bars="bars_latest"))
        print(f"the first question, which joins all days: {time.perf_counter() - started:.1f} s")
        _compare(lake, folder, asking, "all days are joined")
        write_day(folder, today, is_small=True)
        _compare(lake, folder, asking, f"and today, in {MINUTES} files")


def _compare(lake: LocalLake, folder: Path, asking: dict[str, str], title: str) -> None:
    scan = f"read_parquet('{folder / FOLDER}/*.parquet')"
    print(f"\n{'':<42}{'seconds':>18}{'of a processor':>22}")
    print(f"{title:<42}{'the lake':>10}{'bare':>8}{'the lake':>12}{'bare':>10}{'ratio':>7}{'rows':>9}")
    with duckdb.connect() as bare:
        bare.execute("SET TimeZone = 'UTC'")
        for name, sql in asking.items():
            asked, scanned = sql.format(bars="bars_latest"), sql.format(bars=scan)
            rows = len(lake.query(asked).rows)
            ours, work = measure(partial(lake.query, asked))
            theirs, least = measure(partial(_scan, bare, scanned))
            ratio = work / least
            print(f"{name:<42}{ours:>10.2f}{theirs:>8.2f}{work:>12.3f}{least:>10.3f}{ratio:>7.1f}{rows:>9,}")


def _scan(bare: duckdb.DuckDBPyConnection, sql: str) -> None:
    bare.execute(sql).fetchall()


if __name__ == "__main__":
    main()
