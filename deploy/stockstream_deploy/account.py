"""What the account has and lacks that would end a deployment after its upload, and how to mend it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.doctor.catalog import examine_catalog, is_by_iam
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.stack import DEAD, STEADY, Stack, ask_stack

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MOST_LOG_POLICIES = 10


class Account(NamedTuple):
    """Whose account it is, and what it has of the stack.

    Attributes:
        number: its twelve digits.
        region: where the stack is or will be.
        status: CloudFormation's word for the stack's state; None where there is none.
        stack: the stack; with nothing in it where there is none.
    """

    number: str
    region: str
    status: str | None
    stack: Stack

    def deploy_with(self, arguments: str) -> str:
        """The command that deploys this stack, and no other, with these arguments."""
        return f"make deploy ARGS='--stack {self.stack.name} {arguments}'"


def ask_account(stack_name: str) -> Account:
    """Who is signed in, and what CloudFormation knows of the stack.

    Raises:
        BotoCoreError, ClientError: nobody is signed in, there is no region, or it may not be asked.
    """
    number = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.client("cloudformation").meta.region_name
    status, stack = ask_stack(stack_name)
    if status == "REVIEW_IN_PROGRESS":
        # A change set that nobody carried out: there is nothing yet.
        status, stack = None, Stack(stack_name, None, {})
    return Account(number, region, status, stack)


def examine_state(account: Account) -> Iterator[Finding]:
    """Whether CloudFormation can make or change the stack."""
    name, status = account.stack.name, account.status
    remove = f".venv/bin/stockstream remove --stack {name} --yes"
    if status is None:
        yield good("stack", f"{name} will be made in {account.region} of account {account.number}")
    elif status in STEADY:
        yield good("stack", f"{name} is {status} in {account.region} of account {account.number}")
    elif status in DEAD:
        yield problem("stack", f"{name} is {status}, and can only be removed", f"{remove}, and deploy again.")
    elif status == "UPDATE_ROLLBACK_FAILED":
        yield problem(
            "stack",
            f"{name} is {status}: an update failed, and so did its undoing",
            f"aws cloudformation continue-update-rollback --stack-name {name}",
        )
    else:
        yield problem(
            "stack",
            f"{name} is {status}: somebody is changing it",
            "Wait until that is over; its events in CloudFormation's console show how far it is.",
        )


def examine_names(account: Account) -> Iterator[Finding]:
    """Whether what is named after the stack has a name that AWS takes, and that nothing else has."""
    name = account.stack.name
    if name != name.lower():
        yield problem(
            "names",
            f"{name} has upper-case letters, and Glue names databases in lower case only",
            f"make deploy ARGS='--stack {name.lower()}'",
        )
        return
    taken = [
        words
        for kind, words, ask in _named_after_the_stack(account)
        if not _has_one(account, kind) and _exists(ask)
    ]
    if taken:
        yield problem(
            "names",
            f"{' and '.join(taken)} {'is' if len(taken) == 1 else 'are'} there, and no part of this stack",
            f"Choose another name, make deploy ARGS='--stack {name}-2', or delete what nobody needs.",
        )
    else:
        yield good("names", "what is named after the stack is free or its own")


def _named_after_the_stack(account: Account) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """The resource's type, words for it, and a call that fails where there is nothing of that name."""
    name = account.stack.name
    database, dashboard = name.replace("-", "_"), f"{name}-{account.region}"
    glue, athena, cloudwatch = boto3.client("glue"), boto3.client("athena"), boto3.client("cloudwatch")
    yield "AWS::Glue::Database", f"Glue's database {database}", lambda: glue.get_database(Name=database)
    yield (
        "AWS::Athena::WorkGroup",
        f"Athena's workgroup {name}",
        lambda: athena.get_work_group(WorkGroup=name),
    )
    yield (
        "AWS::CloudWatch::Dashboard",
        f"CloudWatch's dashboard {dashboard}",
        lambda: cloudwatch.get_dashboard(DashboardName=dashboard),
    )


def _has_one(account: Account, kind: str) -> bool:
    """Whether the stack has made its resource of a type, of which the template has one."""
    return account.status is not None and bool(account.stack.resources(kind))


def _exists(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except ClientError as error:
        said = error.response["Error"]
        # Athena has no code of its own for a workgroup that is not there.
        missing = said["Code"] in {"EntityNotFoundException", "ResourceNotFound", "ResourceNotFoundException"}
        if missing or "not found" in said["Message"].lower():
            return False
        raise
    return True


def examine_catalog_for(account: Account, lake_format: str) -> Iterator[Finding]:
    """Whether Lake Formation would end the deployment, and whom it keeps from the lake.

    Args:
        account: whose it is.
        lake_format: the parameter LakeFormat.
    """
    if "LakeDatabaseName" in account.stack.outputs:
        parameters = dict(account.stack.parameters) | {"LakeFormat": lake_format}
        yield from examine_catalog(replace(account.stack, parameters=parameters))
        return
    kept = boto3.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    if is_by_iam(kept.get("CreateTableDefaultPermissions", [])):
        yield good("catalog", "IAM alone will decide who reads the lake's tables")
        return
    yield note(
        "catalog",
        "Lake Formation guards new databases: who deploys needs its permission CREATE_DATABASE",
        "An administrator of Lake Formation types: aws lakeformation grant-permissions --principal "
        "DataLakePrincipalIdentifier=ARN-OF-WHO-DEPLOYS --permissions CREATE_DATABASE "
        "--resource '{\"Catalog\": {}}'",
    )
    if lake_format == "PARQUET":
        yield problem(
            "catalog",
            "Firehose could not see the table by which it writes Parquet, and the deployment would be undone",
            f"{account.deploy_with('LakeFormat=JSON')}; then with PARQUET, which says the grant it needs.",
        )


def examine_log_policies(account: Account, parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the region has room for the policy by which a new search domain writes its audit log.

    Args:
        account: whose it is.
        parameters: the value of each.
    """
    makes_domain = parameters["SearchEnabled"] == "true" and not parameters["SearchEndpoint"]
    if not makes_domain or _has_one(account, "AWS::Logs::ResourcePolicy"):
        return
    pages = boto3.client("logs").get_paginator("describe_resource_policies").paginate()
    there = [each["policyName"] for page in pages for each in page["resourcePolicies"]]
    if len(there) >= MOST_LOG_POLICIES:
        yield problem(
            "search",
            f"{account.region} has {len(there)} policies of CloudWatch Logs of {MOST_LOG_POLICIES} at most, "
            "and the search domain's audit log needs one",
            "Delete one that nobody needs, `aws logs delete-resource-policy --policy-name NAME`: "
            f"{', '.join(sorted(there))}.",
        )


def ask(subject: str, check: Iterator[Finding]) -> Iterator[Finding]:
    """A check's findings; what may not be asked is a finding, too, and stops nothing."""
    try:
        yield from check
    except (BotoCoreError, ClientError) as error:
        yield note(
            subject,
            f"it cannot be asked: {say_aws_error(error)}",
            "This stops no deployment: go on if you know that it is well.",
        )
