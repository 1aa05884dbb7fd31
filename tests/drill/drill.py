"""`make drill`: trading days under faults, and whether anything was lost, doubled or wrong in the end.

python tests/drill/drill.py                      twenty new days, each of its own seed
python tests/drill/drill.py --seeds 7            the day of seed 7 again
python tests/drill/drill.py --report             and writes docs/reliability.md
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

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
from trading_day import DAYS, SHORT, Day, open_world
from verdict import judge

REPORT = ROOT / "docs" / "reliability.md"
SEEDS, PROCESSES = 20, 2
BROKEN_SEEDS = 3
CALLS = ("GetItem", "BatchGetItem", "PutItem", "PutRecords")


class Outcome(NamedTuple):
    """What came of one day."""

    day: str
    seed: int
    bars: int
    records: int
    wrong: list[str]
    worst_delay: timedelta
    worst_repetition: int
    runs: Counter[str]
    faults: Counter[str]
    moments: Counter[str]
    seconds: float


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
        poison = Counter({"poison": len(world.poison)})
        faults = world.faults.counts + world.server.counts + world.firehose.counts + poison
        return Outcome(
            day.name, seed, verdict.bars, len(world.firehose.records), verdict.faults, verdict.worst_delay,
            verdict.worst_repetition, world.runs, faults, world.faults.moments, time.perf_counter() - began,
        )  # fmt: skip


def play_seed(seed: int) -> Outcome:
    """The day that a seed stands for."""
    return play(DAYS[seed % len(DAYS)], seed)


def find_broken(name: str) -> tuple[str, int, str]:
    """After how many short days it is noticed that the promise is broken, and by what; 0 if it never is."""
    for seed in range(1, BROKEN_SEEDS + 1):
        outcome = play(SHORT, seed, name)
        if outcome.wrong:
            return name, seed, outcome.wrong[0]
    return name, 0, ""


def say(outcome: Outcome) -> None:
    """A line about a day, and what is wrong with it."""
    print(
        f"seed {outcome.seed:<10} {outcome.day:<32} {outcome.bars:>6,} bars {outcome.faults.total():>5} "
        f"faults {len(outcome.wrong) or 'nothing':>7} wrong  {outcome.seconds:5.0f} s",
        flush=True,
    )
    for each in outcome.wrong[:5]:
        print(f"    {each}")


def describe(
    outcomes: Sequence[Outcome], found: Sequence[tuple[str, int, str]], seconds: float
) -> Iterator[str]:
    """The lines of docs/reliability.md."""
    faults = sum((each.faults for each in outcomes), Counter())
    moments = sum((each.moments for each in outcomes), Counter())
    runs = sum((each.runs for each in outcomes), Counter())
    yield "# What happens when things go wrong"
    yield ""
    yield "`make drill ARGS=--report` wrote this page. It plays trading days with the real producer,"
    yield "provider, transform, redrive and views while much fails, and compares what readers see in the"
    yield "end, bar by bar and number by number and as of several moments, with what the market said. AWS is"
    yield "moto, Firehose is played, and time is simulated; alerts are no part of it. A seed repeats its day:"
    yield "`make drill ARGS='--seeds 7'`."
    yield ""
    yield f"{len(outcomes)} days, {sum(each.bars for each in outcomes):,} bars, {faults.total():,} faults,"
    yield f"{runs['killed']:,} killed processes of {runs['run']:,} runs; {seconds / 60:.0f} minutes."
    yield ""
    yield "| day | seeds | bars | records | lost, doubled or wrong | worst delay | most sendings of one set |"
    yield "|---|---|---|---|---|---|---|"
    for day in DAYS:
        own = [each for each in outcomes if each.day == day.name]
        if own:
            yield (
                f"| {day.name} | {', '.join(str(each.seed) for each in own)} "
                f"| {sum(each.bars for each in own):,} | {sum(each.records for each in own):,} "
                f"| {sum(len(each.wrong) for each in own)} | {max(each.worst_delay for each in own)} "
                f"| {max(each.worst_repetition for each in own)} |"
            )
    yield ""
    yield "The delay runs from a bar's end to when readers know it first; the provider's outages of"
    yield "up to two and a half hours are part of it. A set of numbers that is sent twice is one to readers."
    yield ""
    yield "| what went wrong | times |"
    yield "|---|---|"
    yield from (f"| {fault} | {count:,} |" for fault, count in faults.most_common())
    yield ""
    yield (
        "Where processes were killed: "
        + ", ".join(f"{each} ({n})" for each, n in sorted(moments.items()))
        + "."
    )
    yield ""
    yield "## Would it be noticed?"
    yield ""
    yield f"The promise, broken on purpose, in up to {BROKEN_SEEDS} short days:"
    yield ""
    yield "| broken | noticed in day | by |"
    yield "|---|---|---|"
    yield from (f"| {name} | {seed or 'not at all'} | `{what[:110]}` |" for name, seed, what in found)


def main(arguments: Sequence[str]) -> int:
    """Runs the drill; 1 if anything is wrong, or a broken promise is not noticed."""
    command = argparse.ArgumentParser(prog="make drill", description=__doc__)
    command.add_argument("--seeds", type=int, nargs="+", help="the days of these seeds (new ones)")
    command.add_argument("--report", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    asked = command.parse_args(arguments)
    began = time.perf_counter()
    first = random.randrange(1_000_000) * len(DAYS)
    seeds = asked.seeds or range(first, first + SEEDS)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        outcomes = []
        for outcome in pool.map(play_seed, seeds):
            say(outcome)
            outcomes.append(outcome)
        found = list(pool.map(find_broken, BROKEN)) if not asked.seeds or asked.report else []
    for name, seed, what in found:
        print(f"broken: {name}: " + (f"noticed in day {seed}: {what}" if seed else "NOT NOTICED"))
    moments = sum((each.moments for each in outcomes), Counter())
    missed = [
        f"{side} {call}" for side in ("before", "after") for call in CALLS if not moments[f"{side} {call}"]
    ]
    if not asked.seeds and missed:
        print(f"no process was killed {', '.join(missed)}: a drill that does not try that proves less")
    seconds = time.perf_counter() - began
    wrong = sum(len(each.wrong) for each in outcomes)
    print(f"{len(outcomes)} days, {wrong or 'nothing'} wrong, {seconds:.0f} s")
    if asked.report:
        REPORT.write_text("\n".join(describe(outcomes, found, seconds)) + "\n", encoding="utf-8")
    return 1 if wrong or not all(seed for _, seed, _ in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
