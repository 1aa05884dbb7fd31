"""`stockstream up`: starts the pipeline here, watches it deliver, and checks every number."""

import shutil
from pathlib import Path

import boto3

from stockstream_local.check import Checker
from stockstream_local.lake import Lake
from stockstream_local.pipeline import API_KEY, Options, run_pipeline
from stockstream_local.screen import Screen
from stockstream_local.watch import Watch
from stockstream_local.workplace import STATE

NEXT_STEPS = """
Bars arrive once a minute, each is checked, and Ctrl-C stops everything. In another terminal, try:
  gzip -dc .stockstream/lake/bars/*/*.gz | tail -1 | python3 -m json.tool   a bar with its analytics
  .venv/bin/stockstream alarm                                               an alarm: its notice appears here
  AWS_ENDPOINT_URL={url}                                    for any AWS tool: all is there
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
            lake=Lake(boto3.client("s3"), pipeline.output("LakeBucketName"), _empty_folder(STATE / "lake")),
            checker=Checker(pipeline.market, options.interval, API_KEY),
            notices=pipeline.receiver.notices,
            instruments=options.instruments,
            interval=options.interval,
        )
        if options.recording and options.recording.is_stamped_by_end:
            screen.say(END_STAMPS_NOTE, style="yellow")
        watch.await_first_bars()
        if not bars:
            screen.say(NEXT_STEPS.format(url=pipeline.url))
        watch.run(bars)
        screen.say("They are in .stockstream/lake/bars/, one file for each.")


def _empty_folder(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder
