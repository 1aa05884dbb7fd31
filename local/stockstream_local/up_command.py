"""`stockstream up`: starts the pipeline here, watches it deliver, and checks every number."""

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream_local.check import Checker
from stockstream_local.kept_run import KeptRun, choose_lake, empty_folder, measure_folder, merge_days
from stockstream_local.live import require_answer
from stockstream_local.pipeline import API_KEY, Options, run_pipeline
from stockstream_local.up_options import add_options, read_options
from stockstream_local.watch import Watch
from stockstream_operate.counts import say_count
from stockstream_operate.lake.delivered import Lake
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import ROOT, STATE

# For the build, and what a day delivers. Where there is no room the emulator calls the archives bad.
NEEDED_ROOM_BYTES, LEAST_ROOM_BYTES = 200_000_000, 1_000_000
# The invented market's longest answer reaches back almost seven days.
INVENTED_SHOWN = timedelta(days=6)
NEXT_STEPS = """
The schedule fires once a minute, every delivered document is read back into {lake}/, and Ctrl-C stops it all.
Try in another terminal:
  {command} tail --follow    (the bars as they arrive)
  {command} query    (what can be asked, in SQL)
  {command} fault    (what can be broken; its notice appears here)
  eval "$({command} env)"    (then AWS's own tools reach this run, and nothing else)
"""
END_STAMPS_NOTE = (
    "This recording is from 2020 or before, when a stamp meant the end of a bar. "
    "It is served as it is, and its stamps are taken as starts."
)


class FullDiskError(StockstreamError):
    """A run cannot begin or go on, since its disk has no room left; the text says what else is known."""


def add_up(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream up`."""
    command.description = "Runs the whole pipeline here, with no AWS account and no API key, until Ctrl-C."
    add_options(command)
    command.set_defaults(run=run_up)


def run_up(asked: argparse.Namespace, screen: Screen) -> None:
    """Ctrl-C is the ordinary end of an endless run, and cuts a counted one short."""
    try:
        up(read_options(asked), asked.bars, screen, is_fresh=asked.fresh)
    except KeyboardInterrupt:
        screen.say("Stopped. Nothing is left running.")
        if asked.bars:
            raise
    except (StockstreamError, BotoCoreError, ClientError) as error:
        # On a full disk the build, the emulator and the functions fail with errors that do not name it.
        if _room() >= LEAST_ROOM_BYTES:
            raise
        raise FullDiskError(
            f"{error}\nThe disk that holds {STATE} is full: make room there, and start again. What was "
            "delivered is kept, and the next run goes on from there."
        ) from error


def up(options: Options, bars: int | None, screen: Screen, *, is_fresh: bool) -> None:
    """Runs the pipeline until enough was delivered or a KeyboardInterrupt, and stops all that it started.

    Args:
        options: what to run.
        bars: end when so many documents were delivered; None for never.
        screen: where everything is shown.
        is_fresh: delete first what earlier runs of this kind of prices have delivered.

    Raises:
        StockstreamError: a step failed, or a delivered number is wrong.
    """
    if (room := _room()) < NEEDED_ROOM_BYTES:
        raise FullDiskError(
            f"The disk that holds {STATE} has {room / 1e6:,.0f} MB left, and a run needs "
            f"{NEEDED_ROOM_BYTES / 1e6:.0f}: make room there, and start again."
        )
    kind = options.price_kind
    screen.say(f"{kind.word}: {kind.words}", style="bold")
    if options.live:
        require_answer(options.live)
        screen.say(f"From {options.live.title}: {', '.join(each.name for each in options.instruments)}")
    with run_pipeline(options, screen) as pipeline:
        folder = _open_lake(kind, screen, is_fresh=is_fresh or options.recording is not None)
        # Nobody here knows which real prices are right.
        checker = None if options.live else Checker(pipeline.market, options.interval, API_KEY)
        s3, bucket = boto3.client("s3"), pipeline.output("LakeBucketName")
        kept = KeptRun(folder, boto3.client("dynamodb"), pipeline.output("InstrumentTableName"), s3, bucket)
        goes_on = kept.restore(checker, None if options.live else INVENTED_SHOWN)
        watch = Watch(
            screen=screen,
            lake=Lake(s3, bucket, folder),
            kept=kept,
            checker=checker,
            notices=pipeline.receiver.notices,
            instruments=options.instruments,
            interval=options.interval,
        )
        lake = os.path.relpath(folder / "bars")
        if options.recording and options.recording.is_stamped_by_end:
            screen.say(END_STAMPS_NOTE, style="yellow")
        if options.live:
            for warning in pipeline.produce_and_listen():
                screen.say(warning, style="yellow")
            screen.say("Where a market is closed, its bars come once it opens; each run asks again.")
        else:
            pipeline.produce()
            if goes_on:
                screen.say("The bars of earlier runs are here, and this run goes on where they ended.")
            else:
                watch.await_first_bars()
        if bars:
            watch.run(bars)
        else:
            _show_on_page(watch, lake, screen)
        screen.say(f"They are in {lake}/")


def _room() -> int:
    """How many bytes are free where a run writes."""
    return shutil.disk_usage(STATE if STATE.exists() else ROOT).free


def _open_lake(kind: PriceKind, screen: Screen, *, is_fresh: bool) -> Path:
    """The lake of one kind of prices, as earlier runs left it or empty."""
    folder = choose_lake(STATE, kind)
    if is_fresh:
        files, size = measure_folder(folder)
        if files:
            screen.say(
                f"Deleting what earlier runs have delivered of {kind.word} prices: "
                f"{say_count(files, 'file')}, {size / 1e6:,.1f} MB."
            )
        empty_folder(folder)
    merge_days(folder, f"{datetime.now(UTC):%Y-%m-%d}")
    return folder


def _show_on_page(watch: Watch, lake: str, screen: Screen) -> None:
    """Shows what arrives until Ctrl-C, in a browser, too."""
    # A counted run has no page, and need not wait for what the page imports.
    from stockstream_operate.page.page_command import invite, serve_run  # noqa: PLC0415

    with serve_run(None, screen.say) as server:
        invite(server, screen)
        command = quote(os.path.relpath(Path(sys.executable).with_name("stockstream")))
        screen.say(NEXT_STEPS.format(command=command, lake=lake))
        watch.run(None)
