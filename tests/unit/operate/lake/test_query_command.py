"""`stockstream query`: what it is asked, and what it says."""

import json
import os
import signal
import time
from io import StringIO
from pathlib import Path
from threading import Timer

import pytest
from delivered_files import document, write_file

from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.lake.tail_command import follow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lake of this machine is looked for."""
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def lake(folder: Path) -> Path:
    """A lake with two bars, one of them twice and revised."""
    first = document("2026-11-20T14:30:00Z", 100.0)
    revised = document("2026-11-20T14:30:00Z", 101.5, as_of="2026-11-20T14:35:02.000Z")
    other = document("2026-11-20T14:31:00Z", 1.17, instrument="fx:EUR/USD")
    write_file(folder, "2026-11-20", "a", [first, first, revised, other])
    return folder


@pytest.mark.usefixtures("lake")
def test_answers_sql_from_what_the_last_run_delivered(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "select instrument, close from bars_latest order by 1"]) == 0

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["instrument  close", "IBM         101.5", "fx:EUR/USD   1.17"]
    assert lines[3].startswith("2 rows in ")


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("asked", ["latest bar of each instrument", " Latest bar of each instrument "])
def test_answers_a_saved_query_by_its_name(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", asked, "--format", "json"]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["instrument"], row["close"]) for row in rows] == [("IBM", 101.5), ("fx:EUR/USD", 1.17)]


@pytest.mark.usefixtures("lake")
def test_reads_sql_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("-- mine\nSELECT count(*) AS bars FROM bars_latest;\n"))

    assert cli.main(["query", "-", "--format", "csv"]) == 0

    assert capsys.readouterr().out.splitlines() == ["bars", "2"]


@pytest.mark.usefixtures("lake")
def test_what_is_too_wide_is_shown_in_tables_that_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert cli.main(["query", "SELECT * FROM bars_latest WHERE instrument = 'IBM'"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    names = [name for line in lines[:-1:2] for name in line.split()]
    assert {"id", "close", "lookback_bars", "atr_14"} <= set(names)
    # Far fewer lines than there are columns.
    assert len(lines) < len(names) / 2


@pytest.mark.usefixtures("folder")
def test_shows_the_sql_of_a_saved_query_to_start_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "biggest movers", "--show"]) == 0

    assert capsys.readouterr().out.strip() == make_lake_sql(Windows()).queries["biggest movers"].sql


@pytest.mark.parametrize(
    "words",
    [
        ["latest bar"],
        ["Latest", "BAR"],
        ["latest_bars"],
        ["instrument"],
        ["latest", "bar", "of", "each", "instrument"],
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_words_of_one_saved_query_are_enough(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["query", *words, "--show"]) == 0

    assert (
        capsys.readouterr().out.strip()
        == make_lake_sql(Windows()).queries["latest bar of each instrument"].sql
    )


@pytest.mark.usefixtures("folder")
def test_sql_that_the_shell_took_apart_is_to_be_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "SELECT", "README.md", "FROM", "bars_latest"]) == 1

    assert "Put the SQL in quotes" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_without_a_query_it_lists_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")

    assert cli.main(["query"]) == 0

    said = capsys.readouterr().out
    known = make_lake_sql(Windows())
    assert [name for name in (*known.queries, *known.views) if f"\n{name} " not in f"\n{said}"] == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("biggest losers", "nor one saved query. Did you mean: biggest movers?"),
        ("latest br of each instrument", "Did you mean: latest bar of each instrument?"),
        ("xyz", "neither a SELECT nor one saved query. Saved are: as known at a moment,"),
        ("DROP TABLE bars", "neither a SELECT nor one saved query"),
        ("SELECT x FROM bars_latest", 'Referenced column "x" not found'),
        ("SELECT 1 FROM nothing", "The lake holds "),
        ("SELECT no_function(close) FROM bars_latest", "name no_function does not exist!\n"),
        ("SELECT sum(instrument) FROM bars_latest", "need to add explicit type casts.\n"),
        ("SELECT FROM WHERE", "is not SQL as Athena has it"),
        ("SELECT 1; SELECT 2", "one SELECT at a time"),
    ],
)
@pytest.mark.usefixtures("lake")
def test_what_cannot_be_answered_is_told_in_a_sentence(
    asked: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["query", asked]) == 1

    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [["query", "SELECT 1"], ["tail"]], ids=lambda command: command[0])
def test_without_a_lake_it_says_how_to_get_one(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(command) == 1

    assert "start `make run`" in capsys.readouterr().err


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("form", "written"),
    [("csv", "x\n:rocket: [red]\t\\[/]\n"), ("json", '{"x": ":rocket: [red]\\t\\\\[/]"}\n')],
)
def test_what_a_program_reads_is_written_as_it_is(
    form: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["query", "SELECT ':rocket: [red]\t\\[/]' AS x", "--format", form]) == 0

    assert capsys.readouterr().out == written


@pytest.mark.usefixtures("lake")
def test_an_emojis_name_is_text_for_a_person_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "SELECT ':rocket:' AS \":key:\""]) == 0

    assert [line.strip() for line in capsys.readouterr().out.splitlines()][:2] == [":key:", ":rocket:"]


@pytest.mark.usefixtures("lake")
def test_a_reader_who_has_seen_enough_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """`stockstream query ... | head -1`: more than a pipe holds, and nobody to read it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        with pytest.raises(SystemExit) as ended:
            cli.main(["query", "SELECT 1", "--format", "csv"])

    assert ended.value.code == 1


