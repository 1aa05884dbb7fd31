"""The environment of everything that runs here: with it only the emulator can be reached, no real account."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

REGION = "us-east-1"
# What providers' own tools call their keys.
KEY_VARIABLES = ("ALPHAVANTAGE_API_KEY", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY")


class Emulator(NamedTuple):
    """Where a run's emulator is, and what requests to it are signed with.

    Attributes:
        url: its address.
        secret_key: AWS's secret access key, made anew for each run.
    """

    url: str
    secret_key: str


def reach_only(emulator: Emulator) -> dict[str, str]:
    """Makes this process reach an emulator and nothing else; its environment afterwards.

    Args:
        emulator: the one to reach.
    """
    import boto3  # noqa: PLC0415 (those who only ask for an environment need not wait for it)

    environ = isolate(os.environ, emulator)
    os.environ.clear()
    os.environ.update(environ)
    # Otherwise boto3 goes on with the keys that it has read before.
    boto3.setup_default_session()
    return environ


def isolate(environ: Mapping[str, str], emulator: Emulator) -> dict[str, str]:
    """A copy of an environment for processes that talk to the emulator.

    Whatever could name a real account is taken out: keys, profiles, roles, endpoints, and the files in which
    the AWS tools look for more of them. So are the keys of providers, which no process needs to inherit.

    Args:
        environ: the user's environment.
        emulator: the only one that they shall reach.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("AWS_", "SAM_")) and name not in KEY_VARIABLES
    }
    unproxied = environ.get("no_proxy") or environ.get("NO_PROXY")
    # A company's proxy does not know this machine's loopback. The lower-case name wins where both are read.
    no_proxy = ",".join(filter(None, (unproxied, "127.0.0.1,localhost")))
    return kept | {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": emulator.secret_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": emulator.url,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PATH": os.pathsep.join(filter(None, (str(Path(sys.executable).parent), environ.get("PATH")))),
        "SAM_CLI_TELEMETRY": "0",
    }
