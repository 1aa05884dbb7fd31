"""`stockstream split`: confirms a split of shares, corrects it, or says that there was none."""

import argparse
from datetime import date

import boto3

from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments
from stockstream.splits import (
    NO_SPLIT,
    SPLITS_KEY,
    Split,
    SplitsByName,
    clock_of,
    first_moment,
    parse_split,
    read_splits,
    split_attribute,
)
from stockstream.times import parse_time
from stockstream_operate.arguments import day
from stockstream_operate.instrument_list import read_followed
from stockstream_operate.lake.access import FOLDER
from stockstream_operate.lake.splits import SPLITS_FILE, keep_splits, write_splits
from stockstream_operate.screen import Screen
from stockstream_operate.stack import Stack, find_stack


class UnknownSplitError(StockstreamError):
    """Nothing was written; the text says what is wrong with what was asked for."""


def add_split(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream split`."""
    command.description = (
        "Tells the producer of a split, so that each bar from that day on looks back on prices and volumes "
        "in new shares: its averages and returns are right from the first bar on. The prices of the bars "
        "themselves stay as they were traded. Said again for the same day, it corrects what was said before. "
        "Without an instrument it shows what is known."
    )
    command.add_argument("instrument", nargs="?", metavar="INSTRUMENT", help="whose shares, as IBM")
    command.add_argument(
        "ratio",
        nargs="?",
        metavar="RATIO",
        help=f"10:1 for ten new shares in place of an old one, 1:8 for one in place of eight, or {NO_SPLIT}",
    )
    command.add_argument(
        "--at", type=day, metavar="DAY", help="the first day on which new shares are traded, as 2026-11-30"
    )
    command.add_argument("--stack", metavar="NAME", help="a stack in AWS (the one that runs here)")
    command.set_defaults(run=run_split)


def run_split(asked: argparse.Namespace, screen: Screen) -> None:
    """Writes the split where the producer's next run reads it, or shows those that are written.

    Raises:
        SplitError: the ratio is none.
        UnknownSplitError: the instrument or the day is missing, or no such instrument is followed.
        StackError: there is no such stack.
    """
    if asked.instrument is None:
        _show(find_stack(asked.stack), screen)
        return
    if asked.ratio is None or asked.at is None:
        raise UnknownSplitError(
            "Say what was split, how, and when: stockstream split IBM 10:1 --at 2026-11-30"
        )
    parse_split("", asked.ratio)  # before the stack is asked
    stack = find_stack(asked.stack)
    instrument = _find(asked.instrument, stack)
    at = first_moment(instrument, date.fromisoformat(asked.at))
    split = parse_split(at, asked.ratio)
    boto3.client("dynamodb").update_item(
        TableName=stack.output("InstrumentTableName"),
        Key={"key": {"S": SPLITS_KEY}},
        UpdateExpression="SET #split = :ratio",
        ExpressionAttributeNames={"#split": split_attribute(instrument.name, at)},
        ExpressionAttributeValues={":ratio": {"S": str(split)}},
    )
    _bring_into_lake(stack, here=asked.stack is None)
    screen.say(f"Known: {_say(instrument, split)}.")
    screen.say(
        "The next answer's bars look back accordingly, and those of the last hundred that were sent "
        "otherwise are sent again. A backfill of the month brings older ones right. "
        "The view bars_adjusted has all prices in the shares of today at once."
    )


def _find(name: str, stack: Stack) -> Instrument:
    followed = {each.name: each for each in read_followed(stack)}
    if name not in followed:
        raise UnknownSplitError(
            f"{name} is not followed by {stack.name}: `stockstream instruments list` shows what is."
        )
    return followed[name]


def _read(stack: Stack) -> SplitsByName:
    item = boto3.client("dynamodb").get_item(
        TableName=stack.output("InstrumentTableName"), Key={"key": {"S": SPLITS_KEY}}, ConsistentRead=True
    )
    return read_splits(item.get("Item"))


def _bring_into_lake(stack: Stack, *, here: bool) -> None:
    """Writes the splits where the view reads them, and again if somebody else has written one meanwhile."""
    s3, written = boto3.client("s3"), None
    while (known := _read(stack)) != written:
        s3.put_object(Bucket=stack.output("LakeBucketName"), Key=SPLITS_FILE, Body=write_splits(known))
        written = known
    if here:
        keep_splits(known, FOLDER)


def _show(stack: Stack, screen: Screen) -> None:
    known = _read(stack)
    if not known:
        screen.say(f"{stack.name} knows of no split.")
    for name, splits in sorted(known.items()):
        for split in splits:
            screen.say(f"{_say(parse_instruments(name)[0], split)}.")


def _say(instrument: Instrument, split: Split) -> str:
    zone = clock_of(instrument)
    first_day = parse_time(split.at).astimezone(zone).date().isoformat()
    what = f"split {split}" if split.changes_shares else "no split"
    return f"{instrument.name}, {what} at {first_day} ({zone.key})"
