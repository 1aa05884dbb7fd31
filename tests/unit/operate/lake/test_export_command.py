"""`stockstream export`: what the files hold, read back by other programs, and what is refused."""

from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd
import pytest
from delivered_day import DeliveredDay
from delivered_files import document, write_file
from full_disk import files_end_at
from nanoarrow import ArrayStream
from nanoarrow.ipc import InputStream

from stockstream.splits import Split
from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake import export_command
from stockstream_operate.lake.athena import AthenaLake
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.files import write_bars
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.splits import keep_splits
from stockstream_operate.lake.sql import make_lake_sql

NOON = datetime(2026, 11, 20, 17)  # noqa: DTZ001 (UTC, as the day's model has it)
TIMES = ("open_time", "as_of", "arrived_at")


@pytest.fixture(scope="module")
def day() -> DeliveredDay:
    return DeliveredDay(seed=11)


@pytest.fixture
def small_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "lake")
    bars = [
        document("2026-11-20T14:31:00Z", 101.0),
        document("2026-11-20T14:30:00Z", 100.25, as_of="2026-11-20T14:31:02.125Z", source='a "b", c'),
        document("2026-11-20T14:30:00Z", 1.16, instrument="fx:EUR/USD", volume=None),
    ]
    write_file(tmp_path / "lake", "2026-11-20", "a", bars)
    return tmp_path / "lake"


def as_truth(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by their id, as the day's model has them: without the trading day, times UTC without a zone."""
    return {
        row["id"]: {
            name: value.replace(tzinfo=None) if name in TIMES and value is not None else value
            for name, value in row.items()
            if name != "trading_day"
        }
        for row in rows
    }


def read_parquet(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        answer = database.read_parquet(str(path))
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]


def read_arrow(path: Path) -> list[dict[str, Any]]:
    with InputStream.from_path(str(path)) as stream:
        return cast("list[dict[str, Any]]", ArrayStream(stream).read_all().to_pylist())


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(("ending", "reader"), [("parquet", read_parquet), ("arrows", read_arrow)])
def test_a_file_holds_each_bar_once_as_it_is_known(
    day: DeliveredDay, tmp_path: Path, ending: str, reader: Any
) -> None:
    path = tmp_path / f"bars.{ending}"
    assert cli.main(["export", str(path)]) == 0

    rows = reader(path)
    assert len(rows) == len(day.latest)
    assert as_truth(rows) == day.latest
    assert [(row["instrument"], row["open_time"]) for row in rows] == sorted(
        (row["instrument"], row["open_time"]) for row in rows
    )
    assert rows[0]["open_time"].utcoffset().total_seconds() == 0


@pytest.mark.usefixtures("lake")
def test_what_was_known_of_one_instrument_in_an_hour(day: DeliveredDay, tmp_path: Path) -> None:
    path = tmp_path / "known.parquet"
    hours = ["--start", "2026-11-20T15:00:00Z", "--end", "2026-11-20T11:00:00-05:00"]
    arguments = [str(path), "--instruments", "ibm", *hours, "--as-of", "2026-11-20T17:00Z"]
    assert cli.main(["export", *arguments]) == 0

    hour = {bar for bar in day.known_at(NOON) if "IBM|1min|2026-11-20T15:" in bar}
    assert as_truth(read_parquet(path)) == {bar: day.known_at(NOON)[bar] for bar in hour}
    assert len(hour) > 50


@pytest.mark.usefixtures("small_lake")
def test_csv_says_utc_and_quotes_what_needs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bars.csv"
    assert cli.main(["export", str(path), "--instruments", "IBM"]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("2 bars of 1 instrument, from 2026-11-20 14:30 to 2026-11-20 14:31 (UTC), are in ")
    frame = pd.read_csv(path, parse_dates=["open_time", "as_of"])
    assert frame.close.tolist() == [100.25, 101.0]
    assert frame.source[0] == 'a "b", c'
    assert str(frame.open_time.dtype).endswith("UTC]")
    assert (
        path.read_text()
        .splitlines()[1]
        .startswith(
            "IBM|1min|2026-11-20T14:30:00Z,IBM,equity,1min,2026-11-20,2026-11-20T14:30:00.000Z,"
            "2026-11-20T14:31:02.125Z,100.25,"
        )
    )


def test_a_file_can_be_in_the_shares_of_today(small_lake: Path, tmp_path: Path) -> None:
    keep_splits({"IBM": [Split("2026-11-23T05:00:00Z", 4, 1)]}, small_lake)
    path = tmp_path / "bars.parquet"

    assert cli.main(["export", str(path), "--adjusted"]) == 0

    assert [(row["close"], row["volume"]) for row in read_parquet(path)] == [
        (25.0625, 4000.0),
        (25.25, 4000.0),
        (1.16, None),
    ]


@pytest.mark.usefixtures("small_lake")
def test_a_file_that_is_there_is_kept_until_one_says_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mine")

    assert cli.main(["export", str(path)]) == 1
    assert "is there already: name another file, or say --force" in " ".join(capsys.readouterr().err.split())
    assert path.read_text() == "mine"
    assert cli.main(["export", str(path), "--force"]) == 0
    assert path.read_text().count("\n") == 4


@pytest.mark.usefixtures("small_lake")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["x.parquet", "--instruments", "IBN"], "no bars of 'IBN'. Did you mean IBM?"),
        (["x.parquet", "--end", "2020-01-01"], "the lake has no such bars. It holds IBM, fx:EUR/USD"),
        (["x.parquet", "--interval", "5min"], "the lake has no such bars."),
        (["x.parquet", "--start", "2026-11-20", "--end", "2026-11-19"], "the end must be after the start"),
        (["nowhere/x.parquet"], "nowhere is no folder"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_nothing(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert cli.main(["export", *arguments]) == 1
    assert told in " ".join(capsys.readouterr().err.split())
    assert [each.name for each in tmp_path.iterdir()] == ["lake"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bars.xlsx"], "has no ending that says what it is to be: .parquet (Parquet), .csv (CSV)"),
        (["bars.arrow"], ".arrows (an Arrow stream)"),
        (["bars.csv", "--start", "monday"], "'monday', and no moment"),
    ],
)
def test_a_wrong_argument_is_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["export", *arguments])

    assert ended.value.code == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("ending", "reader"), [("parquet", read_parquet), ("arrows", read_arrow)])
