"""`stockstream secret`: a secret goes into SSM, and nowhere else."""

import io
from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from stockstream_local import cli


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def store(monkeypatch: pytest.MonkeyPatch, typed: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return cli.main(["secret", *arguments])


def test_it_is_stored_encrypted_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store(monkeypatch, " THE-SECRET \n", "/mine/key") == 0

    found = boto3.client("ssm").get_parameter(Name="/mine/key", WithDecryption=True)["Parameter"]
    assert (found["Type"], found["Value"]) == ("SecureString", "THE-SECRET")
    said = capsys.readouterr()
    assert "THE-SECRET" not in said.out + said.err
    assert "/mine/key, 10 characters" in said.out


def test_a_newer_one_takes_its_place_under_the_key_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    assert store(monkeypatch, "OLD", "/mine/key") == 0
    assert store(monkeypatch, "NEW", "/mine/key", "--kms-key", key) == 0

    ssm = boto3.client("ssm")
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["KeyId"] == key
    assert ssm.get_parameter(Name="/mine/key", WithDecryption=True)["Parameter"]["Value"] == "NEW"


def test_the_mark_of_a_files_encoding_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store(monkeypatch, "\ufeffKEY\r\n", "/mine/key") == 0

    found = boto3.client("ssm").get_parameter(Name="/mine/key", WithDecryption=True)["Parameter"]
    assert found["Value"] == "KEY"


def test_an_input_that_is_no_text_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfeK\x00"), "utf-8"))

    assert cli.main(["secret", "/mine/key"]) == 1
    assert "The standard input is no UTF-8 text." in capsys.readouterr().err


def test_who_ends_the_typing_has_typed_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", end)

    assert cli.main(["secret", "/mine/key"]) == 1
    assert "Nothing was typed, and nothing stored." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "name", "said"),
    [
        ("\n", "/mine/key", "Nothing was typed"),
        ("S" * 4097, "/mine/key", "4,097 bytes"),
        ("x", "THE-SECRET", "Name the SSM parameter"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, name: str, said: str
) -> None:
    assert store(monkeypatch, typed, name) == 1

    shown = capsys.readouterr()
    assert said in shown.err
    assert "SECRET" not in shown.out + shown.err
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []
