"""`make drill`: trading days under faults, and whether anything was lost, doubled or wrong in the end.

python tests/drill/drill.py                      twenty new days, each of its own seed
python tests/drill/drill.py --seeds 7            the day of seed 7 again
python tests/drill/drill.py --report             and writes docs/reliability.md, with its picture
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext, redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "models"), str(Path(__file__).parent)]
# Before anything of AWS is imported: nothing here may reach a real account.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "drill",
    "AWS_SECRET_ACCESS_KEY": "drill",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "LOG_LEVEL": "CRITICAL",
}

from broken_promises import BROKEN
from notices import DOWN, Told, tell
from picture import BINS, Strip
from report import Broken, Outcome, describe, paint, untried
from trading_day import DAYS, SHORT, Day, World, open_world
from verdict import Verdict, judge

REPORT = ROOT / "docs" / "reliability.md"
SEEDS, PROCESSES = 20, 2
BROKEN_SEEDS = 3
CALLS = ("GetItem", "BatchGetItem", "PutItem", "PutRecords")


def play(day: Day, seed: int, broken: str = "") -> Outcome:
    """Plays a day, and judges it."""
    began = time.perf_counter()
    with (
        TemporaryDirectory() as folder,
        BROKEN[broken]() if broken else nullcontext(),
        open_world(day, seed, Path(folder)) as world,
    ):
        with redirect_stdout(StringIO()):  # what the functions log
            world.play()
            verdict = judge(world, Path(folder))
            told = tell(world.measured, day.start, day.end, world.chance)
        return Outcome(
            day.name,
            seed,
            verdict.bars,
            len(world.firehose.records),
            verdict.faults + told.faults,
            max((delay for _, delay in verdict.delays), default=timedelta()),
            verdict.worst_repetition,
            len(told.changes),
            world.runs,
            world.all_faults() + told.counts,
            world.faults.services + world.market.counts,
            world.faults.moments,
            _strip(world, verdict, told, seed),
            time.perf_counter() - began,
        )


def _strip(world: World, verdict: Verdict, told: Told, seed: int) -> Strip:
    day = world.day

    def fraction(moment: datetime) -> float:
        return (moment - day.start) / (day.end - day.start)

    delays = [0.0] * BINS
    for at, delay in verdict.delays:
        place = min(BINS - 1, max(0, int(fraction(at) * BINS)))
        delays[place] = max(delays[place], delay.total_seconds() / 60)
    down = [change.at for change in told.changes if change.alarm == DOWN]
    rang = zip(down[::2], [*down[1::2], day.end][: len(down[::2])], strict=True)
    return Strip(
        f"{day.name}, {seed}",
        delays,
        [(name, fraction(begin), fraction(end)) for name, begin, end in world.outages],
        [fraction(moment) for moment in world.faults.killed_at],
        [(fraction(begin), fraction(end)) for begin, end in rang],
    )


def play_seed(seed: int) -> Outcome:
    """The day that a seed stands for."""
    return play(DAYS[seed % len(DAYS)], seed)


def find_broken(name: str) -> Broken:
    """After how many short days it is noticed that the promise is broken, and by what."""
    for seed in range(1, BROKEN_SEEDS + 1):
        outcome = play(SHORT, seed, name)
        if outcome.wrong:
            return Broken(name, seed, outcome.wrong[0])
    return Broken(name, 0, "")


def say(outcome: Outcome) -> None:
    """A line about a day, and what is wrong with it."""
    print(
        f"seed {outcome.seed:<10} {outcome.day:<32} {outcome.bars:>6,} bars {outcome.faults.total():>6,} "
        f"faults {outcome.told:>4} notices {len(outcome.wrong) or 'nothing':>7} wrong "
        f"{outcome.seconds:5.0f} s",
        flush=True,
    )
    # One sentence of each bar: a wrong close makes all that looks back on it wrong.
    for each in list({each.partition(": ")[0]: each for each in reversed(outcome.wrong)}.values())[:-6:-1]:
        print(f"    {each}")


def main(arguments: Sequence[str]) -> int:
    """Runs the drill; 1 if anything is wrong or was not tried, or a broken promise is not noticed."""
    command = argparse.ArgumentParser(prog="make drill", description=__doc__)
    command.add_argument("--seeds", type=int, nargs="+", help="the days of these seeds (new ones)")
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
    first = random.randrange(1_000_000) * len(DAYS)
    seeds = asked.seeds or range(first, first + SEEDS)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        outcomes = []
        for outcome in pool.map(play_seed, seeds):
            say(outcome)
            outcomes.append(outcome)
        broken = list(pool.map(find_broken, BROKEN)) if not asked.seeds or asked.report else []
    for each in broken:
        print(
            f"broken: {each.name}: "
            + (f"noticed in day {each.seed}: {each.what}" if each.seed else "NOT NOTICED")
        )
    missed = [] if asked.seeds else untried(outcomes, CALLS)
    if missed:
        print(f"never took place, so that the drill proves less than it says: {', '.join(missed)}")
    seconds = time.perf_counter() - began
    wrong = sum(len(each.wrong) for each in outcomes)
    print(f"{len(outcomes)} days, {wrong or 'nothing'} wrong, {seconds:.0f} s")
    if asked.report:
        picture = asked.report.with_suffix(".svg")
        lines = describe(outcomes, broken, [], seconds, picture.name)
        asked.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
        picture.write_text(paint(outcomes), encoding="utf-8")
    return 1 if wrong or missed or not all(each.seed for each in broken) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
