"""`stockstream redrive`: its options, and what it says."""

import argparse
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path

import boto3

from stockstream.bar_stream import BarStream
from stockstream.errors import SettingsError, StockstreamError
from stockstream.reading import shorten
from stockstream.windows import Windows, parse_windows
from stockstream_operate.arguments import count, day
from stockstream_operate.aws_config import CONFIG
from stockstream_operate.redrive.error_files import ErrorFiles
from stockstream_operate.redrive.lake_delivery import deliver_as_json
from stockstream_operate.redrive.manual_corrections import read_corrections, save_entries
from stockstream_operate.redrive.redrive import EntryFilter, redrive
from stockstream_operate.redrive.report import RedriveReport
from stockstream_operate.redrive.resender import Resender
from stockstream_operate.redrive.triage import Action, Triage
from stockstream_operate.screen import Screen
from stockstream_operate.search.client import PASSWORD, find_server, read_password
from stockstream_operate.search.fill import Filler
from stockstream_operate.stack import Stack, find_stack

_REASON = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class RedriveError(StockstreamError):
    """Not everything that could be sent was; the text says how much is left, and why."""


def add_redrive(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream redrive`."""
    command.description = "Shows what Firehose set aside, why, and what can be done; --apply does it."
    option = command.add_argument
    option("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    option("--apply", action="store_true", help="do it; without this nothing is changed")
    option("--since", type=day, metavar="DAY", help="only from this day on, as 2026-11-01 (UTC)")
    option("--reason", type=_reason, help="only what was set aside for it, as BAD_TIME")
    option("--limit", type=count, metavar="N", help="send N entries at most")
    option("--save", type=Path, metavar="FILE", help="write what needs a person to a new file, to be edited")
    option("--from", type=Path, dest="corrections", metavar="FILE", help="take the entries of an edited file")
    option("--endpoint", metavar="URL", help="the search index (the stack's)")
    option("--region", help="of the index, where its address does not say it; signs the requests")
    option(
        "--user",
        metavar="NAME",
        help=f"a user of the index; the password is asked for, or taken from {PASSWORD}",
    )
    option("--format", choices=("table", "json"), default="table", help="json is for scripts (table)")
    command.set_defaults(run=run_redrive)


def run_redrive(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows what was set aside, and sends it again if asked to.

    Raises:
        StockstreamError: it cannot be read, or not all that could be sent was.
    """
    if asked.corrections and (asked.save or asked.reason or asked.since):
        raise RedriveError("--from means the entries of its file: leave --save, --reason and --since out.")
    corrections = read_corrections(asked.corrections) if asked.corrections else None
    stack = find_stack(asked.stack)
    s3, bucket = boto3.client("s3", config=CONFIG), stack.output("LakeBucketName")
    files = ErrorFiles(s3, bucket)
    triage = Triage(_read_windows(stack))
    wanted = EntryFilter(asked.reason or "", asked.limit, corrections)
    resender = _open_resender(stack, asked, partial(deliver_as_json, s3, bucket)) if asked.apply else None
    listed = files.list_files(asked.since or "")
    report = RedriveReport(is_applied=asked.apply)
    doing, size = "Sending again" if asked.apply else "Reading", sum(each.size for each in listed)
    with (
        save_entries(asked.save) if asked.save else nullcontext() as saved,
        screen.progress(doing, size) as step,
    ):
        for file, results in redrive(files, listed, triage, wanted, resender):
            report.add(results)
            for result in results:
                if saved and result.decision.action is Action.LEAVE:
                    saved.add(result.decision)
            step(file.size)
    notes = []
    if wanted.unseen and not wanted.is_over:
        notes.append(f"Not set aside any more, of {asked.corrections}: {len(wanted.unseen):,}.")
    if saved:
        notes.append(saved.advice())
    _show(report, notes, asked, screen)
    if files.unread:
        named = "; ".join(f"{shorten(key)} {why}" for key, why in files.unread.items())
        raise RedriveError(f"Firehose writes no such file; it stays where it is, for a person: {named}")
    if report.refused:
        raise RedriveError(f"Refused, and still set aside: {report.refused:,}. The table says why.")


def _show(report: RedriveReport, notes: list[str], asked: argparse.Namespace, screen: Screen) -> None:
    if asked.format == "json":
        screen.write(json.dumps(report.as_json()))
        return
    if report.rows:
        screen.present(report.table())
        screen.say(f"\n{report.summary()}")
        if not asked.apply:
            screen.say("Nothing was changed: --apply does it, --save FILE writes out what needs a person.")
    else:
        is_narrowed = asked.corrections or asked.reason or asked.since
        screen.say("Nothing of that is set aside." if is_narrowed else "Nothing is set aside.")
    for note in notes:
        screen.say(note)


def _open_resender(
    stack: Stack, asked: argparse.Namespace, deliver: Callable[[list[tuple[str, bytes]]], None]
) -> Resender:
    # No warning for a single refusal: the next attempt may succeed, and the table shows what never did.
    stream = BarStream(
        boto3.client("kinesis", config=CONFIG), stack.output("BarStreamName"), warn=lambda *_, **__: None
    )
    address = asked.endpoint or stack.outputs.get("SearchEndpoint")
    # Asked for before anything is sent, and not in the middle of it.
    user = (asked.user, read_password()) if asked.user else None
    # The stack's own domain asks for its admin role.
    role_arn = None if asked.endpoint or user else stack.outputs.get("SearchAdminRoleArn")

    @cache
    def open_index() -> Filler:  # only where there is something for it
        return Filler(find_server(address or "", user=user, region=asked.region, role_arn=role_arn))

    index = (lambda documents: open_index().fill(documents)) if address else None
    return Resender(stream, index, deliver)


def _read_windows(stack: Stack) -> Windows:
    """The windows of the transform that runs: they say how long a look-back may be."""
    name = stack.output("TransformFunctionName")
    configuration = boto3.client("lambda", config=CONFIG).get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    try:
        return parse_windows(variables["SMA_WINDOWS"], variables["EMA_WINDOWS"])
    except SettingsError as error:
        raise RedriveError(
            "The transform fails on every record, because one of its settings is wrong: "
            f"correct that first. {error}"
        ) from error


def _reason(text: str) -> str:
    if not _REASON.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no reason: take one of the table's, such as BAD_TIME")
    return text
