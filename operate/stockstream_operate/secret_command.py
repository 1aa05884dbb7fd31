"""`stockstream secret`: stores a provider's key or a channel's address in SSM, and nowhere else."""

import argparse
import sys

import boto3

from stockstream.errors import StockstreamError
from stockstream.settings import is_parameter_name
from stockstream_operate.inputs import ask_secretly, read_input
from stockstream_operate.screen import Screen

# A standard parameter, which is free, holds so much.
MOST_BYTES = 4096


class SecretError(StockstreamError):
    """Nothing was stored; the text says why, and never what."""


def add_secret(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream secret`."""
    command.description = (
        "Asks for a secret, without showing it, and stores it encrypted in AWS: the provider's key "
        "(/stockstream/api-key), or the address of a channel of alerts. "
        "It stands in no file and in no shell's history."
    )
    command.add_argument(
        "name", metavar="NAME", help="the SSM parameter's name, such as /stockstream/api-key"
    )
    command.add_argument(
        "--kms-key",
        metavar="ARN",
        help="encrypt it with this KMS key, and not with AWS's own (then deploy with SecretsKeyArn=ARN)",
    )
    command.set_defaults(run=run_secret, is_for_aws=True)


def run_secret(asked: argparse.Namespace, screen: Screen) -> None:
    """Reads the secret from the terminal, or else the first line of the standard input, and stores it.

    Raises:
        SecretError: the name or the secret cannot be used.
    """
    if not is_parameter_name(asked.name):
        # Not repeated: somebody may have typed the secret in its name's place.
        raise SecretError(
            "Name the SSM parameter, such as /stockstream/api-key. The secret itself is asked for."
        )
    text = ask_secretly(f"{asked.name}: ") if sys.stdin.isatty() else read_input(first_line=True)
    secret = text.strip()
    if not secret:
        raise SecretError("Nothing was typed, and nothing stored.")
    if len(secret.encode()) > MOST_BYTES:
        raise SecretError(f"It has {len(secret.encode()):,} bytes, and {MOST_BYTES:,} are the most.")
    ssm = boto3.client("ssm")
    key = {"KeyId": asked.kms_key} if asked.kms_key else {}
    ssm.put_parameter(Name=asked.name, Value=secret, Type="SecureString", Overwrite=True, **key)
    screen.say(f"Stored: {asked.name}, {len(secret)} characters, encrypted, in {ssm.meta.region_name}.")
