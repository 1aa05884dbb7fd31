"""The start of a process with its imports, against an empty handler's."""

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 15
# What Lambda's Python runtime imports before it imports a handler.
RUNTIME = "import importlib, json, logging, os, sys, time, traceback, warnings"
EMPTY = "def handle(event, context): return event"

STARTS = {
    "Python, empty handler": EMPTY,
    "Python, orjson + pybase64": "import orjson, pybase64",
    "Python, transform": "import transform.handler",
    "runtime, empty handler": f"{RUNTIME}\n{EMPTY}",
    "runtime, transform": f"{RUNTIME}\nimport transform.handler",
    "runtime, NumPy": f"{RUNTIME}\nimport numpy",
    "runtime, pandas": f"{RUNTIME}\nimport pandas",
}


def measure() -> None:
    """Prints the times from nothing to the end of the imports."""
    milliseconds: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(ROUNDS):
        for name, code in STARTS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": os.environ["PATH"]})  # noqa: S603 - our own interpreter and code
            milliseconds[name].append((time.perf_counter() - started) * 1000)
    print(f"\nStart of a process (median of {ROUNDS} rounds)")
    print(f"{'':28}{'ms':>7}{'fastest':>9}{'slowest':>9}{'x empty':>9}")
    for name, each in milliseconds.items():
        empty = statistics.median(milliseconds[f"{name.split(',')[0]}, empty handler"])
        median = statistics.median(each)
        print(f"{name:28}{median:7.1f}{min(each):9.1f}{max(each):9.1f}{median / empty:9.2f}")
