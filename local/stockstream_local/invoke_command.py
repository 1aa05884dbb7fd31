"""`stockstream invoke`: the real `sam local invoke` of one function, with its sample events.

sam runs the function in a container that is like Lambda. The transform needs nothing else. The producer and
the alert function need what a stack has, so they get one: deployed to the emulator, its schedule paused.
"""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

from stockstream.errors import StockstreamError
from stockstream.instruments import parse_instruments
from stockstream.settings import LOOPBACK
from stockstream_local import deployment
from stockstream_local.containers import CONTAINER_HOST, container_address, has_image, relay
from stockstream_local.pipeline import Options, Pipeline, run_pipeline
from stockstream_local.tools import run_tool
from stockstream_operate.environment import Emulator, isolate
from stockstream_operate.screen import Screen
from stockstream_operate.whole_file import naming
from stockstream_operate.workplace import ROOT, STATE, make_state

IMAGE = "public.ecr.aws/lambda/python:3.13"
INSTRUMENTS = "IBM,fx:EUR/USD,crypto:BTC/USD"


class InvokeError(StockstreamError):
    """A function's answer is an error; the text says which, and where its log is."""


class Target(NamedTuple):
    """A function that can be invoked.

    Attributes:
        logical_id: its name in template.yaml.
        events: which files of events/ are for it.
        needs_a_stack: whether it talks to other parts of the stack.
    """

    logical_id: str
    events: tuple[str, ...]
    needs_a_stack: bool


TARGETS = {
    "producer": Target("ProducerFunction", ("schedule*.json", "backfill*.json"), needs_a_stack=True),
    "transform": Target("TransformFunction", ("firehose-*.json",), needs_a_stack=False),
    "alert": Target("AlertFunction", ("alarm-*.json", "sns-*.json"), needs_a_stack=True),
}


class _Container(NamedTuple):
    """What sam runs: the built template, and what containers must know of this machine."""

    template: Path
    environ: Mapping[str, str]
    address: str | None


def add_invoke(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream invoke`."""
    command.description = "Runs the real `sam local invoke`; this needs Docker."
    command.add_argument("function", choices=TARGETS)
    command.add_argument(
        "events",
        nargs="*",
        type=_event,
        metavar="EVENT",
        help="JSON files (all of the function's in events/)",
    )
    command.set_defaults(run=lambda asked, screen: invoke(asked.function, asked.events, screen))


def invoke(function: str, events: Sequence[Path], screen: Screen) -> None:
    """Invokes a function with each event, and shows what it answers.

    Args:
        function: a key of TARGETS.
        events: JSON files; none for all of the function's in events/.
        screen: where everything is shown.

    Raises:
        StockstreamError: a step failed, or an answer is an error.
    """
    target = TARGETS[function]
    address = container_address()
    with (
        _with_stack(target, address, screen) if target.needs_a_stack else _alone(address, screen) as container
    ):
        for event in events or _sample_events(target):
            with screen.step(f"Invoking {target.logical_id} with {event.name}", event.name):
                answer = _invoke(target, event, container)
            screen.write(json.dumps(answer, indent=2))


def _sample_events(target: Target) -> list[Path]:
    return sorted(path for pattern in target.events for path in (ROOT / "events").glob(pattern))


@contextmanager
def _alone(address: str | None, screen: Screen) -> Iterator[_Container]:
    make_state()
    environ = isolate(os.environ, Emulator(f"http://{LOOPBACK}", "none"))
    with screen.step("Building the functions and their layer: sam build", "Built: sam build"):
        template = deployment.build(ROOT, environ, STATE)
    yield _Container(template, environ, address)


@contextmanager
def _with_stack(target: Target, address: str | None, screen: Screen) -> Iterator[_Container]:
    options = Options(parse_instruments(INSTRUMENTS), "1min")
    with run_pipeline(options, screen, {"ScheduleState": "DISABLED"}) as pipeline:
        urls = (pipeline.emulator.url, pipeline.market.url, pipeline.receiver.url)
        template = _give_environment(target, pipeline)
        _tell_containers_of_the_webhook(pipeline)
        with relay(address, [urlsplit(url).port or 0 for url in urls]):
            yield _Container(template, pipeline.environ, address)


def _give_environment(target: Target, pipeline: Pipeline) -> Path:
    """A copy of the built template in which the function has the environment of the deployed one.

    sam takes the template's variables only, and puts logical ids in the place of what they refer to.
    """
    built = STATE / "build" / "template.yaml"
    template: dict[str, Any] = yaml_parse(built.read_text())
    deployed = boto3.client("lambda").get_function_configuration(
        FunctionName=pipeline.output(f"{target.logical_id}Name")
    )
    variables = {**deployed["Environment"]["Variables"], "AWS_ENDPOINT_URL": pipeline.emulator.url}
    template["Resources"][target.logical_id]["Properties"]["Environment"] = {
        "Variables": {name: value.replace(LOOPBACK, CONTAINER_HOST) for name, value in variables.items()}
    }
    copy = built.with_name("invoke.yaml")
    with naming(copy):
        copy.write_text(yaml_dump(template))
    return copy


def _tell_containers_of_the_webhook(pipeline: Pipeline) -> None:
    boto3.client("ssm").put_parameter(
        Name=deployment.local_parameters(ROOT)["AlertChannels"],
        Value=pipeline.receiver.url.replace(LOOPBACK, CONTAINER_HOST),
        Type="SecureString",
        Overwrite=True,
    )


def _invoke(target: Target, event: Path, container: _Container) -> object:
    log = STATE / f"invoke-{event.stem}.log"
    hosts = ("--add-host", f"{CONTAINER_HOST}:{container.address}") if container.address else ()
    architecture = deployment.host_architecture()
    # Without this option sam asks the registry each time.
    pull = ("--skip-pull-image",) if has_image(f"{IMAGE}-{architecture}") else ()
    arguments = [
        *("sam", "local", "invoke", target.logical_id),
        *("--template-file", str(container.template)),
        *("--event", str(event)),
        *("--parameter-overrides", f"Architecture={architecture}"),
        *hosts,
        *pull,
    ]
    # What sam finds in its own environment it puts in the place of the template's.
    environ = {name: value for name, value in container.environ.items() if name != "AWS_ENDPOINT_URL"}
    run_tool("sam local invoke", arguments, ROOT, environ, log)
    # sam's exit code is 0 for a function that raised, too: the answer says so.
    answer = _read_answer(log, f"{target.logical_id} gave no answer to {event.name}.")
    if isinstance(answer, dict) and "errorType" in answer:
        raise InvokeError(
            f"{target.logical_id} failed with {event.name}: {answer['errorType']}: "
            f"{answer.get('errorMessage')}. Its log: {log}"
        )
    return answer


def _read_answer(log: Path, otherwise: str) -> object:
    """The first JSON after the runtime's report; what stands before it the function printed itself."""
    _, _, after = log.read_text().rpartition("REPORT RequestId")
    for line in after.splitlines():
        try:
            answer: object = json.loads(line)
        except ValueError:
            continue
        return answer
    raise InvokeError(f"{otherwise} Its log: {log}")


def _event(text: str) -> Path:
    path = Path(text)
    try:
        json.loads(path.read_bytes())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not JSON: {error}") from None
    return path.resolve()
