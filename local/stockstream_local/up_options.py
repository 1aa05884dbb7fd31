"""The options of `stockstream up`: what they are, and which pipeline they ask for."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError, StockstreamError
from stockstream.instruments import Instrument, parse_instrument, parse_instruments
from stockstream_local.live import choose_provider
from stockstream_local.market.listing import is_listed
from stockstream_local.market.recording import Recording, RecordingError
from stockstream_local.pipeline import Options
from stockstream_operate.arguments import count, port
from stockstream_operate.environment import KEY_VARIABLES

DEFAULT_INSTRUMENTS = "IBM,fx:EUR/USD,crypto:BTC/USD"
DEFAULT_INTERVAL = "1min"


class UsageError(StockstreamError):
    """The options do not go together; the text says which and why."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Adds the options to the command."""
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


def _known(text: str) -> tuple[Instrument, ...]:
    try:
        return parse_instruments(text)
    except InstrumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _traded(instruments: tuple[Instrument, ...]) -> tuple[Instrument, ...]:
    if unknown := [instrument.name for instrument in instruments if not is_listed(instrument)]:
        raise UsageError(
            f"The invented market does not know {', '.join(unknown)}: {_hint(unknown)}it has shares with "
            "symbols of up to five letters, and the usual currencies and coins, "
            "as in IBM,fx:EUR/USD,crypto:BTC/USD."
        )
    return instruments


def _hint(unknown: Iterable[str]) -> str:
    """A question with the pairs that may be meant by words such as EURUSD; empty if there are none."""
    pairs = (f"{kind}:{name[:3]}/{name[3:]}" for name in unknown for kind in ("fx", "crypto"))
    meant = [each.name for each in map(_pair, pairs) if each and is_listed(each)]
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
