"""`stockstream up`: starts the pipeline here, watches it deliver, and checks every number."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError, StockstreamError
from stockstream.instruments import Instrument, parse_instrument, parse_instruments
from stockstream_local.check import Checker
from stockstream_local.kept_run import KeptRun, choose_lake, empty_folder, measure, merge_days
from stockstream_local.live import choose_provider, require_answer
from stockstream_local.market.listing import is_traded
from stockstream_local.market.recording import Recording, RecordingError
from stockstream_local.pipeline import API_KEY, Options, run_pipeline
from stockstream_local.watch import Watch
from stockstream_operate.arguments import count, port
from stockstream_operate.environment import KEY_VARIABLES
from stockstream_operate.lake.delivered import Lake
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import ROOT, STATE

DEFAULT_INSTRUMENTS = "IBM,fx:EUR/USD,crypto:BTC/USD"
DEFAULT_INTERVAL = "1min"
# The emulator unpacks the layer for each function, and where there is no room it calls the layer bad.
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


class UsageError(StockstreamError):
    """The options do not go together; the text says which and why."""


def add_up(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream up`."""
    command.description = "Runs the whole pipeline here, with no AWS account and no API key, until Ctrl-C."
    option = command.add_argument
    option(
        "--bars",
        type=count,
        metavar="N",
        help="end when N documents were delivered and every number is right",
    )
    option("--instruments", type=_known, metavar="LIST", help=f"what to fetch ({DEFAULT_INSTRUMENTS})")
    option("--interval", choices=INTERVALS, help=f"the length of a bar ({DEFAULT_INTERVAL})")
    option("--recorded", type=_recording, metavar="FILE", help="replay a recorded Alpha Vantage answer")
    option(
        "--live",
        action="store_true",
        help="real prices: coins, or with a provider's key in the environment what it serves",
    )
    option(
        "--invented",
        action="store_true",
        help="invented prices, whatever keys are in the environment (where there are none)",
    )
    option(
        "--fresh",
        action="store_true",
        help="begin with an empty lake, and delete what earlier runs of this kind of prices have delivered",
    )
    option("--port", type=port, help="where the local AWS listens (a free port)")
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
        # What stands on the disk of a run says many things where there is no room, and nothing of that.
        if _room() >= LEAST_ROOM_BYTES:
            raise
        raise FullDiskError(
            f"{error}\nThe disk that holds {STATE} is full: make room there, and start again. What was "
            "delivered is kept, and the next run goes on from there."
        ) from error


def read_options(asked: argparse.Namespace) -> Options:
    """What the arguments ask of `up`.

    Raises:
        UsageError: the options do not go together.
    """
    if sum(map(bool, (asked.live, asked.invented, asked.recorded))) > 1:
        raise UsageError("The prices are of one kind: --live, --invented or --recorded.")
    if asked.recorded is None:
        is_live = asked.live or any(os.environ.get(name) for name in KEY_VARIABLES)
        if is_live and not asked.invented:
            live = choose_provider(os.environ, asked.instruments or (), asked.interval)
            return Options(live.instruments, live.interval, port=asked.port, live=live)
        return Options(
            instruments=_traded(asked.instruments or parse_instruments(DEFAULT_INSTRUMENTS)),
            interval=asked.interval or DEFAULT_INTERVAL,
            port=asked.port,
        )
    if asked.instruments or asked.interval:
        raise UsageError(
            "--recorded says which instrument and interval it is: leave --instruments and --interval out."
        )
    recording: Recording = asked.recorded
    if asked.bars and asked.bars > len(recording.bars):
        raise UsageError(f"The recording holds {len(recording.bars)} bars: --bars can be that at most.")
    return Options((recording.instrument,), recording.interval, recording, asked.port)


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
        # Of real prices nobody here knows what is right.
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
        files, size = measure(folder)
        if files:
            screen.say(
                f"Deleting what earlier runs have delivered of {kind.word} prices: "
                f"{files:,} files, {size / 1e6:,.1f} MB."
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
        command = os.path.relpath(Path(sys.executable).with_name("stockstream"))
        screen.say(NEXT_STEPS.format(command=command, lake=lake))
        watch.run(None)


def _known(text: str) -> tuple[Instrument, ...]:
    try:
        return parse_instruments(text)
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _traded(instruments: tuple[Instrument, ...]) -> tuple[Instrument, ...]:
    if unknown := [instrument.name for instrument in instruments if not is_traded(instrument)]:
        raise UsageError(
            f"The invented market does not know {', '.join(unknown)}: {_hint(unknown)}it has shares with "
            "symbols of up to five letters, and the usual currencies and coins, "
            "as in IBM,fx:EUR/USD,crypto:BTC/USD."
        )
    return instruments


def _hint(unknown: Iterable[str]) -> str:
    """The pairs that somebody may have meant who writes them as one word; empty if there are none."""
    pairs = (f"{kind}:{name[:3]}/{name[3:]}" for name in unknown for kind in ("fx", "crypto"))
    meant = [each.name for each in map(_pair, pairs) if each and is_traded(each)]
    return f"did you mean {', '.join(meant)}? Otherwise " if meant else ""


def _pair(text: str) -> Instrument | None:
    try:
        return parse_instrument(text)
    except InstrumentError:
        return None


def _recording(text: str) -> Recording:
    try:
        return Recording(Path(text))
    except RecordingError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
