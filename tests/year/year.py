"""`make year`: the year 2026 through the real producer and transform, and whether anything in it is wrong.

python tests/year/year.py                 thirty mixed instruments and a thousand shares, side by side
python tests/year/year.py --only wide     one of the two
python tests/year/year.py --report        and writes docs/year.md, of the other one as it was played last
python tests/year/year.py --page          plays none, and writes it of both as they were played last
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "models"), str(Path(__file__).parent)]
if __name__ == "__main__":
    # Before anything of AWS is imported: nothing here may reach a real account.
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "year",
        "AWS_SECRET_ACCESS_KEY": "year",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

from mixed_year import MixedYear
from wide_year import WideYear
from year_page import Played, describe

REPORT = ROOT / "docs" / "year.md"
KEPT = ROOT / ".stockstream" / "year"
YEARS: Mapping[str, type[MixedYear | WideYear]] = {"mixed": MixedYear, "wide": WideYear}


def play(name: str) -> Played:
    """Plays one of YEARS, and says each simulated fortnight how far it is."""
    began = time.process_time()
    year = YEARS[name]()
    said = ""
    for moment in year.play():
        if said != (said := f"{moment:%Y-%m}{moment.day // 15}"):
            print(
                f"{name} {moment:%Y-%m-%d} {year.runs:>6} runs {year.lake.taken:>9,} documents "
                f"{time.process_time() - began:5.0f} s",
                file=sys.stderr,
                flush=True,
            )
    wrong = list(year.judge())
    return Played(
        len(year.world.instruments),
        sum(int(year.lake.sent(each).sum()) for each in year.series),
        year.lake.taken,
        year.runs,
        len(year.server.asked),
        dict(Counter(each.line["message"] for each in year.told.said)),
        dict(Counter(each.alarm for each in year.told.rang(year.start, year.end))),
        int(year.told.sums["HolesFound"]),
        year.filled(),
        year.lake.marks(),
        year.late(),
        wrong,
        round(time.process_time() - began),
    )


def main(arguments: Sequence[str]) -> int:
    """Plays the years; 1 if anything is wrong."""
    command = argparse.ArgumentParser(prog="make year", description=__doc__)
    command.add_argument("--only", choices=YEARS, help="one of the two")
    command.add_argument("--report", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    command.add_argument("--page", action="store_true", help="the same of what was played last; plays none")
    asked = command.parse_args(arguments)
    names = [asked.only] if asked.only else list(YEARS)
    KEPT.mkdir(parents=True, exist_ok=True)
    if asked.page:
        played = {name: _kept(name) for name in names}
    else:
        with ProcessPoolExecutor(max_workers=2) as pool:
            played = dict(zip(names, pool.map(play, names), strict=True))
    for name, each in played.items():
        (KEPT / f"{name}.json").write_text(json.dumps(each._asdict()), encoding="utf-8")
        print(
            f"{name}: {each.instruments} instruments, {each.bars:,} bars, {each.runs:,} runs, "
            f"{each.requests:,} requests, {each.holes} holes, {each.marks} marks, {each.seconds} s, "
            f"wrong: {len(each.wrong)}"
        )
        print("".join(f"wrong: {sentence}\n" for sentence in each.wrong), end="")
    if asked.report or asked.page:
        kept = {name: _kept(name) for name in YEARS}
        REPORT.write_text("\n".join(describe(**kept)) + "\n", encoding="utf-8")
    return 1 if any(each.wrong for each in played.values()) else 0


def _kept(name: str) -> Played:
    """What a year came to when it was played last."""
    path = KEPT / f"{name}.json"
    if not path.exists():
        sys.exit(f"the year `{name}` has not been played here: python tests/year/year.py --only {name}")
    return Played(**json.loads(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
