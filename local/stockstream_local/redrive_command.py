"""`stockstream redrive`: its options, and what it says."""

import argparse
import json
import logging
import re
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from producer.bar_stream import BarStream
from stockstream.errors import StockstreamError
from stockstream.observability import logger
from stockstream.windows import Windows, parse_windows
from stockstream_local.decisions import Action, Judge
from stockstream_local.error_files import ErrorFiles
from stockstream_local.hand_mending import SavedEntries, read_corrections
from stockstream_local.lake_again import deliver_again
from stockstream_local.redrive import Destinations, Result, Selection, redrive, redrive_corrections
from stockstream_local.redrive_report import Tally
from stockstream_local.screen import Screen
from stockstream_local.search_again import index_again, open_search
from stockstream_local.stack import Stack, find_stack

_CONFIG = Config(retries={"mode": "standard"}, connect_timeout=5, read_timeout=30)
_REASON = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
# argparse gives the type of its subcommands no public name.
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


class RedriveError(StockstreamError):
    """Not everything that could be sent was; the text says how much is left, and why."""


def add_redrive(commands: Commands) -> None:
    """Adds `stockstream redrive`."""
    command = commands.add_parser(
        "redrive",
        help="send again what Firehose set aside",
        description="Shows what Firehose set aside, why, and what can be done; --apply does it.",
    )
    option = command.add_argument
    option("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    option("--apply", action="store_true", help="do it; without this nothing is changed")
    option("--since", type=_day, metavar="DAY", help="only from this day on, as 2026-11-01 (UTC)")
    option("--reason", type=_reason, help="only what was set aside for it, as BAD_TIME")
    option("--limit", type=_count, metavar="N", help="send N entries at most")
    option("--save", type=Path, metavar="FILE", help="write what needs a person to a new file, to be edited")
    option("--from", type=Path, dest="corrections", metavar="FILE", help="take the entries of an edited file")
    option("--endpoint", metavar="URL", help="the search index (the stack's)")
    option("--format", choices=("table", "json"), default="table", help="json is for scripts (table)")
    command.set_defaults(run=run_redrive)


def run_redrive(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows what was set aside, and sends it again if asked to.

    Raises:
        StockstreamError: it cannot be read, or not all that could be sent was.
    """
    stack = find_stack(asked.stack)
    s3 = boto3.client("s3", config=_CONFIG)
    files = ErrorFiles(s3, stack.output("LakeBucketName"))
    judge = Judge(_read_windows(stack))
    selection = Selection(asked.reason or "", asked.limit)
    destinations = _open_destinations(stack, asked.endpoint, s3) if asked.apply else None
    saved = SavedEntries(asked.save) if asked.save else None
    since = asked.since or ""
    tally = Tally(is_applied=asked.apply)
    if asked.corrections:
        corrections = list(read_corrections(asked.corrections))
        tally.add(redrive_corrections(files, corrections, judge, selection, destinations))
    else:
        with screen.progress("Sending again" if asked.apply else "Reading", files.measure(since)) as step:
            for file, outcomes in redrive(files, since, judge, selection, destinations):
                tally.add(outcomes)
                for outcome in outcomes:
                    if saved and outcome.decision.action is Action.LEAVE:
                        saved.add(outcome.decision)
                step(file.size)
    _tell(tally, asked, saved, screen)


def _tell(tally: Tally, asked: argparse.Namespace, saved: SavedEntries | None, screen: Screen) -> None:
    refused = tally.count_results(Result.REFUSED)
    if asked.format == "json":
        screen.say(json.dumps(tally.as_json()))
    else:
        if tally.rows:
            screen.present(tally.table())
            screen.say("")
        screen.say(tally.summary())
        if tally.rows and not asked.apply:
            screen.say("Nothing was changed: --apply does it, --save FILE writes out what needs a person.")
    if saved:
        screen.say(
            f"{saved.count:,} entries for a person are in {asked.save}: edit, then --from {asked.save}"
        )
    if refused:
        raise RedriveError(f"{refused:,} entries were refused and are still set aside; the table says why.")


def _open_destinations(stack: Stack, endpoint: str | None, s3: Any) -> Destinations:  # noqa: ANN401 (boto3's)
    # What the stream refuses and takes later is not worth a person's attention; what stays refused is told.
    logger.setLevel(logging.ERROR)
    kinesis = boto3.client("kinesis", config=_CONFIG)
    address = endpoint or stack.outputs.get("SearchEndpoint")
    return Destinations(
        stream=BarStream(kinesis, stack.output("BarStreamName")),
        search=partial(index_again, open_search(address)) if address else None,
        lake=partial(deliver_again, s3, stack.output("LakeBucketName")),
    )


def _read_windows(stack: Stack) -> Windows:
    """The windows of the transform that runs: they say how long a look-back may be."""
    name = stack.output("TransformFunctionName")
    configuration = boto3.client("lambda", config=_CONFIG).get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    return parse_windows(variables["SMA_WINDOWS"], variables["EMA_WINDOWS"])


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-11-01") from None


def _reason(text: str) -> str:
    if not _REASON.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no reason: take one of the table's, such as BAD_TIME")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
