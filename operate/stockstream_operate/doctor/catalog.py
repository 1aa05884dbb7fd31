"""Whether Lake Formation decides who reads the lake's tables, and if so, whether it lets Firehose."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.lake.sql import PARQUET_TABLE
from stockstream_operate.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import PrincipalPermissionsOutputTypeDef

SUBJECT = "catalog"
# Lake Formation's name for everybody whom IAM allows, by its guide.
_BY_IAM = "IAM_ALLOWED_PRINCIPALS"
# Each of them lets a table's columns be read, which is what Firehose does with it.
_LETS_DESCRIBE = {"ALL", "DESCRIBE", "SELECT"}


def examine_catalog(stack: Stack) -> Iterator[Finding]:
    """What Lake Formation has to say about a deployed stack.

    https://docs.aws.amazon.com/lake-formation/latest/dg/upgrade-glue-lake-formation-background.html

    Raises:
        BotoCoreError, ClientError, StackError: it may not be asked.
    """
    database = stack.output("LakeDatabaseName")
    if _is_by_iam(database):
        yield good(SUBJECT, "IAM alone decides who reads the lake's tables")
        return
    yield say_who_needs_a_grant(database)
    if stack.parameters.get("LakeFormat") == "PARQUET":
        yield _examine_conversion(stack, database)


def say_who_needs_a_grant(database: str) -> Finding:
    """What those who ask Athena have to be given."""
    return note(
        SUBJECT,
        "Lake Formation guards the lake's tables and views: who asks Athena needs a grant",
        _grant("ARN-OF-WHO-ASKS", "SELECT DESCRIBE", {"DatabaseName": database, "TableWildcard": {}}),
    )


def is_by_iam(permissions: Iterable["PrincipalPermissionsOutputTypeDef"]) -> bool:
    """Whether the default of new tables leaves them to IAM.

    Args:
        permissions: that default; Glue's of a database, or Lake Formation's of the account.
    """
    named = (each.get("Principal", {}).get("DataLakePrincipalIdentifier") for each in permissions)
    return _BY_IAM in named


def _is_by_iam(database: str) -> bool:
    """Whether tables of a database are, by their default, for everybody whom IAM allows."""
    try:
        found = boto3.client("glue").get_database(Name=database)["Database"]
    except ClientError as error:
        # Glue has no code of its own for it.
        if "Lake Formation" in error.response["Error"]["Message"]:
            return False
        raise
    return is_by_iam(found.get("CreateTableDefaultPermissions", []))


def _examine_conversion(stack: Stack, database: str) -> Finding:
    """Whether Firehose's role may see the table by which it converts."""
    caller = boto3.client("sts").get_caller_identity()
    partition = caller["Arn"].split(":")[1]
    role = (
        f"arn:{partition}:iam::{caller['Account']}:role/{stack.resources('AWS::IAM::Role')['DeliveryRole']}"
    )
    table: Any = {"DatabaseName": database, "Name": PARQUET_TABLE}
    granted = boto3.client("lakeformation").list_permissions(
        Principal={"DataLakePrincipalIdentifier": role}, Resource={"Table": table}
    )["PrincipalResourcePermissions"]
    if any(_LETS_DESCRIBE & set(each["Permissions"]) for each in granted):
        return good(SUBJECT, f"Lake Formation lets Firehose see {PARQUET_TABLE}")
    return problem(
        SUBJECT,
        f"Lake Formation does not let Firehose see {PARQUET_TABLE}, so that nothing becomes Parquet",
        _grant(role, "DESCRIBE", table),
    )


def _grant(principal: str, permissions: str, table: Mapping[str, object]) -> str:
    """What an administrator of Lake Formation types."""
    return (
        "An administrator of Lake Formation types: aws lakeformation grant-permissions "
        f"--principal DataLakePrincipalIdentifier={principal} --permissions {permissions} "
        f"--resource '{json.dumps({'Table': table})}'"
    )
