"""What a change set would do to what holds data: which of it stops a deployment, and which does not."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from stockstream_deploy.change_set import Change, examine_changes, read_changes
from stockstream_operate.doctor.finding import Level, good


def described(name: str, kind: str, *details: dict[str, Any], **more: str) -> dict[str, Any]:
    """A change as DescribeChangeSet tells of it."""
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": "Modify",
            "LogicalResourceId": name,
            "ResourceType": kind,
            "Details": list(details),
            **more,
        },
    }


def detail(name: str, requires: str, evaluation: str, source: str, cause: str = "") -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": requires}
    causing = {"CausingEntity": cause} if cause else {}
    return {"Target": target, "Evaluation": evaluation, "ChangeSource": source, **causing}


# As AWS's guide shows it: a reference is told twice, once as a modification that is not evaluated.
DELIVERY = described(
    "BarDelivery",
    "AWS::KinesisFirehose::DeliveryStream",
    detail("KinesisStreamSourceConfiguration", "Always", "Dynamic", "DirectModification"),
    detail("KinesisStreamSourceConfiguration", "Always", "Dynamic", "ResourceAttribute", "DeliveryRole.Arn"),
    detail("ExtendedS3DestinationConfiguration", "Never", "Static", "DirectModification"),
    Replacement="Conditional",
)
FUNCTION = described("ProducerFunction", "AWS::Lambda::Function", Replacement="False")


def read(monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Any]) -> list[Change]:
    """What is read where CloudFormation tells of them, each on a page of its own."""
    pages = SimpleNamespace(paginate=lambda **_asked: [{"Changes": [each]} for each in changes])
    client = SimpleNamespace(get_paginator=lambda _operation: pages)
    monkeypatch.setattr(boto3, "client", lambda _name: client)
    return read_changes("arn:the-change-set")


def role(replacement: str) -> dict[str, Any]:
    return described("DeliveryRole", "AWS::IAM::Role", Replacement=replacement)


def test_a_release_of_code_changes_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    table = described("InstrumentTable", "AWS::DynamoDB::Table", Replacement="False")
    new = described("AnotherTable", "AWS::DynamoDB::Table", Action="Add")

    found = list(examine_changes(read(monkeypatch, FUNCTION, table, new)))
    assert found == [good("change set", "3 resources change, and what holds data stays")]


def test_of_a_first_deployment_all_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        described(name, "AWS::DynamoDB::Table", Action="Add") for name in ("InstrumentTable", "NoticeTable")
    ]

    assert list(examine_changes(read(monkeypatch, *both))) == [good("change set", "2 resources are new")]


def test_a_table_with_another_key_would_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    table = described(
        "InstrumentTable",
        "AWS::DynamoDB::Table",
        detail("KeySchema", "Always", "Static", "DirectModification"),
        Replacement="True",
        PolicyAction="ReplaceAndDelete",
    )

    changes = read(monkeypatch, FUNCTION, table)
    (found,) = examine_changes(changes)
    assert found.level is Level.PROBLEM
    assert found.words == (
        "InstrumentTable would be made anew, empty, since KeySchema changes, and loses what was sent, or told"
    )
    assert found.remedy.endswith("--may-lose InstrumentTable")

    (told,) = examine_changes(changes, ["InstrumentTable"])
    assert told == good("change set", "2 resources change, and of what holds data, InstrumentTable may go")


def test_what_is_retained_is_said_to_stay_in_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = described("LakeBucket", "AWS::S3::Bucket", Action="Remove", PolicyAction="Retain")
    domain = described(
        "SearchDomain", "AWS::OpenSearchService::Domain", Action="Remove", PolicyAction="Delete"
    )

    kept, lost = examine_changes(read(monkeypatch, lake, domain))
    assert kept.words == (
        "LakeBucket would be removed from the stack; the old one, with the lake, stays in the account"
    )
    assert lost.words == "SearchDomain would be removed from the stack, and loses the index"


@pytest.mark.parametrize("replacement", ["False", ""])
def test_a_delivery_whose_role_is_changed_and_not_replaced_stays(
    monkeypatch: pytest.MonkeyPatch, replacement: str
) -> None:
    changes = read(monkeypatch, DELIVERY, role(replacement))

    assert [each.level for each in examine_changes(changes)] == [Level.GOOD]


@pytest.mark.parametrize("replacement", ["True", "Conditional"])
def test_a_delivery_whose_role_is_or_may_be_replaced_may_lose_its_place(
    monkeypatch: pytest.MonkeyPatch, replacement: str
) -> None:
    (found,) = examine_changes(read(monkeypatch, DELIVERY, role(replacement)))

    assert found.words == (
        "BarDelivery may be made anew, empty, since KinesisStreamSourceConfiguration changes, "
        "and loses its place in the stream"
    )


def test_two_resources_that_name_each_other_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(own: str, other: str) -> dict[str, Any]:
        told = detail("Name", "Always", "Dynamic", "ResourceReference", other)
        return described(own, "AWS::SQS::Queue", told, Replacement="Conditional")

    changes = read(monkeypatch, names("One", "Two"), names("Two", "One"))
    assert [each.level for each in examine_changes(changes)] == [Level.GOOD]


@pytest.mark.parametrize(
    "told",
    [
        # CloudFormation knows that it changes, and not whether that replaces.
        [detail("EngineVersion", "Conditionally", "Static", "DirectModification")],
        # It knows neither.
        [detail("DomainName", "Always", "Dynamic", "DirectModification")],
        [detail("DomainName", "Always", "Dynamic", "ParameterReference", "Name")],
        [],
    ],
)
def test_what_is_not_known_to_be_safe_is_not_taken_for_safe(
    monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]]
) -> None:
    domain = described("SearchDomain", "AWS::OpenSearchService::Domain", *told, Replacement="Conditional")

    (found,) = examine_changes(read(monkeypatch, domain))
    assert found.words.startswith("SearchDomain may be made anew")


def test_what_is_dynamic_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = examine_changes(
        read(monkeypatch, described("BarStream", "AWS::Kinesis::Stream", Action="Dynamic"))
    )

    assert found.words == "BarStream may be removed or made anew, and loses the bars that are on their way"


def test_on_the_way_back_what_only_the_newer_version_has_goes_and_nothing_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = described("NewLog", "AWS::Logs::LogGroup", Action="Remove", PolicyAction="Delete")
    table = described("NoticeTable", "AWS::DynamoDB::Table", Replacement="True")

    assert [each.level for each in examine_changes(read(monkeypatch, new), goes_back=True)] == [Level.GOOD]
    (found,) = examine_changes(read(monkeypatch, new, table), goes_back=True)
    assert found.words.startswith("NoticeTable would be made anew")
