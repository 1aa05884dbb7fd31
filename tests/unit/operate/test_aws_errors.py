"""AWS's errors, with the next step."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from stockstream_operate.aws_errors import say_aws_error


def refused(code: str, text: str = "No") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": text}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (NoRegionError(), "AWS_REGION=eu-central-1"),
        (NoCredentialsError(), "`aws configure`"),
        (PartialCredentialsError(provider="env", cred_var="key"), "`aws configure`"),
        (ProfileNotFound(profile="mine"), "`aws configure list-profiles`"),
        (UnauthorizedSSOTokenError(), "`aws sso login`"),
        (EndpointConnectionError(endpoint_url="https://aws.test"), "network"),
        (refused("ExpiredToken"), "has expired"),
        (refused("InvalidClientTokenId"), "`aws sso login`"),
        (refused("AccessDenied"), "administers the account"),
        (refused("ValidationError", "Stack with id x does not exist"), "region"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else each,
)
def test_an_error_says_what_to_do_next(error: BotoCoreError | ClientError, step: str) -> None:
    said = say_aws_error(error)

    assert step in said
    assert said.endswith((".", "?"))
    assert ".." not in said


def test_what_has_no_known_remedy_is_told_as_it_is() -> None:
    assert (
        say_aws_error(refused("Throttling", "Rate exceeded")) == f"{refused('Throttling', 'Rate exceeded')}."
    )