@pytest.mark.parametrize("arguments", [["--show", "SELECT 1"], ["SELECT 1"]], ids=["lines", "a table"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.usefixtures("lake")
def test_output_to_a_full_disk_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert cli.main(["query", *arguments]) == 1

    assert capsys.readouterr().err == (
        "stockstream: What it prints cannot be written (No space left on device), and is cut off.\n"
    )


def test_ctrl_c_ends_a_query_that_takes_long(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_file(folder, "2026-11-20", "a", [document("2026-11-20T14:30:00Z")] * 300)
    # Some minutes of work, so that it neither ends before the signal nor goes on for ever without one.
    long = "SELECT count(*) FROM bars a, bars b, bars c, bars d, (SELECT * FROM bars LIMIT 60) e"
    interrupt = Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    interrupt.start()

    assert cli.main(["query", long]) == 130

    interrupt.join()
    assert time.monotonic() - started < 30  # without the signal it works on, and is interrupted at its end
    assert capsys.readouterr() == ("", "Stopped.\n")


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("name", list(make_lake_sql(Windows()).queries))
def test_a_saved_query_that_finds_nothing_says_why(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", name]) == 0
    told = capsys.readouterr().out

    assert cli.main(["query", name, "--format", "json"]) == 0
    found = capsys.readouterr().out.splitlines()
    # A program gets no words.
    assert all(line.startswith("{") for line in found)
    assert ("Nothing matches." in told) is (not found)


def test_a_broken_file_is_named_once_on_standard_error_until_it_is_set_aside(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = lake / "bars" / "dt=2026-11-20" / "b.json.gz"
    broken.write_bytes(b"")
    asked = ["query", "SELECT count(*) AS bars FROM bars_latest", "--format", "csv"]

    assert cli.main(asked) == 0
    said = capsys.readouterr()
    assert said.out == "bars\n2\n"
    (line,) = said.err.splitlines()
    assert line.startswith(f"{broken} is empty. ")

    following = follow(lake_access.LocalLake(lake), (), 1)
    next(following)
    next(following)
    assert capsys.readouterr().err == f"{line}\n"

    broken.rename(broken.with_name(f"_{broken.name}"))  # what the line says
    assert cli.main(asked) == 0
    assert capsys.readouterr() == ("bars\n2\n", "")


def test_the_name_of_a_broken_file_moves_no_cursor(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / "bars" / "dt=2026-11-20" / "b\x1b[2J\u202e.json.gz").write_bytes(b"")

    assert cli.main(["query", "SELECT count(*) FROM bars_latest"]) == 0

    told = capsys.readouterr().err
    assert "b\\x1b[2J\\u202e.json.gz is empty." in told
    assert "\x1b" not in told
    assert "\u202e" not in told
