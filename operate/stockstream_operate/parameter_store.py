"""What Parameter Store says of a secret but its text: whether it is there, and how it is encrypted."""

from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import ParameterMetadataTypeDef

# What is encrypted with AWS's own key, every principal of the account may decrypt through Parameter Store.
AWS_KEY = "alias/aws/ssm"


def describe_secret(name: str) -> "ParameterMetadataTypeDef | None":
    """The parameter of that name; None where there is none.

    Raises:
        BotoCoreError, ClientError: it may not be asked.
    """
    wanted: Any = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = boto3.client("ssm").describe_parameters(ParameterFilters=wanted)["Parameters"]
    return found[0] if found else None
