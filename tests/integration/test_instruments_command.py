"""`stockstream instruments`: what it shows of a stack's list, what it changes, and what it refuses."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream_local import cli
from stockstream_operate import instrument_list, instruments_command
from stockstream_operate.doctor.deployed import expect
from stockstream_operate.instrument_list import StoredFile
from stockstream_operate.stack import Stack

BUCKET = "the-lake"
PARAMETERS = {"Instruments": "IBM, MSFT", "InstrumentsFileEnabled": "true", "MarketHours": "regular"}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The stack's parameters, to be changed."""
    parameters = dict(PARAMETERS)
    found = Stack("mine", None, {"LakeBucketName": BUCKET}, parameters)
    monkeypatch.setattr(instruments_command, "find_stack", lambda _name: found)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield parameters


def ask(*words: str) -> int:
    return cli.main(["instruments", *words])


def put(text: str) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=INSTRUMENT_FILE, Body=text.encode())


def stored() -> str:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=INSTRUMENT_FILE)["Body"]
    return body.read().decode()


def is_there() -> bool:
    return bool(boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"])


def test_it_shows_the_parameters_list_until_there_is_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("list", "--stack", "mine") == 0
    assert capsys.readouterr().out == "IBM\nMSFT\n"

    put("# mine\nAAPL # apple\nno such\n")
    assert ask("list", "--stack", "mine") == 0
    assert capsys.readouterr().out == "AAPL\n"


def test_a_stack_that_looks_for_no_file_follows_its_parameter(
    stack: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    put("AAPL\n")
    stack["InstrumentsFileEnabled"] = "false"
    assert ask("list") == 0
    assert capsys.readouterr().out == "IBM\nMSFT\n"

    # What is written counts later, and that is said.
    assert ask("add", "TSLA") == 0
    assert stored() == "AAPL\nTSLA\n"
    assert "make deploy ARGS='--stack mine InstrumentsFileEnabled=true'" in capsys.readouterr().out


def test_the_first_that_is_added_begins_the_file_with_what_the_parameter_lists() -> None:
    assert ask("add", "AAPL", "fx:EUR/USD", "AAPL") == 0
    assert stored() == "IBM\nMSFT\nAAPL\nfx:EUR/USD\n"


def test_what_is_added_comes_after_what_stands_there_as_it_stands_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("# mine\nIBM   # blue")
    assert ask("add", "IBM", "AAPL") == 0
    assert stored() == "# mine\nIBM   # blue\nAAPL\n"
    assert "Added: AAPL." in capsys.readouterr().out

    assert ask("add", "AAPL") == 0
    assert "Nothing was changed" in capsys.readouterr().out


def test_a_file_adds_all_that_it_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"SHARE{number}" for number in range(10_000)]
    (tmp_path / "mine.txt").write_text("\n".join(names))

    assert ask("add", "--file", str(tmp_path / "mine.txt")) == 0
    assert stored().split() == ["IBM", "MSFT", *names]
    assert "SHARE19 and 9,980 more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ibm"], "'ibm' names no instrument"),
        (["AAPL", "TSCO.NOWHERE"], "no calendar says when .NOWHERE trades"),
        ([], "Nothing to add was named"),
        (["--file", "/nowhere/at/all"], "cannot be read"),
    ],
)
def test_what_cannot_be_followed_changes_nothing(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("add", *words) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not is_there()


def test_what_is_removed_takes_its_line_and_no_other() -> None:
    put("# mine\nIBM # blue\n\nAAPL\nno such\n")
    assert ask("remove", "IBM", "no such") == 0
    assert stored() == "# mine\n\nAAPL\n"


def test_a_list_that_was_written_on_windows_is_a_list() -> None:
    put("\ufeffIBM\r\nMSFT\r\n")

    assert ask("remove", "IBM") == 0
    assert stored() == "MSFT\r\n"


def test_removing_all_or_what_is_not_there_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    put("IBM\n")
    assert ask("remove", "AAPL") == 1
    assert "AAPL does not stand in the list" in capsys.readouterr().err
    assert ask("remove", "IBM") == 1
    assert "ScheduleState=DISABLED" in capsys.readouterr().err
    assert stored() == "IBM\n"


def test_a_change_that_crosses_anothers_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put("IBM\nAAPL\n")
    seen = StoredFile("IBM\n", '"of-before"')
    monkeypatch.setattr(instruments_command, "read_file", lambda _stack: seen)
    assert ask("add", "TSLA") == 1
    assert "Somebody has changed the list meanwhile" in " ".join(capsys.readouterr().err.split())

    # There was none when it was read.
    monkeypatch.setattr(instruments_command, "read_file", lambda _stack: StoredFile("", None))
    assert ask("add", "TSLA") == 1
    assert stored() == "IBM\nAAPL\n"


def test_bad_lines_are_named_by_their_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    put("IBM\nibm\nTSCO.NOWHERE\n")
    assert ask("check", "--stack", "mine") == 1
    said = capsys.readouterr().err
    assert "2 of instruments.txt's lines are bad, 1 are good" in said
    assert "line 2: 'ibm' names no instrument" in said
    assert "line 3: TSCO.NOWHERE" in said

    put("IBM\nfx:EUR/USD\n")
    assert ask("check") == 0
    assert "2 instruments, and every line is good." in capsys.readouterr().out

    (tmp_path / "mine.txt").write_text("# none\n")
    assert ask("check", str(tmp_path / "mine.txt")) == 1
    assert "lists no instrument" in capsys.readouterr().err


def test_a_file_that_is_no_text_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=INSTRUMENT_FILE, Body=b"\xff\xfe")
    assert ask("list") == 1
    assert "is no UTF-8 text" in capsys.readouterr().err


def test_the_doctor_expects_bars_of_what_the_file_lists(stack: dict[str, str]) -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    of = Stack("mine", None, {"LakeBucketName": BUCKET}, stack)
    assert expect(of, saturday).opens is not None
    put("IBM\ncrypto:BTC/USD\n")
    assert expect(of, saturday).opens is None
    assert [each.name for each in instrument_list.read_followed(of)] == ["IBM", "crypto:BTC/USD"]
