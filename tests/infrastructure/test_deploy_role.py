"""deploy-role.yaml: what CloudFormation needs for the stack, by its own schemas, and nothing else.

The schemas and the table of IAM's actions are those that cfn-lint ships, which are AWS's.
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from stockstream_generate.template_file import DEPLOY_ROLE, ROOT, read_template

ROLES = read_template(DEPLOY_ROLE)["Resources"]
PERMISSIONS = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
NAMES = {"${StackName}": "s" * 24, "${AWS::Partition}": "aws-us-gov", "${AWS::Region}": "ap-southeast-1"}

# What a schema lists and this stack does without. A pattern ends in *.
DONE_WITHOUT = {
    "no key of one's own": ["kms:*", "logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
    "no network of one's own": ["ec2:*", "elasticfilesystem:*", "s3files:*"],
    "no managed policies, boundaries or users: a role of the stack has what the template writes into it": [
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:*RolePermissionsBoundary",
        "iam:CreateServiceLinkedRole",
        "iam:*GroupPolicy",
        "iam:*UserPolicy",
    ],
    "data, which a deployment neither reads nor writes": [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "kinesis:DescribeStream",
        "kinesis:PutRecords",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
    ],
    "tables that are neither copied, imported nor streamed, and have no policy": [
        "dynamodb:*Replica",
        "dynamodb:*Import*",
        "dynamodb:EnableKinesisStreamingDestination",
        "dynamodb:DisableKinesisStreamingDestination",
        "dynamodb:UpdateKinesisStreamingDestination",
        "dynamodb:PutResourcePolicy",
        "dynamodb:DeleteResourcePolicy",
    ],
    "no databases elsewhere": ["glue:*Connection"],
    "functions without versions, signatures, limits or machines of their own": [
        "lambda:PublishVersion",
        "lambda:*CodeSigningConfig",
        "lambda:PassCapacityProvider",
        "lambda:PutFunction*",
        "lambda:PutRuntimeManagementConfig",
    ],
    "log groups without policies": [
        "logs:CreateLogDelivery",
        "logs:*DataProtectionPolicy",
        "logs:DeleteIndexPolicy",
        "logs:PutIndexPolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutLogGroupDeletionProtection",
    ],
    "topics without policies about data": ["sns:PutDataProtectionPolicy"],
    "a bucket that is no website, has no copy, no inventory and no tables": [
        "s3tables:*",
        "s3:*MetadataTableConfiguration",
        "s3:UpdateBucketMetadata*",
        "s3:DeleteBucketAnalyticsConfiguration",
        "s3:*BucketWebsite",
        "s3:*BucketReplication",
        "s3:PutReplicationConfiguration",
        "s3:PutInventoryConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutMetricsConfiguration",
        "s3:PutAccelerateConfiguration",
        "s3:PutBucketAbac",
        "s3:PutBucketAcl",
        "s3:PutBucketCORS",
        "s3:PutBucketLogging",
        "s3:PutBucketNotification",
        "s3:PutBucketObjectLockConfiguration",
        "s3:DeleteBucketMetricsConfiguration",
    ],
    "names that IAM does not know": [
        "s3:REST.PUT.OBJECT",
        "s3:GetObjectMetadata",
        "s3:PutObjectLockConfiguration",
        "s3:DeleteBucketCors",
        "s3:DeleteBucketEncryption",
        "s3:DeleteBucketLifecycle",
        "es:UpdateDomain",
    ],
}
# What the schemas leave out: Glue's tables have no such list; the others have another name there, or none.
SAID_ELSEWHERE = {
    "glue:CreateTable",
    "glue:DeleteTable",
    "glue:GetTable",
    "glue:UpdateTable",
    "es:UpdateDomainConfig",
    "cloudformation:CreateChangeSet",
}
# What would match a pattern above and is needed nevertheless.
KEPT = {
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:GetFunctionCodeSigningConfig",
    "logs:GetDataProtectionPolicy",
    "s3:GetBucketMetadataTableConfiguration",
    "s3:GetBucketWebsite",
    "dynamodb:DescribeKinesisStreamingDestination",
}


def statements(role: str) -> list[dict[str, Any]]:
    written = [each["PolicyDocument"] for each in ROLES[role]["Properties"]["Policies"]]
    written += [
        each["Properties"]["PolicyDocument"]
        for each in ROLES.values()
        if each["Type"] == "AWS::IAM::RolePolicy" and each["Properties"]["RoleName"] == {"Ref": role}
    ]
    return [statement for document in written for statement in document["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(role: str) -> set[str]:
    return {action for statement in statements(role) for action in listed(statement["Action"])}


@cache
def stack_types() -> frozenset[str]:
    """The types of all that the stack holds, after SAM's transformation."""
    # Imported here, since it takes longer than all of these tests.
    from cfnlint.decode import decode  # noqa: PLC0415
    from cfnlint.template.transforms._sam import Transform  # noqa: PLC0415

    path = str(ROOT / "template.yaml")
    template: dict[str, Any]
    template, _ = decode(path)
    transform = Transform(path, template, "us-east-1")
    assert transform.transform_template() == []
    return frozenset(each["Type"] for each in transform.template()["Resources"].values())


