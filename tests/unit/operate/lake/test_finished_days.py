"""What reads a lake opens a finished day's files once: they may then hold anything.

Of a stack in AWS nothing here opens a file: Athena does, for each question.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
from delivered_files import document, write_file, write_parquet

from stockstream_local import cli
from stockstream_operate import read
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake.selection import NoSuchBarsError
from stockstream_operate.page import page_command
from stockstream_operate.page.page_command import serve_run
from stockstream_operate.stack import Stack

LONG_AGO = 1_700_000_000_000_000_000
RUBBISH = b"?"

type Ask = Callable[[Path, pytest.CaptureFixture[str]], Any]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two finished days in both formats."""
    lake = tmp_path / "lake"
    write_file(lake, "2026-11-19", "a", [document("2026-11-19T14:30:00Z", 99.0)])
    write_file(lake, "2026-11-19", "b", [document("2026-11-19T14:31:00Z", 98.0)])
    write_parquet(lake, "2026-11-20", "a", [document("2026-11-20T14:30:00Z", 101.0)])
    for day in lake.glob("bars*/dt=*"):
        os.utime(day, ns=(LONG_AGO, LONG_AGO))
    monkeypatch.setattr(lake_access, "FOLDER", lake)
    monkeypatch.setattr(page_command, "STATE", tmp_path)
    return lake


def say(capsys: pytest.CaptureFixture[str], *typed: str) -> str:
    assert cli.main(typed) == 0
    return capsys.readouterr().out


def query(_folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return say(capsys, "query", "--format", "csv", "SELECT close FROM bars_history ORDER BY open_time")


def tail(_folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return say(capsys, "tail")


def export(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[float]:
    say(capsys, "export", str(folder / "bars.csv"), "--force")
    closes: list[float] = pd.read_csv(folder / "bars.csv")["close"].tolist()
    return closes


def read_frame(_folder: Path, _capsys: pytest.CaptureFixture[str]) -> list[float]:
    closes: list[float] = read("IBM").close.tolist()
    return closes


def page(_folder: Path, _capsys: pytest.CaptureFixture[str]) -> int:
    with serve_run(None, lambda _said: None) as server:
        delivered = 0
        for _ in range(500):  # what is joined meanwhile is there at the next look
            delivered = sum(each["delivered"] for each in server.view(None, None)["instruments"])
            if delivered == 3:
                break
            time.sleep(0.02)
        return delivered


@pytest.mark.parametrize("ask", [query, tail, export, read_frame, page])
def test_here_nothing_opens_a_finished_days_files_a_second_time(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ask: Ask
) -> None:
    first = ask(tmp_path, capsys)
    files = [file for file in lake.glob("bars*/dt=*/*") if file.is_file()]
    assert len(files) == 3
    for file in files:
        at = file.stat().st_mtime_ns
        file.write_bytes(RUBBISH * file.stat().st_size)
        os.utime(file, ns=(at, at))

    assert ask(tmp_path, capsys) == first


class FakeAthena:
    """Athena's client, which finds no bar and counts its questions."""

    def __init__(self) -> None:
        self.questions = 0

    def start_query_execution(self, **_asked: Any) -> dict[str, str]:
        self.questions += 1
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, **_asked: Any) -> dict[str, Any]:
        return {
            "QueryExecution": {
                "StatementType": "DML",
                "Status": {"State": "SUCCEEDED"},
                "Statistics": {"DataScannedInBytes": 0},
                "ResultConfiguration": {"OutputLocation": "s3://lake/athena-results/1.csv"},
            }
        }

    def get_paginator(self, _name: str) -> "FakeAthena":
        return self

    def paginate(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        yield {
            "ResultSet": {
                "ResultSetMetadata": {"ColumnInfo": [{"Name": "close", "Type": "double"}]},
                "Rows": [{"Data": [{"VarCharValue": "close"}]}],
            }
        }


@pytest.mark.parametrize(
    ("typed", "questions"),
    [
        (("query", "SELECT close FROM bars_latest"), 1),
        (("tail",), 1),
        (("export", "no-such.csv"), 2),
        (("read",), 2),
    ],
)
def test_of_a_stack_nothing_here_asks_s3_and_each_question_is_one_of_athenas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], questions: int
) -> None:
    athena, clients = FakeAthena(), list[str]()
    outputs = {"LakeDatabaseName": "lake", "LakeWorkGroupName": "lake"}

    def client(name: str, **_more: Any) -> FakeAthena:
        clients.append(name)
        return athena

    monkeypatch.setattr("stockstream_operate.stack.find_stack", lambda name: Stack(name, None, outputs))
    monkeypatch.setattr(boto3, "client", client)
    monkeypatch.chdir(tmp_path)
    if typed == ("read",):
        with pytest.raises(NoSuchBarsError):
            read("IBM", stack="mine")
    else:
        cli.main([*typed, "--stack", "mine"])

    assert (clients, athena.questions) == (["athena"], questions)
