"""Rows that are no bars: each is refused alone, by its line, and stands in a file beside."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from full_disk import fill_disk

from stockstream.instruments import parse_instrument
from stockstream_operate.history.bars import Choices, Refused, read_history
from stockstream_operate.history.set_aside import write_set_aside
from stockstream_operate.history.tables import read_table

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
IBM = Choices(parse_instrument("IBM"), "5min")
HEADER = "time,open,high,low,close,volume\n"
GOOD = "2026-11-20 09:30,100,101,99,100.5,1000\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-11-20 09:35,100,99,101,100,1", "HIGH_BELOW_LOW: high 99.0 is below low 101.0"),
        ("2026-11-20 09:35,0,101,0,100,1", "BAD_PRICE: open is 0.0"),
        ("2026-11-20 09:35,null,101,99,100,1", "BAD_TYPE: open is null, and must be a number"),
        ("2026-11-20 09:35,100,101,99,,1", "BAD_TYPE: close is , and must be a number"),
        ("2026-11-20 09:35,100,101,99,nan,1", "BAD_TYPE: close is nan"),
        ("2026-11-20 09:35,100,101,99,100,-1", "BAD_VOLUME"),
        ("2026-11-20 09:35,100,101,99,100,many", "BAD_TYPE: volume is many"),
        ("2026-11-20 09:35,100,101,99,100", "BAD_TYPE: the line has 5 cells, and the header 6"),
        ("20/11/2026 09:35,100,101,99,100,1", "BAD_TIME: '20/11/2026 09:35' is no time such as"),
        ("2026-11-20 09:35:30,100,101,99,100,1", "BAD_TIME: 2026-11-20 09:35:30 is no whole minute"),
        ("2026-03-08 02:30,100,101,99,100,1", "does not exist in America/New_York: the clocks skip it"),
        ("2026-11-01 01:30,100,101,99,100,1", "exists twice in America/New_York: write it with its offset"),
        ("9999-12-31 23:59,100,101,99,100,1", "is in no year that has bars"),
        ("2026-11-25 07:00,100,101,99,100,1", "had not ended at 2026-11-25T12:00:00Z, when it was known"),
        ("2026-11-20 09:30,100,101,99,100.5,1001", "has other numbers in line 2 of prices.csv"),
    ],
)
def test_a_row_that_is_no_bar_is_refused_by_its_line(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + GOOD + "\n" + row + "\n2026-11-20 09:45,100,101,99,100,\n")

    history = read_history([read_table(path)], AS_OF, IBM)

    ((where, refused, why),) = history.refused
    assert (where, refused.line) == (path, 4)
    assert reason in why
    assert [each.open_time[11:16] for each in history.bars["IBM", "5min"]] == ["14:30", "14:45"]
    assert history.bars["IBM", "5min"][1].volume is None


@pytest.mark.parametrize("ticker", ["", "A B", "fx:EUR"])
def test_a_ticker_that_names_nothing_is_refused(tmp_path: Path, ticker: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("symbol," + HEADER + f"IBM,{GOOD}{ticker},{GOOD}")

    history = read_history([read_table(path)], AS_OF, Choices(interval="5min"))

    assert [each.row.line for each in history.refused] == [3]
    assert "names no instrument" in history.refused[0].reason


def test_an_unknown_exchange_needs_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + GOOD + "2026-11-20T14:35Z,100,101,99,100.5,1000\n")

    history = read_history([read_table(path)], AS_OF, Choices(parse_instrument("ABC.XYZ"), "5min"))

    ((_, row, reason),) = history.refused
    assert (row.line, "is in no known zone: say --timezone" in reason) == (2, True)
    # Of what has its own zone, nobody is told in which one it was taken.
    assert (len(history.bars["ABC.XYZ", "5min"]), history.zones) == (1, {})


def test_a_row_that_stands_twice_counts_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(HEADER + GOOD + GOOD)
    second.write_text(HEADER + GOOD)

    history = read_history([read_table(first), read_table(second)], AS_OF, IBM)

    assert (len(history.bars["IBM", "5min"]), history.repeated, history.refused) == (1, 2, [])


def test_what_is_refused_stands_in_a_file_beside_which_can_be_corrected_and_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + GOOD + '2026-11-20 09:35,100,101,99,"1,5",1\n2026-11-20 09:40,100\n')
    table = read_table(path)

    written = write_set_aside(table, read_history([table], AS_OF, IBM).refused)

    assert written == tmp_path / "prices.set-aside.csv"
    with written.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["time", "open", "high", "low", "close", "volume", "line", "reason"],
        ["2026-11-20 09:35", "100", "101", "99", "1,5", "1", "3", rows[1][7]],
        ["2026-11-20 09:40", "100", "", "", "", "", "4", rows[2][7]],
    ]
    assert rows[1][7].startswith("BAD_TYPE: close is 1,5")
    written.write_text(written.read_text().replace('"1,5"', "100.25"))
    again = read_history([read_table(written)], AS_OF, IBM)
    assert [each.close for each in again.bars["IBM", "5min"]] == [100.25]


def test_a_file_that_is_there_is_not_written_over_and_the_same_is_not_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + GOOD)
    table = read_table(path)
    refused = [Refused(path, row, "a reason") for row in table.rows]

    first, again = write_set_aside(table, refused), write_set_aside(table, refused)
    first.write_text("corrected")
    third = write_set_aside(table, refused)

    assert (first.name, again, third.name) == ("prices.set-aside.csv", first, "prices.set-aside-2.csv")
    assert first.read_text() == "corrected"


def test_rows_that_find_no_room_are_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + GOOD)
    table = read_table(path)
    fill_disk(monkeypatch)

    with pytest.raises(OSError, match="No space left") as error:
        write_set_aside(table, [Refused(path, row, "a reason") for row in table.rows])

    assert error.value.filename == str(tmp_path / "prices.set-aside.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["prices.csv"]
