"""`make mutants`: breaks the code that computes and decides, in one place at a time, and runs its tests.

cosmic-ray makes the mutants. Each runs in a process of its own that imports the broken module in place of the
real one, so that nothing is written and no environment is made. A mutant that no test notices, and that
EXPLAINED does not name, is a test that is missing.

    python tests/mutants/run.py              all modules
    python tests/mutants/run.py indicators   the modules whose name holds that
"""

import importlib.abc
import importlib.util
import os
import re
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

# What all tests import is imported once; a forked process has it.
for heavy in (
    "hypothesis",
    "hypothesis.strategies",
    "jsonschema",
    "numpy",
    "orjson",
    "pandas",
    "pybase64",
    "talib",
):
    __import__(heavy)

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
PROCESSES = 2


class Subject(NamedTuple):
    """A module, where it stands, and the tests that must notice what is wrong with it: the quickest first."""

    module: str
    file: Path
    tests: tuple[str, ...]


class Mutant(NamedTuple):
    """One broken place: how to name it, and the module's source with it."""

    name: str
    source: str


LAYER = {
    "exchanges": ("unit/stockstream/test_exchanges.py", "unit/producer/markets/test_sessions.py"),
    "fields": ("unit/stockstream/test_fields.py", "unit/generate", "property/test_transform_exactness.py"),
    "indicators": ("unit/stockstream/test_indicators.py", "property/test_transform_exactness.py"),
    "instruments": ("unit/stockstream/test_instruments.py", "unit/stockstream/test_records.py"),
    "lookbacks": ("unit/producer/publishing/test_publication.py", "unit/transform/test_references.py"),
    "prices": ("unit/stockstream/test_prices.py", "unit/producer/publishing/test_publication.py"),
    "records": ("unit/stockstream/test_records.py", "property/test_transform_fuzz.py"),
    "times": ("unit/stockstream/test_times.py", "unit/stockstream/test_records.py"),
    "validation": ("unit/stockstream/test_validation.py", "unit/stockstream/test_records.py"),
    "windows": ("unit/stockstream/test_windows.py",),
}
TRANSFORM = {
    "answers": ("unit/transform/test_firehose.py", "property/test_transform_fuzz.py"),
    "arrivals": ("unit/transform/test_arrivals.py",),
    "correlation": ("unit/transform/test_correlation.py",),
    "documents": ("unit/transform/test_firehose.py", "property/test_transform_exactness.py"),
    "firehose": ("unit/transform/test_firehose.py", "unit/transform/test_handler.py"),
    "report": (
        "unit/transform/test_report.py",
        "unit/transform/test_handler.py",
        "unit/transform/test_firehose.py",
    ),
}
PRODUCER = {
    "publishing.publication": (
        "unit/producer/publishing/test_publication.py",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "markets.sessions": ("unit/producer/markets",),
}


def list_subjects(asked: Sequence[str]) -> Iterator[Subject]:
    """The modules whose names hold one of the words; all where there is none."""
    places = {
        "stockstream": (ROOT / "layers" / "common", LAYER),
        "transform": (ROOT / "functions" / "transform", TRANSFORM),
        "producer": (ROOT / "functions" / "producer", PRODUCER),
    }
    for package, (folder, modules) in places.items():
        for name, tests in modules.items():
            module = f"{package}.{name}"
            if tests and (not asked or any(word in module for word in asked)):
                file = folder / Path(*module.split(".")).with_suffix(".py")
                yield Subject(module, file, tuple(f"tests/{test}" for test in tests))


def list_mutants(subject: Subject) -> Iterator[Mutant]:
    """Every place of a module broken in every way that changes what Python compiles."""
    source = subject.file.read_text(encoding="utf-8")
    for operator_name in OPERATORS:
        operator = get_operator(f"core/{operator_name}")()
        for occurrence in range(10_000):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None:
                break
            changed = list(unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[3:]
            before, after = (line[1:].strip() for line in (changed[0], changed[-1]))
            yield Mutant(f"{before}  ->  {after}", mutated)


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
    # The plugins that are imported here already cannot be rewritten, and pytest warns of it.
    options = ["-x", "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]
    os.chdir(ROOT)
    status = 1
    try:
        status = int(pytest.main([*options, *subject.tests]))
    finally:
        os._exit(min(status, 1))


def survivors(subject: Subject, mutants: Sequence[Mutant]) -> list[Mutant]:
    """The mutants on which all tests pass."""
    waiting, running, alive = list(mutants), dict[int, Mutant](), list[Mutant]()
    while waiting or running:
        while waiting and len(running) < PROCESSES:
            mutant = waiting.pop(0)
            running[start(subject, mutant.source)] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            alive.append(mutant)
    return alive


def main(asked: Sequence[str]) -> int:
    """Prints the report; 1 where a mutant survived unexplained, or an explanation explains nothing."""
    explained: dict[str, dict[str, str]] = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    everywhere = [re.compile(pattern) for pattern in explained["everywhere"]]
    missing = idle = 0
    print("| module | mutants | killed | explained | survived | seconds |\n|---|--:|--:|--:|--:|--:|")
    told: list[str] = []
    for subject in list_subjects(asked):
        began = time.monotonic()
        child = start(subject, subject.file.read_text(encoding="utf-8"))
        if os.waitpid(child, 0)[1]:
            print(f"{subject.module}: its tests fail without a mutant", file=sys.stderr)
            return 1
        mutants = list(list_mutants(subject))
        alive = survivors(subject, mutants)
        reasons = explained.get(subject.module, {})
        unexplained = [
            mutant.name
            for mutant in alive
            if mutant.name not in reasons and not any(each.search(mutant.name) for each in everywhere)
        ]
        unused = sorted(reasons.keys() - {mutant.name for mutant in alive})
        missing, idle = missing + len(unexplained), idle + len(unused)
        told += [f"{subject.module}: survived: {name}" for name in unexplained]
        told += [f"{subject.module}: explained, and killed: {name}" for name in unused]
        row = (
            len(mutants),
            len(mutants) - len(alive),
            len(alive) - len(unexplained),
            len(unexplained),
            round(time.monotonic() - began),
        )
        print(f"| {subject.module} | {' | '.join(map(str, row))} |", flush=True)
    print("\n" + "\n".join(told) if told else "")
    return int(bool(missing or idle))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
