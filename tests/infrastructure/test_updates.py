"""What the first minute of a stack, its updates and its removal leave whole."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from lasting import at, replacing
from resolved_template import TEMPLATE, ResolvedTemplate

from stockstream_deploy.change_set import LASTING
from stockstream_local import cli

RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def settings_in(value: Any) -> Iterator[str]:
    """The parameters and conditions that a value depends on."""
    if isinstance(value, list):
        for item in value:
            yield from settings_in(item)
    elif isinstance(value, dict):
        if "Fn::If" in value:
            yield value["Fn::If"][0]
        for key, item in value.items():
            names = [item] if key == "Ref" else re.findall(r"\$\{(\w+)\}", str(item))
            yield from (name for name in names if name in TEMPLATE["Parameters"])
            yield from settings_in(item)


@pytest.mark.parametrize("name", [name for name, each in RESOURCES.items() if each["Type"] in LASTING])
def test_no_parameter_replaces_what_lasts(name: str) -> None:
    paths = replacing(RESOURCES[name]["Type"])

    assert paths
    assert {
        "/".join(path): found
        for path in paths
        if (found := list(settings_in(at(RESOURCES[name]["Properties"], path))))
    } == {}


def test_a_stack_says_the_version_that_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])

    assert capsys.readouterr().out == f"stockstream {TEMPLATE['Outputs']['Version']['Value']}\n"


def test_a_parameter_in_such_a_property_is_seen() -> None:
    subscription = RESOURCES["NoticeEmail"]["Properties"]

    assert ["Endpoint"] in replacing("AWS::SNS::Subscription")
    assert list(settings_in(at(subscription, ["Endpoint"]))) == ["AlertEmail"]
    assert set(settings_in({"Name": {"Fn::Sub": "bars-${Interval}"}})) == {"Interval"}


def test_a_delivery_would_be_replaced_with_its_source_and_not_with_its_destination() -> None:
    names = [path[0] for path in replacing("AWS::KinesisFirehose::DeliveryStream") if len(path) == 1]

    assert "KinesisStreamSourceConfiguration" in names
    assert "ExtendedS3DestinationConfiguration" not in names


def test_the_producer_runs_only_while_firehose_reads() -> None:
    assert RESOURCES["ProducerFunction"]["DependsOn"] == "BarDelivery"


def test_a_run_that_lambda_cannot_start_is_dropped_before_the_next() -> None:
    producer = ResolvedTemplate().of_kind("AWS::Serverless::Function")["ProducerFunction"]

    # A minute is the schedule's step, and the least that Lambda takes.
    assert producer["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
