"""Each function can end by itself before Lambda ends it, however long each of its calls takes.

The clients are those that the handlers make with the template's settings, and so are the times.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from resolved_template import ResolvedTemplate

from alert import dependencies, log_groups
from alert.settings import read_settings
from producer import handler
from producer.providers.provider_http import LONGEST_REQUEST
from stockstream.aws_calls import longest_call
from stockstream.partitions import WHOLE

FUNCTIONS = Path(handler.__file__).parents[2]
TEMPLATE = ResolvedTemplate(AlertChannels="/stockstream/slack")

type ClientSeconds = dict[str, float]
type MakeClients = Callable[[], object]


def function(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = TEMPLATE.resolve(TEMPLATE.resources[name]["Properties"])
    return properties


def variable(name: str, function_name: str) -> float:
    return float(function(function_name)["Environment"]["Variables"][name])


@pytest.fixture
def seconds_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, MakeClients], ClientSeconds]]:
    """How long a call of each client may take that a function makes in the template's environment."""

    def watch(name: str, make_clients: MakeClients) -> ClientSeconds:
        seconds: ClientSeconds = {}
        make_client = boto3.client

        def note(service: str, *, config: Config) -> object:
            seconds[service] = longest_call(config)
            assert config.retries["mode"] == "standard"  # type: ignore[attr-defined]  # the stubs lack it
            client: object = make_client(service, config=config)  # type: ignore[call-overload]
            return client

        with monkeypatch.context() as patch:
            for variable_name, value in function(name)["Environment"]["Variables"].items():
                patch.setenv(variable_name, value)
            # Where the list is a file, it is read before all else.
            patch.setenv("INSTRUMENT_BUCKET_NAME", "the-lake")
            patch.setattr(boto3, "client", note)
            make_clients()
        return seconds

    with mock_aws():
        boto3.client("ssm").put_parameter(Name="/stockstream/api-key", Value="the-key", Type="SecureString")
        yield watch
    for cached in (handler._producer, handler._listed, handler._settings, dependencies.make_dependencies):  # noqa: SLF001
        cached.cache_clear()
    read_settings.cache_clear()


def made_in(folder: str) -> set[str]:
    """The services whose clients the code of a function makes."""
    sources = (path.read_text(encoding="utf-8") for path in (FUNCTIONS / folder).rglob("*.py"))
    return {service for source in sources for service in re.findall(r'boto3\.\w+\("(\w+)"', source)}


def test_the_producer_can_write_its_ledger_whatever_came_before(
    seconds_of: Callable[[str, MakeClients], ClientSeconds],
) -> None:
    seconds = seconds_of("ProducerFunction", partial(handler._producer, WHOLE))  # noqa: SLF001
    assert made_in("producer") == set(seconds) == {"dynamodb", "kinesis", "s3", "ssm"}

    # The last call may take all its time, and a second is for the rest.
    assert seconds["dynamodb"] + 1 <= handler.RESERVE_SECONDS
    assert handler._producer(WHOLE).publisher.post.table_seconds == seconds["dynamodb"]  # noqa: SLF001
    assert handler._producer(WHOLE).publisher.post.stream_seconds == seconds["kinesis"]  # noqa: SLF001
    # No clock is looked at before the first request: for the key, the ledger and the lease. It has its time.
    request = LONGEST_REQUEST * variable("PROVIDER_TIMEOUT_SECONDS", "ProducerFunction")
    assert handler._producer(WHOLE).request_seconds == request  # noqa: SLF001
    before = seconds["s3"] + seconds["ssm"] + 2 * seconds["dynamodb"]
    timeout = function("ProducerFunction")["Timeout"]
    assert before + request + handler.RESERVE_SECONDS <= timeout
    # A new container asks for the list twice, recalls the last one and remembers this one. If all of that
    # hangs, the run makes no request, and writes its ledger all the same.
    listed = 2 * seconds["s3"] + 2 * seconds["dynamodb"]
    assert listed + before + handler.RESERVE_SECONDS <= timeout
    # A run that is longer has left out requests, or its last ones were slow.
    slow = TEMPLATE.resolve(TEMPLATE.resources["ProducerSlowAlarm"]["Properties"])["Threshold"]
    assert slow == 1000 * (timeout - handler.RESERVE_SECONDS - request)


def test_a_notice_is_told_or_given_up_in_time_whatever_hangs(
    seconds_of: Callable[[str, MakeClients], ClientSeconds],
) -> None:
    seconds = seconds_of("AlertFunction", dependencies.make_dependencies)
    assert made_in("alert") == set(seconds) == {"cloudwatch", "dynamodb", "logs", "sns", "ssm"}

    # No page of the logs is begun after so long.
    details = log_groups.SECONDS + seconds["logs"]
    # To connect, and to be answered.
    posted = seconds["ssm"] + 2 * variable("WEBHOOK_TIMEOUT_SECONDS", "AlertFunction")
    # The history since the message and before it, one page each.
    outage = 2 * seconds["cloudwatch"]
    # The claim and what settles it; the channels are told at once.
    worst = outage + 2 * seconds["dynamodb"] + details + max(posted, seconds["sns"])
    # As template.yaml says.
    assert worst == 44
    assert worst <= function("AlertFunction")["Timeout"] - 5
