"""Whether the secrets that the functions will read are there, can be read, and look like what they are."""

from collections.abc import Iterator
from typing import NamedTuple

import boto3
import requests

from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import ProviderAccess
from producer.settings import ProducerSettings, check_instrument
from stockstream.errors import SettingsError
from stockstream.instrument_file import parse_instrument_file
from stockstream.instruments import Instrument
from stockstream.settings import is_private
from stockstream_deploy.account import Account
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.instrument_list import ListError, read_file
from stockstream_operate.parameter_store import AWS_KEY, describe_secret

# What is served to everybody, so that a first deployment needs no key.
COINS = "Provider=alpaca Instruments=crypto:BTC/USD,crypto:ETH/USD RequestsPerDay=0 RequestsPerMinute=100"


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
    found = describe_secret(name)
    key = found.get("KeyId", AWS_KEY) if found else AWS_KEY
    if key == AWS_KEY:
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
    found = describe_secret(name)
    if found is None:
        return Lack(f"there is no parameter {name}", is_there=False)
    if found["Type"] != "SecureString":
        return Lack(f"{name} is a {found['Type']}: it is stored in the clear", is_there=True)
    read = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    return read["Value"].strip() or Lack(f"{name} is empty", is_there=True)
