"""`stockstream import`: what it is asked, and what becomes of a stream that does not take all."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockstream.fields import lookback_lengths
from stockstream.instruments import parse_instrument
from stockstream.records import decode_record
from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_operate.history.bars import Choices, read_history
from stockstream_operate.history.import_command import send
from stockstream_operate.history.tables import read_table

LINES = "time,open,high,low,close\n" + "".join(
    f"2026-11-20 {10 + minute // 60}:{minute % 60:02},100,101,99,{100 + minute / 1000}\n"
    for minute in range(240)
)


class Stream:
    """Takes every record but the third of a chunk."""

    def __init__(self) -> None:
        self.chunks: list[tuple[str, Sequence[bytes]]] = []

    def put(self, instrument: str, records: Sequence[bytes]) -> list[str]:
        self.chunks.append((instrument, records))
        return ["full" if place == 2 else "" for place in range(len(records))]


def test_each_record_is_valid_and_brings_its_look_back(tmp_path: Path) -> None:
    path = tmp_path / "ibm.csv"
    path.write_text(LINES)
    bars = read_history(
        [read_table(path)], datetime(2026, 11, 25, tzinfo=UTC), Choices(parse_instrument("IBM"))
    ).bars
    stream, steps, rests = Stream(), list[float](), list[float]()

    refusals = send(bars, Windows(), stream, steps.append, rests.append)

    records = [record for _, chunk in stream.chunks for record in chunk]
    assert {instrument for instrument, _ in stream.chunks} == {"IBM"}
    assert refusals == {"full": 3}
    assert steps == [100, 100, 40]
    # Half of a shard, which takes 1 MB a second.
    assert sum(rests) == pytest.approx(sum(map(len, records)) / 500_000)
    decoded = [decode_record(record, lookback_lengths(Windows())) for record in records]
    closes = [100 + minute / 1000 for minute in range(240)]
    assert [each["close"] for each in decoded] == closes
    assert [each["lookback"]["close"] for each in decoded] == [
        closes[max(0, place - 199) : place] for place in range(240)
    ]
    assert decoded[-1]["lookback"]["volume"] == [None] * 19


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--instrument", "A B"], "names no instrument"),
        (["--timezone", "Mars"], "'Mars' is no time zone: write it as Europe/Berlin or UTC"),
        (["--interval", "1d"], "invalid choice: '1d'"),
        (["--columns", "end=Schluss"], "'end' is nothing that a column can mean: write time=Zeit"),
        (["--columns", "close"], "'close' is nothing that a column can mean"),
        (["--time-format", "%Q"], "'%Q' is no form of a time: 'Q' is a bad directive"),
        (["--time-format", "%Y%Y"], "'%Y%Y' is no form of a time: redefinition of group name"),
        (["--as-of", "monday"], "'monday', and no moment"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_refused_with_a_reason(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["import", "x.csv", *arguments])

    assert ended.value.code == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_not_there_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", "nowhere.csv", "--check"]) == 1

    assert capsys.readouterr().err == "stockstream: nowhere.csv: No such file or directory\n"


def test_many_refused_rows_are_counted_and_not_all_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ibm.csv"
    path.write_text(LINES + "never,1,1,1,1\n" * 30)

    assert cli.main(["import", str(path), "--instrument", "ibm", "--check", "--interval", "1min"]) == 0

    said = capsys.readouterr().out
    assert said.count("BAD_TIME") == 20
    assert "... and 10 rows more." in said
