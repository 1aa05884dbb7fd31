"""`make mutants`: breaks the code that computes and decides, in one place at a time, and runs its tests.

cosmic-ray makes the mutants. Each runs in a process of its own that imports the broken module in place of the
real one, so that nothing is written and no environment is made. A mutant that no test notices, and that
EXPLAINED does not name, is a test that is missing.

    make mutants                              all modules
    make mutants ARGS=indicators              the modules whose name holds that
    make mutants ARGS='--changed --report'    those without a row that is still true, into docs/mutants.md
    PYTHON_CPU_COUNT=1 make mutants           one process at a time
"""

import argparse
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
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from hypothesis import settings
from mutants_page import PAGE, Row, read_rows, show_row, write_page
from mutated_modules import ROOT, Subject, find_strays, list_subjects

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
# An endless loop ends after so many seconds of the processor, which say the same on a busy machine; what
# waits for something that never comes, after ten times as many of the clock.
SECONDS = 120
PROCESSES = os.process_cpu_count() or 1  # a mutant waits for nothing but the processor


class Mutant(NamedTuple):
    """One broken place: how to name it, and the module's source with it."""

    name: str
    source: str


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
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(10 * SECONDS)
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
        out_of_time += os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGALRM, signal.SIGPROF}
    return Run(alive, out_of_time)


class Explanations:
    """Why mutants may survive, and which of the reasons were needed."""

    def __init__(self, text: str) -> None:
        self.of_module: dict[str, dict[str, str]] = tomllib.loads(text)
        self._everywhere = [re.compile(pattern) for pattern in self.of_module.pop("everywhere")]
        self._used = set[str]()

    def explains(self, module: str, mutant: str) -> bool:
        """Whether there is a reason for a mutant of a module to survive."""
        patterns = {each.pattern for each in self._everywhere if each.search(mutant)}
        self._used |= patterns
        return bool(patterns) or mutant in self.of_module.get(module, {})

    def unused(self) -> list[str]:
        """What stands for all modules and has explained none."""
        return [each.pattern for each in self._everywhere if each.pattern not in self._used]


def break_module(subject: Subject, explanations: Explanations) -> tuple[Row | None, list[str]]:
    """What came of a module's mutants, and what is wrong with it; no row if its tests fail without one."""
    if not subject.tests or os.waitpid(start(subject, subject.file.read_text(encoding="utf-8")), 0)[1]:
        return None, [f"{subject.module}: has no tests, or they fail without a mutant"]
    digest, mutants = subject.digest(), list(list_mutants(subject))
    alive, out_of_time = run_mutants(subject, mutants)
    unexplained = [each.name for each in alive if not explanations.explains(subject.module, each.name)]
    faults = [f"{subject.module}: survived: {name}" for name in unexplained]
    reasons: Mapping[str, str] = explanations.of_module.get(subject.module, {})
    idle = sorted(reasons.keys() - {mutant.name for mutant in alive})
    faults += [f"{subject.module}: explained, and killed: {name}" for name in idle]
    killed, survived = len(mutants) - len(alive), len(unexplained)
    row = Row(digest, len(mutants), killed, out_of_time, len(alive) - survived, survived)
    return row, faults


def main() -> int:
    """Prints the report; 1 where a mutant survived unexplained, or an explanation explains nothing."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("words", nargs="*", help="run the modules whose name holds one of these")
    parser.add_argument("--changed", action="store_true", help="leave out those whose row is still true")
    parser.add_argument("--report", action="store_true", help=f"write the rows into {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    explanations = Explanations(EXPLAINED.read_text(encoding="utf-8"))
    subjects = list(list_subjects())
    faults = find_strays()
    strangers = explanations.of_module.keys() - {subject.module for subject in subjects}
    faults += [f"{module}: explained, and not run" for module in sorted(strangers)]
    _print(faults)
    for subject in subjects:
        if asked.words and not any(word in subject.module for word in asked.words):
            continue
        row = read_rows().get(subject.module)
        if asked.changed and row and row.source == subject.digest() and not row.survived:
            continue
        began = time.monotonic()
        row, found = break_module(subject, explanations)
        faults += found
        if row:
            print(f"{show_row(subject.module, row)} {time.monotonic() - began:.0f} s", flush=True)
        _print(found)
        if row and asked.report:
            write_page({**read_rows(), subject.module: row})
    if not asked.words and not asked.changed:
        unused = [f"explained everywhere, and nowhere: {pattern}" for pattern in explanations.unused()]
        _print(unused)
        faults += unused
    return int(bool(faults))


def _print(faults: Sequence[str]) -> None:
    for fault in faults:
        print(fault, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