def demanded() -> Iterator[str]:
    """What AWS's schemas say that CloudFormation needs, to make, change and remove what the stack holds."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415

    for kind in stack_types():
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
        for name, handler in handlers.items():
            if name != "list":
                for action in handler["permissions"]:
                    service, _, verb = action.partition(":")
                    yield f"{service.lower()}:{verb}"


def is_done_without(action: str) -> bool:
    patterns = [pattern for listed_patterns in DONE_WITHOUT.values() for pattern in listed_patterns]
    return action not in KEPT and any(fnmatchcase(action, pattern) for pattern in patterns)


def test_cloudformation_may_do_what_aws_says_that_it_needs_and_nothing_else() -> None:
    needed = {action for action in demanded() if not is_done_without(action)}

    assert needed | SAID_ELSEWHERE == granted("StackRole")


@pytest.mark.parametrize("reason", DONE_WITHOUT)
def test_each_exception_is_about_something_that_a_schema_lists(reason: str) -> None:
    all_of_them = set(demanded())

    for pattern in DONE_WITHOUT[reason]:
        assert any(fnmatchcase(action, pattern) for action in all_of_them), pattern


@cache
def known_actions() -> dict[str, Any]:
    table = files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json"
    services: dict[str, Any] = json.loads(table.read_text(encoding="utf-8"))
    return {
        f"{service}:{name}": action
        for service, each in services.items()
        for name, action in each["Actions"].items()
    }


@pytest.mark.parametrize("role", ["DeployRole", "StackRole"])
def test_no_action_is_a_pattern_and_all_resources_are_meant_only_where_aws_knows_none(role: str) -> None:
    for statement in statements(role):
        for action in listed(statement["Action"]):
            assert "*" not in action
            # Of its one kind of resource, a data set, no metric of ours is a part.
            if statement["Resource"] == "*" and action != "cloudwatch:GetMetricData":
                assert not known_actions()[action.lower()].get("Resources"), action


def test_every_resource_bears_the_stacks_name_but_those_that_cannot() -> None:
    nameless = {
        "catalog": "an account has one",
        "layer:CommonLayer": "SAM names a layer by its logical id",
        "stateMachine:LakeCompaction-": "CloudFormation names it by its logical id",
        "transform/Serverless-2016-10-31": "AWS's own",
        "alarm:*": "to read them; names are asked for together",
        "domain/*": "CloudFormation cuts their names down; SearchEnabled alone allows it",
        "StackRole": "in this template",
        "ArtifactBucket.Arn}": "in this template",
        "ArtifactBucket": "in this template",
    }
    for role in ("DeployRole", "StackRole"):
        for statement in statements(role):
            for resource in listed(statement["Resource"]):
                text = json.dumps(resource)
                assert "StackName" in text or text == '"*"' or any(name in text for name in nameless), text


def test_roles_are_handed_to_the_four_services_that_the_stacks_roles_trust() -> None:
    (passing,) = [each for each in statements("StackRole") if "iam:PassRole" in each["Action"]]
    trusted = {
        service
        for role in read_template()["Resources"].values()
        if role["Type"] == "AWS::IAM::Role"
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for service in listed(statement["Principal"].get("Service", []))
    } | {"scheduler.amazonaws.com"}  # the schedule's role is made by SAM

    assert set(passing["Condition"]["StringEquals"]["iam:PassedToService"]) == trusted


def test_only_the_stages_own_runs_in_the_one_repository_become_the_role() -> None:
    (trust,) = ROLES["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Stage}"},
        }
    }
    assert "AWS::IAM::AccessKey" not in {each["Type"] for each in ROLES.values()}


def test_the_policies_fit_into_a_role() -> None:
    # 10,240 characters in all inline policies of a role, without white space (IAM and STS quotas).
    for role in ("DeployRole", "StackRole"):
        text = json.dumps(statements(role), separators=(",", ":"))
        for name, longest in NAMES.items():
            text = text.replace(name, longest)
        assert len(text) < 10_240


@pytest.mark.parametrize(
    ("policy", "command", "elsewhere"),
    [
        ("look", "doctor", {"cloudformation:DescribeStacks", "cloudformation:ListStackResources"}),
        # What it changes with is the policy `deploy`; the text of a secret, a workflow need not know.
        ("check", "deploy", {"ssm:GetParameter", "kms:DescribeKey", "kms:Decrypt"}),
        (
            "try",
            "smoke",
            {
                "cloudformation:DescribeStacks",
                "cloudformation:ListStackResources",
                "s3:ListBucket",
                "logs:FilterLogEvents",
            },
        ),
    ],
)
def test_it_may_do_what_a_command_asks_and_the_page_names_each(
    policy: str, command: str, elsewhere: set[str]
) -> None:
    policies = ROLES["DeployRole"]["Properties"]["Policies"]
    (found,) = (each["PolicyDocument"] for each in policies if each["PolicyName"] == policy)
    may = {action for statement in found["Statement"] for action in listed(statement["Action"])}
    told = PERMISSIONS.partition(f"## What `stockstream {command}` asks")[2].partition("\n## ")[0]

    assert set(re.findall(r"`([a-z0-9]+:\w+)`", told)) == may | elsewhere