def test_what_athena_answers_becomes_the_same_file(
    day: DeliveredDay,
    whole_day: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    reader: Any,
) -> None:
    class Stack(AthenaLake):
        def query(self, sql: str) -> Result:
            with LakeEngine(whole_day) as engine:
                return engine.query(sql)

    stack = Stack(cast("Any", None), "stockstream", "stockstream", make_lake_sql(Windows()))
    monkeypatch.setattr(export_command, "open_lake", lambda name: {"stockstream": stack}[name])
    path = tmp_path / f"bars.{ending}"

    assert cli.main(["export", str(path), "--stack", "stockstream"]) == 0
    assert as_truth(reader(path)) == day.latest


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("ending", ["parquet", "csv", "arrows"])
def test_a_file_that_cannot_be_written_whole_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    file = tmp_path / f"bars.{ending}"
    file.write_text("before")

    def write_into_little_room(*asked: Any) -> Any:
        with files_end_at(2_000):  # not before: the lake's files are unpacked first, and are larger
            return write_bars(*asked)

    monkeypatch.setattr("stockstream_operate.lake.engine.write_bars", write_into_little_room)
    assert cli.main(["export", str(file), "--force"]) == 1

    said = capsys.readouterr().err
    *_, last = said.splitlines()  # on a busy machine it says first that the lake's days are joined
    assert last.startswith("stockstream: ")
    assert f"{tmp_path}/.{file.name}.part" in last
    assert "Traceback" not in said
    assert "exception_type" not in said
    assert file.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
