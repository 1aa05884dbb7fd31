"""`stockstream up`: starts the pipeline here, watches it deliver, and checks every number."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import boto3

from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream_local import deployment
from stockstream_local.check import Checker
from stockstream_local.emulator import HOST, choose_port, run_emulator
from stockstream_local.environment import isolate
from stockstream_local.lake import Lake
from stockstream_local.notices import NoticeReceiver
from stockstream_local.recording import Recording
from stockstream_local.replay_market import InventedMarket, ReplayMarket
from stockstream_local.run_lock import hold_run_lock
from stockstream_local.screen import Screen
from stockstream_local.watch import Watch
from stockstream_local.workplace import ROOT, STATE

API_KEY = "replay"
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


class UpError(StockstreamError):
    """There is nothing to deploy here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to run.

    Attributes:
        instruments: what to fetch, in the order of the screen.
        interval: of the bars, a key of INTERVALS.
        bars: end when so many documents were delivered; None for never.
        recording: what the market serves; None for the invented market.
        port: where the emulator listens; None for a free port.
    """

    instruments: tuple[Instrument, ...]
    interval: str
    bars: int | None
    recording: Recording | None
    port: int | None


def up(options: Options, screen: Screen) -> None:
    """Runs the pipeline until enough was delivered or a KeyboardInterrupt, and stops all that it started.

    Raises:
        StockstreamError: a step failed, or a delivered number is wrong.
    """
    if not (ROOT / "template.yaml").exists():
        raise UpError(
            f"There is no template.yaml in {ROOT}: run this from a clone, set up with `make setup`."
        )
    STATE.mkdir(exist_ok=True)
    port = choose_port(options.port)
    url = f"http://{HOST}:{port}"
    # boto3 reads this process's environment, and the user's real account must not be in it.
    environ = isolate(os.environ, url)
    os.environ.clear()
    os.environ.update(environ)
    with ExitStack() as running:
        running.enter_context(hold_run_lock(STATE, url))
        market = running.enter_context(ReplayMarket(options.recording or InventedMarket()))
        receiver = running.enter_context(NoticeReceiver())
        with screen.step("Starting the local AWS", f"Local AWS (ministack) at {url}"):
            running.enter_context(run_emulator(port, environ, STATE))
        with screen.step("Building the functions and their layer: sam build", "Built: sam build"):
            template = deployment.build(ROOT, environ, STATE)
        with screen.step("Deploying the stack: sam deploy", "Deployed: sam deploy --config-env local"):
            _store_secrets({"ApiKeyParameterName": API_KEY, "WebhookUrlParameterName": receiver.url})
            parameters = {
                "ProviderUrl": market.url,
                "Instruments": ",".join(instrument.name for instrument in options.instruments),
                "Interval": options.interval,
                "Architecture": deployment.host_architecture(),
            }
            deployment.deploy(ROOT, template, parameters, environ, STATE)
        watch = Watch(
            screen=screen,
            lake=Lake(boto3.client("s3"), _outputs()["LakeBucketName"], _empty_folder(STATE / "lake")),
            checker=Checker(market, options.interval, API_KEY),
            notices=receiver.notices,
            instruments=options.instruments,
            interval=options.interval,
        )
        if options.recording and options.recording.is_stamped_by_end:
            screen.say(END_STAMPS_NOTE, style="yellow")
        watch.await_first_bars()
        if not options.bars:
            screen.say(NEXT_STEPS.format(url=url))
        watch.run(options.bars)
        screen.say("They are in .stockstream/lake/bars/, one file for each.")


def _store_secrets(values: dict[str, str]) -> None:
    """Stores what the functions read from SSM, under the names that samconfig.toml gives the stack."""
    names = deployment.local_parameters(ROOT)
    ssm = boto3.client("ssm")
    for parameter, value in values.items():
        ssm.put_parameter(Name=names[parameter], Value=value, Type="SecureString", Overwrite=True)


def _outputs() -> dict[str, str]:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=deployment.STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _empty_folder(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder
