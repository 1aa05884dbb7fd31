"""The whole pipeline, started here: a local AWS, a market, and the stack of template.yaml deployed to it."""

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import boto3

from stockstream.errors import StockstreamError
from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream.instruments import Instrument
from stockstream_local import deployment
from stockstream_local.emulator.server import run_emulator
from stockstream_local.faults.catalogue import Faults
from stockstream_local.faults.fault_server import FaultServer
from stockstream_local.live import LiveProvider
from stockstream_local.market.recording import Recording
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.environment import Emulator, reach_only
from stockstream_operate.instrument_list import with_names
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.run_lock import hold_run_lock
from stockstream_operate.screen import Screen
from stockstream_operate.stack import STACK_NAME
from stockstream_operate.workplace import ROOT, STATE, make_state

API_KEY = "replay"


class NoTemplateError(StockstreamError):
    """There is nothing to deploy here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to run.

    Attributes:
        instruments: what to fetch, in the order of the screen.
        interval: of the bars, a key of INTERVALS.
        recording: what the market serves; None for the invented market.
        live: the provider that is asked in the market's place; None for the market.
        port: where the emulator listens; None for a free port.
    """

    instruments: tuple[Instrument, ...]
    interval: str
    recording: Recording | None = None
    live: LiveProvider | None = None
    port: int | None = None

    @property
    def price_kind(self) -> PriceKind:
        """What kind of prices the run delivers."""
        if self.live:
            return PriceKind.LIVE
        return PriceKind.RECORDED if self.recording else PriceKind.INVENTED


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What runs.

    Attributes:
        emulator: the local AWS.
        market: where the producer asks for bars.
        receiver: where the alert function posts its notices.
        faults: what can be broken in it.
        environ: the environment in which AWS's tools find the emulator and nothing else.
    """

    emulator: Emulator
    market: ReplayMarket
    receiver: NoticeReceiver
    faults: Faults
    environ: Mapping[str, str]

    def output(self, name: str) -> str:
        """One of the stack's outputs."""
        return _find_output(name)

    def produce(self) -> None:
        """Begins a run of the producer, as the schedule does from now on, once a minute."""
        boto3.client("lambda").invoke(
            FunctionName=self.output("ProducerFunctionName"), InvocationType="Event", Payload=b"{}"
        )

    def produce_and_listen(self) -> list[str]:
        """Runs the producer once; its warnings, in its own words."""
        answer = boto3.client("lambda").invoke(
            FunctionName=self.output("ProducerFunctionName"), LogType="Tail", Payload=b"{}"
        )
        return read_warnings(base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"))


@contextmanager
def run_pipeline(
    options: Options, screen: Screen, parameters: Mapping[str, str] | None = None
) -> Iterator[Pipeline]:
    """Runs the pipeline from `with` to its end, and then stops all that it started.

    Args:
        options: what to run.
        screen: where the steps are shown.
        parameters: of the template, beside those that samconfig.toml and the options set.

    Raises:
        StockstreamError: a step failed.
    """
    if not (ROOT / "template.yaml").exists():
        raise NoTemplateError(
            f"There is no template.yaml in {ROOT}: run this from a clone, set up with `make setup`."
        )
    make_state()
    with ExitStack() as running:
        market = ReplayMarket(options.recording or InventedMarket())
        receiver = NoticeReceiver()
        faults = Faults(market, receiver, STATE, _find_output, is_live=options.live is not None)
        fault_server = FaultServer(faults, lambda said: screen.say(said, style="yellow"))
        for server in (market, receiver, fault_server):
            running.enter_context(server)
        publish = running.enter_context(hold_run_lock(STATE))
        with screen.step("Starting the local AWS", "Local AWS (ministack)"):
            emulator = running.enter_context(run_emulator(options.port, os.environ, STATE))
        screen.say(f"It listens at {emulator.url}")
        publish(emulator, fault_server.url)
        environ = reach_only(emulator)
        with screen.step("Building the functions and their layer: sam build", "Built: sam build"):
            template = deployment.build(ROOT, environ, STATE)
        with screen.step("Creating the stack of template.yaml", "Stack created"):
            secrets = {"ApiKeyParameterName": API_KEY, "AlertChannels": receiver.url}
            overrides = {"ProviderUrl": market.url}
            if options.live:
                secrets["ApiKeyParameterName"] = options.live.key or "none is needed"
                overrides = dict(options.live.parameters)
            _store_secrets(secrets)
            overrides |= {
                "Instruments": ",".join(instrument.name for instrument in options.instruments),
                "InstrumentsFileEnabled": "true",
                "Interval": options.interval,
                "Architecture": deployment.host_architecture(),
                **(parameters or {}),
            }
            deployment.create_stack(ROOT, template, overrides)
            _store_list(options.instruments)
        yield Pipeline(emulator, market, receiver, faults, environ)


def read_warnings(log: str) -> list[str]:
    """The warnings in a function's log lines, each once: the message and its detail.

    Args:
        log: lines; those that are no JSON objects with a level are left out.
    """
    warnings = []
    for line in log.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("level") in {"WARNING", "ERROR", "CRITICAL"}:
            warnings.append(": ".join(filter(None, (said.get("message"), said.get("detail")))))
    return list(dict.fromkeys(warnings))


def _find_output(name: str) -> str:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == name)


def _store_list(instruments: Iterable[Instrument]) -> None:
    """Lists what is followed where `stockstream instruments` changes it."""
    text = with_names("", (each.name for each in instruments))
    boto3.client("s3").put_object(
        Bucket=_find_output("LakeBucketName"), Key=INSTRUMENT_FILE, Body=text.encode()
    )


def _store_secrets(values: Mapping[str, str]) -> None:
    """Stores what the functions read from SSM, under the names that samconfig.toml gives the stack."""
    names = deployment.local_parameters(ROOT)
    ssm = boto3.client("ssm")
    for parameter, value in values.items():
        ssm.put_parameter(Name=names[parameter], Value=value, Type="SecureString", Overwrite=True)
