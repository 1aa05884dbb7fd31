"""`stockstream up`: starts the pipeline here, watches it deliver, and checks every number."""

import os
import shutil
import sys
from pathlib import Path

import boto3

from stockstream_local.check import Checker
from stockstream_local.pipeline import API_KEY, Options, run_pipeline
from stockstream_local.watch import Watch
from stockstream_operate.lake.delivered import Lake
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import STATE

NEXT_STEPS = """
The schedule fires once a minute, every document is checked, and Ctrl-C stops it all.
Try in another terminal:
  {command} tail --follow    (the bars as they arrive)
  {command} query    (what can be asked, in SQL)
  {command} fault    (what can be broken; its notice appears here)
  any AWS tool with AWS_ENDPOINT_URL={url}, us-east-1 and any keys
"""
END_STAMPS_NOTE = (
    "This recording is from 2020 or before, when a stamp meant the end of a bar. "
    "It is served as it is, and its stamps are taken as starts."
)


def up(options: Options, bars: int | None, screen: Screen) -> None:
    """Runs the pipeline until enough was delivered or a KeyboardInterrupt, and stops all that it started.

    Args:
        options: what to run.
        bars: end when so many documents were delivered; None for never.
        screen: where everything is shown.

    Raises:
        StockstreamError: a step failed, or a delivered number is wrong.
    """
    with run_pipeline(options, screen) as pipeline:
        watch = Watch(
            screen=screen,
            lake=Lake(boto3.client("s3"), pipeline.output("LakeBucketName"), empty_folder(STATE / "lake")),
            checker=Checker(pipeline.market, options.interval, API_KEY),
            notices=pipeline.receiver.notices,
            instruments=options.instruments,
            interval=options.interval,
        )
        lake = os.path.relpath(STATE / "lake" / "bars")
        if options.recording and options.recording.is_stamped_by_end:
            screen.say(END_STAMPS_NOTE, style="yellow")
        watch.await_first_bars()
        if not bars:
            command = os.path.relpath(Path(sys.executable).with_name("stockstream"))
            screen.say(NEXT_STEPS.format(command=command, url=pipeline.url))
        watch.run(bars)
        screen.say(f"They are in {lake}/")


def empty_folder(folder: Path) -> Path:
    """The folder, gone with all that it held; in one step for others, who read it whole or not at all."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
        shutil.rmtree(old, ignore_errors=True)
    return folder
