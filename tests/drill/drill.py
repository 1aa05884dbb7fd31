"""`make drill`: trading days under faults, and whether anything was lost, doubled or wrong in the end.

python tests/drill/drill.py                      twenty new days, each of its own seed
python tests/drill/drill.py --seeds 7 200-219    the days of these seeds again
python tests/drill/drill.py --resume             goes on where one was stopped
python tests/drill/drill.py --report             and writes docs/reliability.md, with its picture
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "models"), str(Path(__file__).parent)]
if __name__ == "__main__":
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
from days import DAYS, SHORT, Day
from kept import Kept, NothingKeptError
from notices import DOWN, Told, tell
from picture import BINS, Strip
from report import Broken, Drilled, Outcome, describe, paint, untried
from trading_day import World, open_world
from verdict import Verdict, judge

REPORT = ROOT / "docs" / "reliability.md"
SEEDS, PROCESSES = 20, 2
BROKEN_SEEDS = 3
# What was played is kept here until the next drill.
CODE = ("functions", "layers/common/stockstream", "operate", "tests/drill", "tests/models")
KEPT = Kept(ROOT / ".stockstream" / "drill", [ROOT / each for each in CODE])
CALLS = ("GetItem", "BatchGetItem", "PutItem", "BatchExecuteStatement", "PutRecords")


def play(day: Day, seed: int) -> Outcome:
    """Plays a day, and judges it."""
    began = time.process_time()
    with TemporaryDirectory() as folder, open_world(day, seed, Path(folder)) as world:
        with redirect_stdout(StringIO()):  # what the functions log
            world.play()
            verdict = judge(world, Path(folder))
            told = tell(world.measured, day.start, day.end, world.chance_of("notices"))
        return Outcome(
            day.name,
            seed,
            verdict.bars,
            len(world.firehose.records),
            verdict.faults + told.faults,
            max((delay for _, delay in verdict.delays), default=timedelta()),
            verdict.worst_repetition,
            len(told.changes),
            world.processes.counts,
            world.all_faults() + told.counts,
            world.faults.services + world.market.counts,
            world.faults.moments,
            _strip(world, verdict, told, seed),
            time.process_time() - began,
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
    return KEPT.outcome(f"seed-{seed}", lambda: play(DAYS[seed % len(DAYS)], seed))


def notice(name: str, seed: int) -> list[str]:
    """What is wrong in a short day in which a promise is broken; it ends once a run is reproached."""
    with (
        TemporaryDirectory() as folder,
        BROKEN[name](),
        open_world(SHORT, seed, Path(folder)) as world,
        redirect_stdout(StringIO()),
    ):
        world.play(until_reproached=True)
        return world.reproaches or judge(world, Path(folder)).faults


def find_broken(name: str) -> Broken:
    """After how many short days it is noticed that the promise is broken, and by what."""

    def find() -> Broken:
        for seed in range(1, BROKEN_SEEDS + 1):
            if wrong := notice(name, seed):
                return Broken(name, seed, wrong[0])
        return Broken(name, 0, "")

    return KEPT.outcome(f"broken-{list(BROKEN).index(name)}", find)


def say(outcome: Outcome, place: str) -> None:
    """A line about a day, and what is wrong with it."""
    print(
        f"{place:<9} seed {outcome.seed:<10} {outcome.day:<30} {outcome.bars:>6,} bars "
        f"{outcome.faults.total():>6,} faults {outcome.told:>4} notices {len(outcome.wrong) or 'nothing':>7} "
        f"wrong {outcome.seconds:5.0f} s",
        flush=True,
    )
    # One sentence of each bar: a wrong close makes all that looks back on it wrong.
    for each in list({each.partition(": ")[0]: each for each in reversed(outcome.wrong)}.values())[:-6:-1]:
        print(f"    {each}")


def say_broken(broken: Broken) -> None:
    """A line about a promise that was broken."""
    noticed = f"noticed in day {broken.seed}: {broken.what}" if broken.seed else "NOT NOTICED"
    print(f"broken: {broken.name}: {noticed}", flush=True)


def in_parallel[Given, Done](
    do: Callable[[Given], Done], given: Sequence[Given], say_done: Callable[[Done, str], None]
) -> list[Done]:
    """What came of each, in the order in which it was given; each is told of once it is done."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        begun = [pool.submit(do, each) for each in given]
        for number, each in enumerate(as_completed(begun), 1):
            say_done(each.result(), f"{number} of {len(begun)}:")
        return [each.result() for each in begun]


def read_seeds(text: str) -> range:
    """Seeds: `7`, or `200-219`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """What is asked for."""
    command = argparse.ArgumentParser(
        prog="make drill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument(
        "--seeds",
        type=read_seeds,
        nargs="+",
        metavar="SEED",
        help="the days of these seeds, as 7 or 200-219 (new ones)",
    )
    command.add_argument(
        "--resume", action="store_true", help="go on with the drill that was begun last and was stopped"
    )
    command.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=REPORT,
        metavar="FILE",
        help=f"write {REPORT.relative_to(ROOT)}, with its picture",
    )
    return command.parse_args(arguments)


def choose_seeds(asked: argparse.Namespace) -> list[int]:
    """The seeds of the drill, which is begun, or gone on with.

    Raises:
        NothingKeptError: there is nothing to go on with.
    """
    if asked.resume:
        return KEPT.resume()
    first = random.randrange(1_000_000) * len(DAYS)
    seeds = [seed for each in asked.seeds or [range(first, first + SEEDS)] for seed in each]
    KEPT.begin(seeds)
    return seeds


def main(arguments: Sequence[str]) -> int:
    """Runs the drill; 1 if anything is wrong or was not tried, or a broken promise is not noticed."""
    asked = read_arguments(arguments)
    try:
        seeds = choose_seeds(asked)
    except NothingKeptError as error:
        print(f"make drill: {error}", file=sys.stderr)
        return 2
    outcomes = in_parallel(play_seed, seeds, say)
    is_whole = asked.report or len(seeds) >= SEEDS
    broken = in_parallel(find_broken, list(BROKEN), lambda each, _: say_broken(each)) if is_whole else []
    missed = untried(outcomes, CALLS) if is_whole else []
    if missed:
        print(f"never took place, so that the drill proves less than it says: {', '.join(missed)}")
    wrong = sum(len(each.wrong) for each in outcomes)
    seconds = sum(each.seconds for each in outcomes)
    print(f"{len(outcomes)} days, {wrong or 'nothing'} wrong, {seconds:.0f} s on one processor")
    if asked.report:
        picture = asked.report.with_suffix(".svg")
        drilled = Drilled(outcomes, broken, datetime.now(UTC).date())
        lines = describe(drilled, picture.name, [])
        asked.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
        picture.write_text(paint(outcomes), encoding="utf-8")
        print(f"{asked.report} and {picture} are written.")
    return 1 if wrong or missed or not all(each.seed for each in broken) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
