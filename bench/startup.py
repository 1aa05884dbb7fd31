"""The start of a process with its imports, against an empty handler's."""

import os
import resource
import statistics
import subprocess
import sys

ROUNDS = 15
# Lambda's own runtime client, from PyPI: every handler's process imports it before the handler.
RUNTIME = "import awslambdaric.bootstrap"
EMPTY = "def handle(event, context): return event"

STARTS = {
    "bare, empty handler": EMPTY,
    "bare, orjson + pybase64": "import orjson, pybase64",
    "bare, transform": "import transform.handler",
    "runtime, empty handler": f"{RUNTIME}\n{EMPTY}",
    "runtime, transform": f"{RUNTIME}\nimport transform.handler",
    "runtime, NumPy": f"{RUNTIME}\nimport numpy",
    "runtime, pandas": f"{RUNTIME}\nimport pandas",
}


def measure() -> None:
    """Prints the processor time from nothing to the end of the imports."""
    milliseconds: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(ROUNDS):
        for name, code in STARTS.items():
            milliseconds[name].append(_start(code))
    print(f"\nStart of a process, processor time (median of {ROUNDS} rounds)")
    print(f"{'':28}{'ms':>7}{'fastest':>9}{'slowest':>9}{'x empty':>9}")
    for name, each in milliseconds.items():
        empty = statistics.median(milliseconds[f"{name.split(',')[0]}, empty handler"])
        median = statistics.median(each)
        print(f"{name:28}{median:7.1f}{min(each):9.1f}{max(each):9.1f}{median / empty:9.2f}")


def _start(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = [sys.executable, "-c", code]
    subprocess.run(program, check=True, env={"PATH": os.environ["PATH"]})  # noqa: S603 - our own interpreter and code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
