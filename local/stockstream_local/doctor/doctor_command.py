"""`stockstream doctor`: looks at this machine, and with --stack at a stack in AWS."""

import argparse
import json
import os
from collections.abc import Iterable
from datetime import timedelta

from rich.markup import escape
from rich.table import Table

from stockstream.errors import StockstreamError
from stockstream_local.doctor.machine import examine_machine
from stockstream_operate.arguments import count
from stockstream_operate.doctor.deployed import examine_credentials, examine_stack, look_at_stack
from stockstream_operate.doctor.finding import Finding, Level
from stockstream_operate.doctor.waiting import Wait
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import IN_A_CLONE, ROOT, STATE

_MARKS = {Level.GOOD: ("✓", "green"), Level.NOTE: ("·", "yellow"), Level.PROBLEM: ("✗", "red")}


class ProblemsError(StockstreamError):
    """The doctor has found problems; the text says how many."""


def add_doctor(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream doctor`."""
    command.description = (
        "Looks for what would be in the way of a run here, or of a stack in AWS, and says how to mend it. "
        "It changes nothing."
    )
    command.add_argument("--stack", metavar="NAME", help="look at a stack in AWS, too")
    command.add_argument(
        "--wait",
        action="store_true",
        help="first follow a new stack until its first bar is in the lake, or say where it is stuck",
    )
    command.add_argument(
        "--minutes", type=count, default=20, metavar="N", help="how long to follow it at the most (20)"
    )
    command.add_argument("--json", action="store_true", help="as one JSON object, for programs")
    command.set_defaults(run=run_doctor)


def run_doctor(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows what is found.

    Raises:
        ProblemsError: something is in the way.
        StuckError: no bar came to the lake while it was waited for.
    """
    if asked.wait:
        if not asked.stack:
            raise ProblemsError("Which stack is to be followed? --stack NAME.")
        say = (lambda _words: None) if asked.json else screen.say
        wait = Wait(asked.stack, say, lambda now: look_at_stack(asked.stack, now))
        wait.run(timedelta(minutes=asked.minutes))
    here = examine_machine(ROOT, STATE, os.environ) if IN_A_CLONE else ()
    findings = [*here, *examine_credentials()]
    if asked.stack:
        findings += examine_stack(asked.stack)
    if asked.json:
        screen.write(json.dumps({"findings": [_as_object(each) for each in findings]}))
    else:
        show_findings(findings, screen)
    problems = sum(each.level is Level.PROBLEM for each in findings)
    if problems:
        raise ProblemsError(f"{problems} of these would be in the way.")
    if not asked.json:
        screen.say("Nothing is in the way.")


def _as_object(finding: Finding) -> dict[str, str]:
    return finding._asdict() | {"level": finding.level.value}


def show_findings(findings: Iterable[Finding], screen: Screen) -> None:
    """A line for each finding, and below what is not as it should be the remedy."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        mark, style = _MARKS[each.level]
        table.add_row(f"[{style}]{mark}[/]", escape(each.subject), escape(each.words))
        if each.remedy:
            table.add_row("", "", f"[{style}]→[/] {escape(each.remedy)}")
    screen.present(table)
