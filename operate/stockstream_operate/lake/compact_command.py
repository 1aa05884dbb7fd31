"""`stockstream compact`: finished days of a stack's lake in one file each."""

import argparse
from datetime import UTC, datetime, timedelta

import boto3

from stockstream_operate.arguments import day
from stockstream_operate.lake.compaction import Compacted, Compaction
from stockstream_operate.lake.result import in_words
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.screen import Screen
from stockstream_operate.stack import find_stack


def add_compact(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream compact`."""
    command.description = (
        "Joins the files of each day before today into one sorted Parquet file, which the views read. "
        "The files that Firehose wrote stay, unless you say otherwise. It may be ended and started again."
    )
    option = command.add_argument
    option("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    option("--since", type=day, metavar="DAY", help="only days from 2026-11-20 on (all)")
    option(
        "--delete-raw",
        action="store_true",
        help="delete a day's files when the compacted one was read back and holds all that they do",
    )
    command.set_defaults(run=run_compact)


def run_compact(asked: argparse.Namespace, screen: Screen) -> None:
    """Compacts all days that need it.

    Raises:
        StockstreamError: there is no such stack, or a day was not compacted as it should have been.
    """
    stack = find_stack(asked.stack)
    lake_sql = make_lake_sql(stack.windows)
    compaction = Compaction(
        boto3.client("s3"), stack.output("LakeBucketName"), lake_sql, deletes_raw=asked.delete_raw
    )
    # A file goes to the day of its first record, and comes up to a buffer of a quarter of an hour later.
    today = (datetime.now(UTC) - timedelta(hours=1)).date()
    days = compaction.find_days(asked.since, today)
    done: list[Compacted] = []
    with screen.progress("Compacting", len(days)) as step:
        for name in days:
            with in_words():
                compacted = compaction.compact(name)
            if compacted:
                done.append(compacted)
                for key, reason in compacted.troubles.items():
                    screen.say(f"{key} {reason} It was left as it is.", style="yellow")
            step(1)
    screen.say(_say(days, done, is_deleting=asked.delete_raw))


def _say(days: list[str], done: list[Compacted], *, is_deleting: bool) -> str:
    if not done:
        return "No day before today needs it." if days else "There is no day before today."
    files = sum(len(each.before) for each in done)
    before = sum(file.size for each in done for file in each.before)
    after = sum(each.after.size for each in done if each.after)
    rest = (
        f"{sum(each.deleted for each in done):,} files were deleted."
        if is_deleting
        else "The others are kept, and Athena reads both: --delete-raw deletes them."
    )
    return (
        f"{len(done):,} days from {done[0].day} to {done[-1].day}: {files:,} files of {before / 1e6:,.1f} MB "
        f"are one a day now, of {after / 1e6:,.1f} MB. {rest}"
    )
