"""The local environment: no way to a real account is left in it."""

import os
import sys
from pathlib import Path

import boto3
import pytest

from stockstream_operate.environment import Emulator, isolate

URL = "http://127.0.0.1:4566"
EMULATOR = Emulator(URL, "made anew")
USER = {
    "ALPHAVANTAGE_API_KEY": "real",
    "APCA_API_KEY_ID": "real",
    "APCA_API_SECRET_KEY": "real",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/admin",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "SAM_CLI_POLL_DELAY": "9",
    "HOME": "/home/me",
    "HTTPS_PROXY": "http://proxy:3128",
    "PATH": "/usr/bin",
}


def test_nothing_of_the_users_account_is_left() -> None:
    environ = isolate(USER, EMULATOR)

    assert {name: value for name, value in environ.items() if name.startswith(("AWS_", "SAM_"))} == {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "made anew",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": URL,
        "SAM_CLI_TELEMETRY": "0",
    }


def test_boto3_reaches_the_emulator_with_keys_that_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", isolate(USER, EMULATOR))
    session = boto3.Session()
    credentials = session.get_credentials()

    assert credentials
    assert credentials.access_key == "local"
    assert session.client("s3").meta.endpoint_url == URL


def test_the_rest_is_kept() -> None:
    environ = isolate(USER, EMULATOR)

    assert "real" not in environ.values()

    assert environ["HOME"] == "/home/me"
    assert environ["HTTPS_PROXY"] == "http://proxy:3128"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "intranet"}, "intranet,127.0.0.1,localhost"),
        ({"NO_PROXY": "x", "no_proxy": "intranet"}, "intranet,127.0.0.1,localhost"),
    ],
    ids=str,
)
def test_no_proxy_stands_before_the_loopback(user: dict[str, str], expected: str) -> None:
    environ = isolate(user, EMULATOR)

    assert environ["NO_PROXY"] == environ["no_proxy"] == expected


def test_the_programs_of_this_python_come_first() -> None:
    folders = isolate(USER, EMULATOR)["PATH"].split(os.pathsep)

    assert folders == [str(Path(sys.executable).parent), "/usr/bin"]
