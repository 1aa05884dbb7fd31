"""`make bench-start`: how long `make run` takes until its first bars, and which step takes it.

In a copy of what a run needs: the first run builds, the second finds everything built.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).parents[1] / "tests" / "models"))

from clone import COMMAND, environment, make_clone

STEP = re.compile(r"✓ (?P<done>.+?) +(?P<seconds>[\d.]+) s")


def measure(clone: Path) -> list[tuple[str, float]]:
    """The steps of one run up to its first bars, and their seconds; the first is the command's own start."""
    began = time.monotonic()
    steps: list[tuple[str, float]] = []
    with subprocess.Popen(  # noqa: S603 (our own command)
        [*COMMAND, "up", "--bars", "1"],
        env=environment(clone),
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if not steps:
                steps.append(("the command itself", time.monotonic() - began))
            if found := STEP.search(line):
                steps.append((found["done"], float(found["seconds"])))
            if "First bars delivered" in line:
                steps.append(("all", time.monotonic() - began))
    if process.returncode:
        raise SystemExit(f"the run failed; its log: {clone}/.stockstream/emulator.log")
    return steps


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        clone = make_clone(Path(folder))
        first, second = measure(clone), measure(clone)
    print(f"{'step':<30}{'first run, s':>14}{'second run, s':>15}")
    for (name, seconds), (_, again) in zip(first, second, strict=True):
        print(f"{name:<30}{seconds:>14.1f}{again:>15.1f}")
