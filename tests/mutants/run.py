"""`make mutants`: breaks the code that computes and decides, in one place at a time, and runs its tests.

cosmic-ray makes the mutants. Each runs in a process of its own that imports the broken module in place of the
real one, so that nothing is written and no environment is made. A mutant that no test notices, and that
EXPLAINED does not name, is a test that is missing.

    python tests/mutants/run.py              all modules
    python tests/mutants/run.py indicators   the modules whose name holds that
"""

import gc
import importlib.abc
import importlib.util
import os
import re
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from hypothesis import settings

# What all tests import is imported once; a forked process has it.
for heavy in (
    "_hypothesis_pytestplugin",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "botocore.session",
    "hypothesis",
    "hypothesis.strategies",
    "jsonschema",
    "numpy",
    "orjson",
    "pandas",
    "pybase64",
    "requests",
    "talib",
):
    __import__(heavy)
# pytest collects garbage ten times, and need not look at these.
gc.freeze()

# The same examples for every mutant and in every run, so that it is no matter of luck who survives. What a
# mutant fails on is not kept, since the tests of the real code would begin with it.
settings.register_profile("mutants", deadline=None, derandomize=True, database=None)

ROOT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).with_name("explained.toml")
OPERATORS = [
    *("ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add", "ReplaceBinaryOperator_Mul_Div"),
    *("ReplaceBinaryOperator_Div_Mul", "ReplaceBinaryOperator_FloorDiv_Mul", "ReplaceBinaryOperator_Mod_Mul"),
    *("ReplaceBinaryOperator_Pow_Mul", "ReplaceBinaryOperator_BitOr_BitAnd"),
    *("ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq"),
    *("ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_LtE_Lt"),
    *("ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt"),
    *("ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "AddNot", "NumberReplacer"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "ZeroIterationForLoop"),
]
SECONDS = 120
PROCESSES = 2  # a mutant waits for nothing but the processor


class Subject(NamedTuple):
    """A module, where it stands, and the tests that must notice what is wrong with it: the quickest first."""

    module: str
    file: Path
    tests: tuple[str, ...]


class Mutant(NamedTuple):
    """One broken place: how to name it, and the module's source with it."""

    name: str
    source: str


# The tests of a module stand where its name says; these are run besides, or instead where they are quicker.
EXACT = "property/test_transform_exactness.py"
FIREHOSE = "unit/transform/test_firehose.py"
CATALOGUE = ("unit/producer/providers/test_catalogue.py", "unit/producer/test_filled_holes.py")
PLANNER = ("unit/producer/planning", "unit/producer/test_production.py")
ALSO = {
    "stockstream.bars": ("unit/stockstream/test_records.py",),
    "stockstream.exchanges": ("unit/stockstream/test_sessions.py",),
    "stockstream.fields": ("unit/generate", EXACT),
    "stockstream.indicators": ("unit/transform/test_references.py", EXACT),
    "stockstream.instruments": ("unit/stockstream/test_records.py",),
    "stockstream.intervals": ("unit/producer/providers",),
    "stockstream.lookbacks": ("unit/producer/publishing", "unit/transform/test_references.py"),
    "stockstream.prices": ("unit/producer/publishing",),
    "stockstream.records": ("property/test_transform_fuzz.py",),
    "stockstream.sessions": ("unit/stockstream/test_regular_hours.py",),
    "stockstream.settings": ("unit/producer/test_settings.py", "unit/alert/test_settings.py"),
    "stockstream.splits": ("unit/producer/publishing/test_restating.py",),
    "stockstream.times": ("unit/stockstream/test_records.py",),
    "stockstream.validation": ("unit/stockstream/test_records.py",),
    "transform.answers": (FIREHOSE, "property/test_transform_fuzz.py"),
    "transform.documents": (FIREHOSE, EXACT),
    "transform.firehose": ("unit/transform/test_handler.py",),
    "transform.report": ("unit/transform/test_handler.py", FIREHOSE),
    "producer.backfill": ("unit/producer/test_unfinished_backfill.py",),
    "producer.fetched": (
        "unit/producer/test_bookkeeping.py",
        "unit/producer/test_production.py",
    ),
    "producer.fetching": (
        "unit/producer/test_unfinished_backfill.py",
        "unit/producer/test_backfill.py",
        "unit/producer/test_production.py",
        "unit/producer/test_filled_holes.py",
    ),
    "producer.memory.tail": ("unit/producer/publishing", "unit/producer/memory"),
    "producer.memory.tail_codec": ("property/test_tail_codec_property.py",),
    "producer.memory.tail_items": ("property/test_tail_items_property.py",),
    "producer.planning.allowance": PLANNER,
    "producer.planning.backlog": PLANNER,
    "producer.planning.coverage": PLANNER,
    "producer.planning.ledger": PLANNER,
    "producer.planning.ledger_entries": PLANNER,
    "producer.planning.overdue": PLANNER,
    "producer.planning.planner": (*PLANNER, "property/test_planner_properties.py"),
    "producer.planning.rereading": PLANNER,
    "producer.providers.alpaca": CATALOGUE,
    "producer.providers.alphavantage": CATALOGUE,
    "producer.providers.kraken": (*CATALOGUE, "unit/producer/test_hours_of_kraken.py"),
    "producer.providers.alpaca_pages": ("unit/producer/providers",),
    "producer.providers.alphavantage_answers": ("unit/producer/providers",),
    "producer.providers.kraken_answers": ("unit/producer/providers/test_kraken.py",),
    "producer.providers.answers": ("unit/producer/providers",),
    "producer.providers.reading": ("unit/producer/providers",),
    "producer.providers.admission": ("unit/producer/test_odd_sessions.py",),
    "producer.publishing.history": ("unit/producer/test_filled_holes.py",),
    "producer.publishing.post": (
        "unit/producer/publishing",
        "unit/producer/test_refusing_stream.py",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "producer.publishing.publisher": (
        "unit/producer/publishing",
        "unit/producer/test_production.py",
        "unit/producer/test_unfinished_backfill.py",
        "unit/producer/test_refusing_stream.py",
        "unit/producer/test_filled_holes.py",
        "unit/producer/test_gaps.py",
        "property/test_producer_promise.py",
    ),
    "producer.report": (
        "unit/producer/test_bar_delays.py",
        "unit/producer/test_impossible_bars.py",
        "unit/producer/test_production.py",
        "unit/producer/test_odd_sessions.py",
        "unit/producer/test_gaps.py",
        "unit/producer/test_wrong_symbols.py",
    ),
    "producer.publishing.publication": (
        "unit/producer/publishing/test_restating.py",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "producer.publishing.sending": (
        "unit/producer/test_bookkeeping.py",
        "unit/producer/publishing",
        "unit/producer/test_production.py",
    ),
    "producer.session_report": ("unit/producer/test_odd_sessions.py",),
    "producer.reported_bars": ("unit/producer/test_impossible_bars.py",),
}
PACKAGES = {
    "stockstream": ROOT / "layers" / "common",
    "transform": ROOT / "functions" / "transform",
    "producer": ROOT / "functions" / "producer",
}
# Modules that compute and decide nothing: shapes and names, and wiring to AWS and the network, which
# tests/integration and tests/local run.
LEFT_OUT = {
    "stockstream.bar_stream": "wiring to Kinesis",
    "stockstream.calendars": "data, generated",
    "stockstream.deadline_connections": "wiring to sockets",
    "stockstream.errors": "names and texts",
    "stockstream.guarded_http": "wiring to the network; what it decompresses is inflating's",
    "stockstream.instrument_table": "one name",
    "stockstream.observability": "wiring to the logger and the metrics",
    "transform.handler": "wiring",
    "transform.settings": "wiring to the environment",
    "producer.listed_instruments": "wiring to S3 and DynamoDB; what a file lists is instrument_file's",
    "producer.handler": "wiring",
    "producer.markets.watchlist": "shapes",
    "producer.memory.instrument_table": "wiring to DynamoDB",
    "producer.memory.lease": "wiring to DynamoDB",
    "producer.memory.ledger_item": "wiring to DynamoDB",
    "producer.memory.list_item": "wiring to DynamoDB",
    "producer.memory.split_item": "wiring to DynamoDB; what the item says is splits'",
    "producer.ohlcv": "shapes",
    "producer.production": "wiring of all parts",
    "producer.providers.catalogue": "names",
    "producer.providers.provider": "shapes",
    "producer.providers.provider_errors": "names and texts",
    "producer.providers.provider_http": "wiring to the network",
    "producer.providers.replay": "wiring to the network",
    "producer.settings": "wiring to the environment",
}


def list_subjects(asked: Sequence[str]) -> Iterator[Subject]:
    """Every module that is not left out; those whose names hold one of the words, if there are words."""
    for package, folder in PACKAGES.items():
        for file in sorted((folder / package).rglob("*.py")):
            *rooms, name = file.relative_to(folder).with_suffix("").parts
            module = ".".join([*rooms, name])
            if name == "__init__" or module in LEFT_OUT:
                continue
            own = "/".join(["unit", *rooms, f"test_{name}.py"])
            # Files, and no folders: pytest would run the files of a folder in their own order.
            tests = dict.fromkeys(
                str(test.relative_to(ROOT))
                for place in (own, *ALSO.get(module, ()))
                for test in _test_files(ROOT / "tests" / place)
            )
            if not asked or any(word in module for word in asked):
                yield Subject(module, file, tuple(tests))


def _test_files(place: Path) -> Sequence[Path]:
    """The test files of a folder, or a file itself; none where there is no such file."""
    return sorted(place.rglob("test_*.py")) if place.is_dir() else [place] if place.exists() else []


def list_mutants(subject: Subject) -> Iterator[Mutant]:
    """Every place of a module broken in every way that changes what Python compiles.

    Two lines that are equal are two places: from the second one on the name ends with its number.
    """
    source = subject.file.read_text(encoding="utf-8")
    times = Counter[str]()
    for operator_name in OPERATORS:
        operator = get_operator(f"core/{operator_name}")()
        for occurrence in range(10_000):
            try:
                mutated = mutate_code(source, operator, occurrence)
            except AttributeError:
                continue  # ExceptionReplacer cannot replace a name with a dot in it
            if mutated is None:
                break
            changed = list(unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[3:]
            before, after = (line[1:].strip() for line in (changed[0], changed[-1]))
            name = f"{before}  ->  {after}"
            times[name] += 1
            yield Mutant(name if times[name] == 1 else f"{name}  ({times[name]})", mutated)


class _Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, with another source than its file's."""

    def __init__(self, subject: Subject, source: str) -> None:
        self._subject = subject
        self._source = source

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        if name != self._subject.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(self._subject.file))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._subject.file)
        exec(compile(self._source, self._subject.file, "exec"), module.__dict__)  # noqa: S102 (that is the point)


def start(subject: Subject, source: str) -> int:
    """Starts a process that runs the tests on a source; its number. It ends with 0 where they pass."""
    child = os.fork()
    if child:
        return child
    signal.alarm(SECONDS)  # an endless loop is noticed, too
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    sys.meta_path.insert(0, _Broken(subject, source))
    # Nobody reads why a test fails: of the plugins and what they cost there is only what the tests need.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
    options += ["-p", "_hypothesis_pytestplugin", "--hypothesis-profile=mutants"]
    os.chdir(ROOT)
    status = 1
    try:
        status = int(pytest.main([*options, *subject.tests]))
    finally:
        os._exit(min(status, 1))


class Run(NamedTuple):
    """What the tests said of a module's mutants."""

    alive: list[Mutant]
    out_of_time: int


def run_mutants(subject: Subject, mutants: Sequence[Mutant]) -> Run:
    """Runs the tests on every mutant."""
    waiting, running, alive, out_of_time = list(mutants), dict[int, Mutant](), list[Mutant](), 0
    while waiting or running:
        while waiting and len(running) < PROCESSES:
            mutant = waiting.pop(0)
            running[start(subject, mutant.source)] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            alive.append(mutant)
        out_of_time += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    return Run(alive, out_of_time)


def main(asked: Sequence[str]) -> int:
    """Prints the report; 1 where a mutant survived unexplained, or an explanation explains nothing."""
    explained: dict[str, dict[str, str]] = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    everywhere = {pattern: re.compile(pattern) for pattern in explained["everywhere"]}
    used: set[str] = set()
    faults: list[str] = []
    print("| module | mutants | killed | of them by time | explained | survived | seconds |")
    print("|---|--:|--:|--:|--:|--:|--:|", flush=True)
    for subject in list_subjects(asked):
        began = time.monotonic()
        if not subject.tests or os.waitpid(start(subject, subject.file.read_text(encoding="utf-8")), 0)[1]:
            faults.append(f"{subject.module}: has no tests, or they fail without a mutant")
            continue
        mutants = list(list_mutants(subject))
        alive, out_of_time = run_mutants(subject, mutants)
        reasons = explained.get(subject.module, {})
        unexplained = []
        for mutant in alive:
            patterns = {pattern for pattern, each in everywhere.items() if each.search(mutant.name)}
            used |= patterns
            if not patterns and mutant.name not in reasons:
                unexplained.append(mutant.name)
        faults += [f"{subject.module}: survived: {name}" for name in unexplained]
        idle = sorted(reasons.keys() - {mutant.name for mutant in alive})
        faults += [f"{subject.module}: explained, and killed: {name}" for name in idle]
        row = (
            len(mutants),
            len(mutants) - len(alive),
            out_of_time,
            len(alive) - len(unexplained),
            len(unexplained),
            round(time.monotonic() - began),
        )
        print(f"| {subject.module} | {' | '.join(map(str, row))} |", flush=True)
    if not asked:
        faults += [
            f"explained everywhere, and nowhere: {pattern}" for pattern in everywhere if pattern not in used
        ]
    print("\n" + "\n".join(faults) if faults else "")
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
