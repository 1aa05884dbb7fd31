"""What AWS's errors mean to a person: what to do next, where that is known."""

from botocore.exceptions import BotoCoreError, ClientError

_SIGN_IN = "Sign in with `aws configure` or `aws sso login`, or choose a profile: AWS_PROFILE=NAME."
_SIGN_IN_AGAIN = "Sign in again with `aws sso login`."
_ALLOW = "Who administers the account can allow it."
# By the names of botocore's classes, of which some exist in newer versions alone, and by AWS's codes.
_STEPS = {
    "NoRegionError": "Run `aws configure`, or name one, as in AWS_REGION=eu-central-1.",
    "NoCredentialsError": _SIGN_IN,
    "PartialCredentialsError": _SIGN_IN,
    "CredentialRetrievalError": _SIGN_IN,
    "ProfileNotFound": "`aws configure list-profiles` says which there are.",
    "SSOTokenLoadError": _SIGN_IN_AGAIN,
    "UnauthorizedSSOTokenError": _SIGN_IN_AGAIN,
    "TokenRetrievalError": _SIGN_IN_AGAIN,
    "EndpointConnectionError": "Is there a network, and is the region right?",
    "ConnectTimeoutError": "Is there a network, and is the region right?",
    "ExpiredToken": f"It has expired. {_SIGN_IN}",
    "ExpiredTokenException": f"It has expired. {_SIGN_IN}",
    "RequestExpired": f"It has expired. {_SIGN_IN}",
    "InvalidClientTokenId": f"AWS does not know these credentials. {_SIGN_IN}",
    "UnrecognizedClientException": f"AWS does not know these credentials. {_SIGN_IN}",
    "AuthFailure": f"AWS does not know these credentials. {_SIGN_IN}",
    "SignatureDoesNotMatch": f"AWS does not know these credentials. {_SIGN_IN}",
    "AccessDenied": _ALLOW,
    "AccessDeniedException": _ALLOW,
    "UnauthorizedOperation": _ALLOW,
}
_NO_SUCH_STACK = "Are its name, the account and the region right? `aws configure list` shows the last two."


def say_aws_error(error: BotoCoreError | ClientError) -> str:
    """The error in a sentence or two, with the next step where one helps."""
    said = str(error).removesuffix(".")
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    step = _STEPS.get(code or type(error).__name__, "")
    if is_missing_stack(error):
        step = _NO_SUCH_STACK
    return f"{said}. {step}".rstrip()


def is_missing_stack(error: BotoCoreError | ClientError) -> bool:
    """Whether CloudFormation says that there is no such stack, for which it has no code of its own."""
    if not isinstance(error, ClientError):
        return False
    said = error.response.get("Error", {})
    return said.get("Code") == "ValidationError" and said.get("Message", "").endswith("does not exist")
