"""The `stockstream` command: what an operator may ask of any stack."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pkgutil import resolve_name
from typing import NamedTuple


class Command(NamedTuple):
    """A subcommand.

    Attributes:
        name: as it is typed.
        help: what it does, on one line of `stockstream --help`.
        options: the function that adds its options to a parser, as `module:function`. Its module is imported
            only when the command is typed: what the commands work with takes more than a second to import.
    """

    name: str
    help: str
    options: str


COMMANDS = (
    Command(
        "query",
        "ask the lake in SQL",
        "stockstream_operate.lake.query_command:add_query",
    ),
    Command(
        "tail",
        "show the bars that reached the lake last",
        "stockstream_operate.lake.tail_command:add_tail",
    ),
    Command(
        "export",
        "write bars to a Parquet, CSV or Arrow file",
        "stockstream_operate.lake.export_command:add_export",
    ),
    Command(
        "compact",
        "join the files of finished days of a stack's lake",
        "stockstream_operate.lake.compact_command:add_compact",
    ),
    Command(
        "import",
        "send history from files through the pipeline",
        "stockstream_operate.history.import_command:add_import",
    ),
    Command(
        "page",
        "show candles in a browser",
        "stockstream_operate.page.page_command:add_page",
    ),
    Command(
        "redrive",
        "send again what Firehose set aside",
        "stockstream_operate.redrive.redrive_command:add_redrive",
    ),
    Command(
        "smoke",
        "send a test bar through a stack, and time each stage",
        "stockstream_operate.smoke_command:add_smoke",
    ),
    Command(
        "instruments",
        "show what is followed, and change it without a deployment",
        "stockstream_operate.instruments_command:add_instruments",
    ),
    Command(
        "split",
        "tell the producer of a split of shares",
        "stockstream_operate.split_command:add_split",
    ),
    Command(
        "secret",
        "store a provider's key or a channel's address in AWS",
        "stockstream_operate.secret_command:add_secret",
    ),
    Command(
        "cost",
        "count what a stack costs in a month, and compare with the bill",
        "stockstream_operate.cost.cost_command:add_cost",
    ),
    Command(
        "remove",
        "remove a stack from AWS, and say what stays",
        "stockstream_operate.remove_command:add_remove",
    ),
    Command(
        "dead-letters",
        "show the alerts and runs that were given up, and try the alerts again",
        "stockstream_operate.redrive.dead_letters_command:add_dead_letters",
    ),
    Command(
        "completion",
        "make a shell complete these commands and their options",
        "stockstream_operate.completion_command:add_completion",
    ),
)
# What it prints holds the options of all.
_NEEDS_ALL = "completion"


def run(commands: Iterable[Command], arguments: Sequence[str] | None) -> int:
    """Runs what the arguments ask for; each mistake and each failure ends in a sentence.

    Args:
        commands: what there is.
        arguments: those of the command line; None for this process's own.

    Returns:
        0 if it did what was asked, 1 if it could not, 130 if it was stopped before it had.
        (Wrong arguments end the process with 2.)
    """
    asked = _parse(commands, sys.argv[1:] if arguments is None else arguments)
    # After parsing, so that --help does not wait for the AWS SDK and the tables of the screen.
    from stockstream_operate.running import run_asked  # noqa: PLC0415

    return run_asked(asked)


def _parse(commands: Iterable[Command], arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="stockstream",
        description="Runs the pipeline on this machine, and works with its data, here or in AWS.",
    )
    parser.add_argument("--version", action="version", version=f"stockstream {version('stockstream')}")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for command in commands:
        its_parser = subparsers.add_parser(command.name, help=command.help)
        # The command is the first argument: before it there could be nothing but --help and --version.
        if arguments and arguments[0] in {command.name, _NEEDS_ALL}:
            resolve_name(command.options)(its_parser)
    return parser.parse_args(arguments, argparse.Namespace(parser=parser))
