"""`stockstream tail`: the newest arrivals, and each that comes, once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delivered_files import document, write_file

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_local.kept_run import empty_folder
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake import tail_command
from stockstream_operate.lake.access import LocalLake
from stockstream_operate.lake.delivered import Document
from stockstream_operate.lake.tail_command import choose_columns, follow

DAY = "2026-11-20"


def bar(minute: int, arrived: str = "", **fields: Any) -> Document:
    """IBM's bar of a minute of 14 o'clock, which arrives two seconds after its end."""
    later = f"{DAY}T14:{minute + 1:02}:02.000Z"
    return document(
        f"{DAY}T14:{minute:02}:00Z", 100.0 + minute, arrived_at=arrived or later, as_of=later, **fields
    )


def closes(rows: list[tuple[Any, ...]]) -> list[float]:
    return [row[5] for row in rows]


def test_begins_with_the_newest_arrivals_and_goes_on_with_what_comes(tmp_path: Path) -> None:
    write_file(tmp_path, DAY, "a", [bar(minute) for minute in (3, 1, 0, 2)])
    steps = follow(LocalLake(tmp_path), (), 2)

    assert closes(next(steps)) == [102, 103]
    assert closes(next(steps)) == []
    write_file(tmp_path, DAY, "b", [bar(5), bar(4), bar(3)])  # the last one is a repetition
    assert closes(next(steps)) == [104, 105]
    assert closes(next(steps)) == []


def test_a_bar_that_reaches_the_lake_after_later_ones_is_shown(tmp_path: Path) -> None:
    """Firehose tried a batch again: its bars had arrived in the stream before those that are here."""
    write_file(tmp_path, DAY, "a", [bar(0), bar(9)])
    steps = follow(LocalLake(tmp_path), (), 1)
    next(steps)

    write_file(tmp_path, DAY, "b", [bar(5)])

    assert closes(next(steps)) == [105]


def test_a_revised_bar_is_shown_again(tmp_path: Path) -> None:
    write_file(tmp_path, DAY, "a", [bar(0)])
    steps = follow(LocalLake(tmp_path), (), 5)
    next(steps)

    revised = bar(0) | {"close": 99.0, "as_of": f"{DAY}T14:09:00.000Z", "arrived_at": f"{DAY}T14:09:01.000Z"}
    write_file(tmp_path, DAY, "b", [revised])

    assert closes(next(steps)) == [99.0]


def test_waits_for_the_first_bar_of_an_empty_lake(tmp_path: Path) -> None:
    steps = follow(LocalLake(tmp_path), (), 5)

    assert next(steps) == []
    write_file(tmp_path, DAY, "a", [bar(0)])
    assert closes(next(steps)) == [100]
    assert next(steps) == []


def test_only_the_wanted_instruments_are_shown(tmp_path: Path) -> None:
    pair = document(f"{DAY}T14:00:00Z", 1.17, instrument="fx:EUR/USD")
    write_file(tmp_path, DAY, "a", [bar(0), pair])
    lake = LocalLake(tmp_path)

    assert closes(next(follow(lake, ("fx:EUR/USD",), 5))) == [1.17]
    assert closes(next(follow(lake, ("IBM", "fx:EUR/USD"), 5))) == [1.17, 100]
    assert next(follow(lake, ("AAPL",), 5)) == []


def test_prints_a_line_for_each_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file(tmp_path, DAY, "a", [bar(0, sma_20=99.5, return_1=-0.0025, rsi_14=41.26), bar(1, volume=None)])
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path)

    assert cli.main(["tail", "IBM", "-n", "2"]) == 0

    header, first, second = capsys.readouterr().out.splitlines()
    assert first.split() == [
        DAY, "14:01:02", "IBM", DAY, "14:00", "100", "99.5", "-0.250%", "41.3", "1,000",
    ]  # fmt: skip
    assert second.split() == [DAY, "14:02:02", "IBM", DAY, "14:01", "101", "-", "-", "-", "-"]
    assert {len(line) for line in (header, first, second)} == {len(header)}


def test_a_bar_of_which_nothing_is_known_that_may_be_missing_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the contract allows to be null, all at once: it counts as arrived when it was known."""
    empty = bar(1) | {field.name: None for field in list_fields(Windows()) if field.null}
    write_file(tmp_path, DAY, "a", [bar(0), empty])
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path)
    steps = follow(LocalLake(tmp_path), (), 5)

    assert cli.main(["tail"]) == 0
    assert closes(next(steps)) == [100, 101]
    write_file(tmp_path, DAY, "b", [empty | {"id": "later", "as_of": f"{DAY}T14:05:00.000Z"}])
    assert closes(next(steps)) == [101]

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == [DAY, "14:02:02", "IBM", DAY, "14:01", "101", "-", "-", "-", "-"]


def test_says_that_nothing_has_come_of_an_instrument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file(tmp_path, DAY, "a", [bar(0)])
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path)

    assert cli.main(["tail", "AAPL"]) == 0

    assert "No bars of these" in capsys.readouterr().out


def test_following_ends_with_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file(tmp_path, DAY, "a", [bar(0)])
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tail_command, "time", SimpleNamespace(sleep=interrupt))

    assert cli.main(["tail", "--follow"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["ib m"], "'ib m' names no instrument"), (["-n", "0"], "'0' is no whole number above 0")],
)
def test_refuses_wrong_arguments_with_a_reason(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["tail", *arguments])

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_following_goes_on_where_a_new_run_begins(tmp_path: Path) -> None:
    """`make run` puts the lake of the run before away, and fills a new one."""
    lake = tmp_path / "lake"
    write_file(lake, DAY, "a", [bar(0)])
    steps = follow(LocalLake(lake), (), 5)
    assert closes(next(steps)) == [100]

    empty_folder(lake)
    assert next(steps) == []
    write_file(lake, DAY, "a", [bar(1)])
    assert closes(next(steps)) == [101]


def test_following_waits_for_a_lake_that_is_not_there_yet(tmp_path: Path) -> None:
    steps = follow(LocalLake(tmp_path / "lake"), (), 5)

    assert next(steps) == []
    write_file(tmp_path / "lake", DAY, "a", [bar(0)])
    assert closes(next(steps)) == [100]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (None, []),
        (114, []),
        (113, ["volume"]),
        (99, ["volume", "RSI 14"]),
        (80, ["volume", "RSI 14", "SMA 20"]),
        (40, ["volume", "RSI 14", "SMA 20"]),
    ],
)
def test_a_narrow_terminal_shows_fewer_columns(width: int | None, left_out: list[str]) -> None:
    columns = choose_columns(width)

    everything = choose_columns(None)
    assert columns == [name for name in everything if name not in left_out]


def test_without_a_lake_no_heading_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "none")

    assert cli.main(["tail"]) == 1
    assert capsys.readouterr().out == ""
