"""`stockstream dead-letters`: its options, and what it says."""

import argparse
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import boto3
from rich.table import Table

from stockstream_operate.aws_config import CONFIG
from stockstream_operate.redrive.dead_letters import DeadLetters, Functions, Remedy
from stockstream_operate.screen import Screen
from stockstream_operate.stack import find_stack

_DONE = {
    Remedy.INVOKE: "invoked again",
    Remedy.DROP: "deleted: the next run does it",
    Remedy.LEAVE: "left: needs a person",
}
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
# What a line of the table counts: letters of one function, with one reason and one remedy.
type LetterGroup = tuple[str, str, Remedy]


def add_dead_letters(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream dead-letters`."""
    command.description = "Shows what waits in the dead-letter queue; --apply tries the alerts again."
    command.add_argument("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    command.add_argument("--apply", action="store_true", help="do it; without this nothing is changed")
    command.set_defaults(run=run_dead_letters)


def run_dead_letters(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows the letters of the dead-letter queue, and does what can be done about them if asked to.

    Raises:
        StackError: there is no such stack.
    """
    stack = find_stack(asked.stack)
    functions = Functions(stack.output("ProducerFunctionName"), stack.output("AlertFunctionName"))
    sqs, lambda_ = boto3.client("sqs", config=CONFIG), boto3.client("lambda", config=CONFIG)
    letters = DeadLetters(sqs, stack.output("DeadLetterQueueUrl"), functions)
    # The oldest first, so that people hear of an alarm before they hear that it is over.
    found = sorted(letters.read(), key=lambda letter: letter.sent_at or _UNKNOWN)
    counts: Counter[LetterGroup] = Counter()
    oldest: dict[LetterGroup, datetime] = {}
    waiting = [letter.receipt for letter in found]
    try:
        with screen.progress("Trying again" if asked.apply else "Reading", len(found)) as step:
            for letter in found:
                if asked.apply and letter.remedy is not Remedy.LEAVE:
                    letters.settle(letter, lambda_)
                    waiting.remove(letter.receipt)
                row = (letter.role or letter.function or "?", letter.reason, letter.remedy)
                counts[row] += 1
                if letter.sent_at:
                    oldest.setdefault(row, letter.sent_at)
                step(1)
    finally:
        for receipt in waiting:
            letters.put_back(receipt)
    if not counts:
        screen.say("The dead-letter queue is empty.")
        return
    screen.present(_table(counts, oldest, is_applied=asked.apply))
    if not asked.apply:
        screen.say("\nNothing was changed: --apply does it.")


def _table(
    counts: Counter[LetterGroup], oldest: Mapping[LetterGroup, datetime], *, is_applied: bool
) -> Table:
    table = Table("function", "reason", box=None, pad_edge=False, header_style="bold")
    table.add_column("letters", justify="right")
    table.add_column("oldest (UTC)")
    table.add_column("what was done" if is_applied else "what --apply does", overflow="fold")
    for row, count in sorted(counts.items()):
        function, reason, remedy = row
        since = f"{oldest[row]:%Y-%m-%d %H:%M}" if row in oldest else "-"
        done = _DONE[remedy] if is_applied else remedy.value
        table.add_row(function, reason, f"{count:,}", since, done)
    return table
