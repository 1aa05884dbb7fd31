"""What the account has and lacks that would end a deployment after its upload, and how to mend it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import ProviderAccess
from producer.settings import ProducerSettings, check_instrument
from stockstream.errors import SettingsError
from stockstream.instrument_file import parse_instrument_file
from stockstream.instruments import Instrument
from stockstream.settings import is_private
from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.doctor.catalog import examine_catalog, is_by_iam
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.instrument_list import ListError, read_file
from stockstream_operate.stack import DEAD, STEADY, Stack, ask_stack

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import ParameterMetadataTypeDef

# With this every principal of the account may decrypt through Parameter Store.
_AWS_KEY = "alias/aws/ssm"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MOST_LOG_POLICIES = 10
# What is served to everybody, so that a first deployment needs no key.
COINS = "Provider=alpaca Instruments=crypto:BTC/USD,crypto:ETH/USD RequestsPerDay=0 RequestsPerMinute=100"


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


def examine_key(account: Account, settings: ProducerSettings, secrets_key: str) -> Iterator[Finding]:
    """Whether the provider's key is there and looks like one, where one is needed.

    Args:
        account: whose it is.
        settings: what the producer will read.
        secrets_key: the parameter SecretsKeyArn.
    """
    kind = PROVIDERS[settings.provider]
    try:
        followed = _read_followed(account, settings)
    except ListError as error:
        yield note("instruments", str(error), f"`stockstream instruments check --stack {account.stack.name}`")
        followed = settings.watchlist.instruments
    if not any(map(kind.needs_key, followed)):
        yield good("provider's key", f"{kind.title} needs none for these instruments")
        return
    name = settings.api_key_parameter_name
    store = f".venv/bin/stockstream secret {name}"
    yield from examine_encryption(account, name, secrets_key)
    found = read_secret(name)
    if isinstance(found, Lack):
        # What a file lists no parameter changes.
        has_choice = not found.is_there and settings.instrument_bucket_name is None
        other = f"; or coins, which need none: {account.deploy_with(COINS)}" if has_choice else ""
        yield problem("provider's key", found.words, store + other)
        return
    stored: str = found
    try:
        kind.open(
            ProviderAccess(
                session=requests.Session(),
                url=settings.provider_url,
                read_key=lambda: stored,
                timeout_seconds=settings.provider_timeout_seconds,
                hours=settings.watchlist.hours,
                options=settings.provider_options,
                before_request=lambda: None,
            )
        )
    except SettingsError as error:
        yield problem("provider's key", f"{name}: {error}", store)
    else:
        yield good("provider's key", f"{name} holds one")


def _read_followed(account: Account, settings: ProducerSettings) -> tuple[Instrument, ...]:
    """What the producer will follow: what the list in its file says, where it will look for one.

    Raises:
        ListError: the file is no text.
        BotoCoreError, ClientError: it cannot be read.
    """
    # A stack that is still to be made has no bucket.
    if settings.instrument_bucket_name and "LakeBucketName" in account.stack.outputs:
        text = read_file(account.stack).text
        listed = parse_instrument_file(text, lambda each: check_instrument(settings, each)).instruments
        if listed:
            return listed
    return settings.watchlist.instruments


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


def examine_channels(account: Account, names: list[str], secrets_key: str) -> Iterator[Finding]:
    """Whether each channel's parameter is there and holds an address.

    Args:
        account: whose it is.
        names: of the parameters.
        secrets_key: the parameter SecretsKeyArn.
    """
    for name in names:
        yield from examine_encryption(account, name, secrets_key)
        found = read_secret(name)
        if isinstance(found, Lack):
            yield problem("channel", found.words, f".venv/bin/stockstream secret {name}")
        elif not is_private(found.partition(" ")[0]):
            yield problem(
                "channel",
                f"{name} holds no address that begins with https://",
                f".venv/bin/stockstream secret {name}",
            )
        else:
            yield good("channel", f"{name} holds an address")


def examine_encryption(account: Account, name: str, secrets_key: str) -> Iterator[Finding]:
    """Whether the functions may use the KMS key of a parameter; nothing where they may, or there is none."""
    found = _describe(name)
    key = found.get("KeyId", _AWS_KEY) if found else _AWS_KEY
    if key == _AWS_KEY:
        return
    # It may stand there as an id, as an alias, or as an ARN.
    arn = boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    if arn != secrets_key:
        yield problem(
            "secrets",
            f"{name} is encrypted with {key}, which the functions would not be allowed to use",
            account.deploy_with(f"SecretsKeyArn={arn}"),
        )


class Lack(NamedTuple):
    """Why a secret cannot be read by a function.

    Attributes:
        words: what is wrong with it.
        is_there: whether there is a parameter of that name.
    """

    words: str
    is_there: bool


def read_secret(name: str) -> str | Lack:
    """The text of a parameter that must be a SecureString, or what is wrong with it.

    Raises:
        BotoCoreError, ClientError: it may not be read.
    """
    # Whoever deploys from a workflow may know that it is there, and not read it.
    found = _describe(name)
    if found is None:
        return Lack(f"there is no parameter {name}", is_there=False)
    if found["Type"] != "SecureString":
        return Lack(f"{name} is a {found['Type']}: it is stored in the clear", is_there=True)
    read = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    return read["Value"].strip() or Lack(f"{name} is empty", is_there=True)


def _describe(name: str) -> "ParameterMetadataTypeDef | None":
    """What Parameter Store says of a parameter, but for its text; None where there is none."""
    wanted: Any = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = boto3.client("ssm").describe_parameters(ParameterFilters=wanted)["Parameters"]
    return found[0] if found else None


def ask(subject: str, check: Iterator[Finding]) -> Iterator[Finding]:
    """A check's findings; what may not be asked is a finding, too, and stops nothing."""
    try:
        yield from check
    except (BotoCoreError, ClientError) as error:
        yield note(
            subject, f"it cannot be asked: {say_aws_error(error)}", "Deploy, if you know that it is well."
        )
