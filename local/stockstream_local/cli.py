"""The `stockstream` command as it is here: the pipeline on this machine, and the operator's commands."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError, StockstreamError
from stockstream.instruments import Instrument, parse_instruments
from stockstream_local.faults.alarm_command import DEFAULT_ALARM, set_off
from stockstream_local.faults.fault_command import add_fault
from stockstream_local.invoke import TARGETS, invoke
from stockstream_local.market.listing import is_traded
from stockstream_local.market.recording import Recording, RecordingError
from stockstream_local.pipeline import Options
from stockstream_local.search_up_command import add_search_up
from stockstream_local.up import up
from stockstream_operate.arguments import Commands, count
from stockstream_operate.cli import add_commands, make_parser, run
from stockstream_operate.screen import Screen

DEFAULT_INSTRUMENTS = "IBM,fx:EUR/USD,crypto:BTC/USD"
DEFAULT_INTERVAL = "1min"
HIGHEST_PORT = 65535


class UsageError(StockstreamError):
    """The options do not go together; the text says which and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command: what this machine offers, and what an operator may ask of any stack.

    Returns:
        0 if it did what was asked, 1 if it could not, 130 if it was stopped before it had.
        (Wrong arguments end the process with 2.)
    """
    parser, commands = make_parser()
    _add_up(commands)
    _add_invoke(commands)
    _add_alarm(commands)
    add_fault(commands)
    add_search_up(add_commands(commands))
    return run(parser, arguments)


def read_options(asked: argparse.Namespace) -> Options:
    """What the arguments ask of `up`.

    Raises:
        UsageError: the options do not go together.
    """
    if asked.recorded is None:
        return Options(
            instruments=asked.instruments or _instruments(DEFAULT_INSTRUMENTS),
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


def _run_up(asked: argparse.Namespace, screen: Screen) -> None:
    """Ctrl-C is the ordinary end of an endless run, and cuts a counted one short."""
    try:
        up(read_options(asked), asked.bars, screen)
    except KeyboardInterrupt:
        screen.say("Stopped. Nothing is left running.")
        if asked.bars:
            raise


def _add_up(commands: Commands) -> None:
    command = commands.add_parser(
        "up",
        help="run the whole pipeline here",
        description="Runs the whole pipeline here, with no AWS account and no API key, until Ctrl-C.",
    )
    option = command.add_argument
    option(
        "--bars",
        type=count,
        metavar="N",
        help="end when N documents were delivered and every number is right",
    )
    option("--instruments", type=_instruments, metavar="LIST", help=f"what to fetch ({DEFAULT_INSTRUMENTS})")
    option("--interval", choices=INTERVALS, help=f"the length of a bar ({DEFAULT_INTERVAL})")
    option("--recorded", type=_recording, metavar="FILE", help="replay a recorded Alpha Vantage answer")
    option("--port", type=_port, help="where the local AWS listens (a free port)")
    command.set_defaults(run=_run_up)


def _add_invoke(commands: Commands) -> None:
    command = commands.add_parser(
        "invoke",
        help="run one function in a container, with its sample events",
        description="Runs the real `sam local invoke`; this needs Docker.",
    )
    command.add_argument("function", choices=TARGETS)
    command.add_argument(
        "events",
        nargs="*",
        type=_event,
        metavar="EVENT",
        help="JSON files (all of the function's in events/)",
    )
    command.set_defaults(run=lambda asked, screen: invoke(asked.function, asked.events, screen))


def _add_alarm(commands: Commands) -> None:
    command = commands.add_parser(
        "alarm",
        help="set off an alarm of the running pipeline",
        description="Sets off an alarm of the pipeline that `stockstream up` runs; the notice appears there.",
    )
    command.add_argument("name", nargs="?", default=DEFAULT_ALARM, help=f"its logical name ({DEFAULT_ALARM})")
    command.set_defaults(run=lambda asked, screen: screen.say(set_off(asked.name)))


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 1 to {HIGHEST_PORT}")
    return int(text)


def _instruments(text: str) -> tuple[Instrument, ...]:
    try:
        instruments = parse_instruments(text)
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if unknown := [instrument.name for instrument in instruments if not is_traded(instrument)]:
        raise argparse.ArgumentTypeError(
            f"the replay market does not know {', '.join(unknown)}: it has shares with symbols of up to five "
            "letters, and the usual currencies and coins, as in IBM,fx:EUR/USD,crypto:BTC/USD"
        )
    return instruments


def _event(text: str) -> Path:
    path = Path(text)
    try:
        json.loads(path.read_bytes())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not JSON: {error}") from None
    return path.resolve()


def _recording(text: str) -> Recording:
    try:
        return Recording(Path(text))
    except RecordingError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
