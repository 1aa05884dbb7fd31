"""`make soak`: a trading month in one process, and whether anything in it grows.

python tests/soak/soak.py                        November 2026, in a few minutes
python tests/soak/soak.py --days 9               its first days
python tests/soak/soak.py --report               and writes docs/soak.md
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from growth import Measured, Played, describe, find_growth
from month import DAY, INSTRUMENTS, MINUTE, open_soak

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "soak.md"
# With New York's change of clocks, Thanksgiving, and half a day after it.
START, DAYS = datetime(2026, 11, 1, tzinfo=UTC), 30
# An answer of the provider has a hundred bars, so that none is missed.
BUSY, QUIET = 10, 60


def say(day: Measured, seconds: float) -> None:
    """A line about a day."""
    print(
        f"{day.day} {day.runs:>5} runs {day.bars:>6,} bars {day.memory / 1e6:>7.1f} MB "
        f"{day.used / 1e6:.2f} used {day.blocks:>8,} blocks {day.objects:>8,} objects {day.files:>3} files "
        f"{day.items:>3} items {day.table:>7,} bytes, at most {day.largest:,} {seconds:6.0f} s",
        file=sys.__stdout__,
        flush=True,
    )


def main(arguments: Sequence[str]) -> int:
    """Runs the soak; 1 if anything has grown."""
    command = argparse.ArgumentParser(prog="make soak", description=__doc__)
    command.add_argument("--days", type=int, default=DAYS, help=f"how many ({DAYS})")
    command.add_argument(
        "--busy", type=int, default=BUSY, help=f"minutes between runs, in New York's session ({BUSY})"
    )
    command.add_argument(
        "--quiet", type=int, default=QUIET, help=f"minutes between runs at other times ({QUIET})"
    )
    command.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=REPORT,
        metavar="FILE",
        help=f"write {REPORT.relative_to(ROOT)}",
    )
    asked = command.parse_args(arguments)
    began = time.perf_counter()
    days: list[Measured] = []
    with open_soak() as soak:
        for day in soak.play(START, START + asked.days * DAY, asked.busy * MINUTE, asked.quiet * MINUTE):
            days.append(day)
            say(day, time.perf_counter() - began)
    grown = find_growth(days)
    print("\n".join(f"grown: {each}" for each in grown) or "Nothing grew.")
    if asked.report:
        played = Played(INSTRUMENTS, asked.busy, asked.quiet, soak.counts)
        asked.report.write_text("\n".join(describe(days, played)) + "\n", encoding="utf-8")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
