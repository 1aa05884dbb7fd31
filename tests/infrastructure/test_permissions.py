"""docs/permissions.md against the template: what may be done, by whom, and that AWS documents it."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from policy_statements import Statement, expanded_template, list_statements

from stockstream_generate.template_file import ROOT

PAGE = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in PAGE.partition("## What waits")[0].splitlines()
    if line.startswith("| `")
]
LINKS = dict(re.findall(r"^\[([a-z0-9-]+)\]: (\S+)$", PAGE, re.MULTILINE))
# What GetAtt Arn, or Ref of a topic, gives: the return values on each type's page in CloudFormation's guide.
ARNS = {
    "AWS::Kinesis::Stream": "arn:aws:kinesis:us-east-1:123456789012:stream/x",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/x",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:x:*",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:x",
    "AWS::S3::Bucket": "arn:aws:s3:::x",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:x",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:x",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:x",
    "AWS::OpenSearchService::Domain": "arn:aws:es:us-east-1:123456789012:domain/x",
}
NAMES = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "ApiKeyParameterName": "/a/key",
    "Name": "/a/slack",
    "SecretsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x",
    "SearchDomainArn": ARNS["AWS::OpenSearchService::Domain"],
    "LakeDatabase": "x",
    "BarsTable": "bars",
    "BarsParquetTable": "bars_parquet",
    "LakeWorkGroup": "x",
}


def code(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def as_told(row: list[str]) -> Statement:
    who, may, on, condition, _ = row
    holder, *principal = code(who)
    effect = "Deny" if may.startswith("**Deny**") else "Allow"
    return Statement(holder, "".join(principal), effect, code(may), code(on), code(condition))


def test_every_statement_is_told_of_and_none_that_is_not_there() -> None:
    assert [as_told(row) for row in ROWS] == list_statements()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_every_statement_has_the_pages_that_document_it(row: list[str]) -> None:
    """That of its actions; and another one where a condition or somebody else's need is told of."""
    services = {action.partition(":")[0] for action in code(row[1])}
    pages = re.findall(r"\[([a-z0-9-]+)\]", row[4])

    assert {f"sar-{service}" for service in services} <= set(pages)
    assert all(LINKS[page].startswith("https://docs.aws.amazon.com/") for page in pages)
    assert not row[3] or len(pages) > 1


def test_every_link_is_used() -> None:
    assert set(LINKS) == set(re.findall(r"\[([a-z0-9-]+)\](?!:)", PAGE))


def test_what_waits_for_what_is_told() -> None:
    waiting = {
        name: resource["DependsOn"]
        for name, resource in expanded_template()["Resources"].items()
        if "DependsOn" in resource
    }

    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE.partition("## What waits")[2], re.MULTILINE)
    assert dict(told) == waiting


@cache
def reference() -> dict[str, Any]:
    """Cfn-lint's copy of the actions and resources of the Service Authorization Reference."""
    copy = files("cfnlint.data.AdditionalSpecs") / "Policies.json"
    found: dict[str, Any] = json.loads(copy.read_text(encoding="utf-8"))
    return found


def documented_forms(action: str) -> list[str]:
    """Patterns of the ARNs that an action takes."""
    service, _, name = action.partition(":")
    entry = reference()[service]
    account = {"Partition": "aws", "Region": "[a-z0-9-]+", "Account": "[0-9]{12}"}
    return [
        re.sub(r"\$\{(\w+)\}", lambda found: account[found[1]], form)
        for resource in entry["Actions"][name.lower()]["Resources"]
        for form in entry["Resources"][resource]["ARNFormats"]
    ]


def as_arn(form: str) -> str:
    """An ARN that a form of the template can be."""
    resources = expanded_template()["Resources"]

    def fill(found: re.Match[str]) -> str:
        name = found[1].removesuffix(".Arn")
        return NAMES.get(name) or ARNS[resources[name]["Type"]]

    return re.sub(r"\$\{([^}]+)\}", fill, form)


# Rights of roles. Those of a resource's own policy, and the trust in roles, are about that resource alone.
# From the page, to which the first test holds the template: to expand that takes each process two seconds.
RIGHTS = [
    (statement.holder, action, resource)
    for statement in map(as_told, ROWS)
    if not statement.principal
    for action in statement.actions
    for resource in statement.resources
    # On a narrower form it does not tell of composite alarms, as its page of the API reference says.
    if (action, resource) != ("cloudwatch:DescribeAlarmHistory", "*")
]


@pytest.mark.parametrize(("holder", "action", "resource"), RIGHTS)
def test_the_service_knows_the_action_and_takes_it_on_such_a_resource(
    holder: str, action: str, resource: str
) -> None:
    arn = as_arn(resource)

    assert any(re.fullmatch(form, arn) for form in documented_forms(action)), (holder, action, arn)


def test_a_form_that_a_service_does_not_take_is_noticed() -> None:
    assert not any(re.fullmatch(form, "arn:aws:s3:::x") for form in documented_forms("kinesis:PutRecords"))
    with pytest.raises(KeyError):
        documented_forms("kinesis:PutBars")


def test_a_condition_has_an_operator_and_a_key_that_aws_documents() -> None:
    told = {
        (statement.principal, condition)
        for statement in list_statements()
        for condition in statement.conditions
    }

    assert told == {
        ("firehose.amazonaws.com", "StringEquals sts:ExternalId"),
        ("cloudwatch.amazonaws.com", "ArnLike aws:SourceArn"),
        ("budgets.amazonaws.com", "StringEquals aws:SourceAccount"),
        ("sns.amazonaws.com", "ArnEquals aws:SourceArn"),
        ("sns.amazonaws.com", "ArnLike aws:SourceArn"),
        ("*", "Bool aws:SecureTransport"),
        ("", "StringEquals kms:ViaService"),
        ("", "StringEquals kms:EncryptionContext:PARAMETER_ARN"),
    }
