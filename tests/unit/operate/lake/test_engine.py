"""The lake's views over files on this machine."""

import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file, write_parquet

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_operate.lake import reading
from stockstream_operate.lake.dialect import to_duckdb
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.result import LakeQueryError
from stockstream_operate.lake.sql import make_lake_sql


def document_of(windows: Windows, open_time: str, **fields: float) -> dict[str, Any]:
    """A document with the averages of these windows and no others."""
    names = {field.name for field in list_fields(windows)}
    return {name: value for name, value in document(open_time).items() if name in names} | {
        name: fields.get(name) for name in sorted(names) if name.startswith(("sma_", "ema_"))
    }


NINE, TEN, ELEVEN, TWELVE = (f"2026-11-20T14:{minute}:00Z" for minute in (30, 31, 32, 33))


def test_an_empty_folder_is_an_empty_lake(tmp_path: Path) -> None:
    answer = LakeEngine(tmp_path).query("SELECT id, close FROM bars_latest")

    assert answer.columns == ("id", "close")
    assert answer.rows == []


def test_a_bar_that_came_twice_is_there_once_with_its_newest_numbers(tmp_path: Path) -> None:
    first = document(NINE, 100.0, as_of="2026-11-20T14:31:02.000Z")
    revised = document(NINE, 101.5, as_of="2026-11-20T14:35:02.000Z")
    write_file(tmp_path, "2026-11-20", "a", [revised, first])
    write_file(tmp_path, "2026-11-21", "b", [first, revised, first])

    engine = LakeEngine(tmp_path)

    assert engine.query("SELECT close FROM bars_latest").rows == [(101.5,)]
    assert engine.query(
        "SELECT close, known_from, known_until FROM bars_history ORDER BY known_from"
    ).rows == [
        (100.0, datetime(2026, 11, 20, 14, 31, 2), datetime(2026, 11, 20, 14, 35, 2)),  # noqa: DTZ001 (UTC)
        (101.5, datetime(2026, 11, 20, 14, 35, 2), None),  # noqa: DTZ001 (UTC)
    ]
    assert engine.query("SELECT count(*) FROM bars_delivered").rows == [(5,)]


def test_of_the_same_numbers_the_first_to_arrive_are_shown(tmp_path: Path) -> None:
    late = document(NINE, arrived_at="2026-11-20T14:40:00.000Z")
    early = document(NINE, arrived_at="2026-11-20T14:31:05.250Z")
    silent = document(NINE, arrived_at=None)
    write_file(tmp_path, "2026-11-20", "a", [silent, late, early])

    assert LakeEngine(tmp_path).query("SELECT arrived_at FROM bars_latest").rows == [
        (datetime(2026, 11, 20, 14, 31, 5, 250_000),)  # noqa: DTZ001 (UTC)
    ]


def test_of_the_same_numbers_those_with_their_look_back_are_shown(tmp_path: Path) -> None:
    """A redrive mends a record whose look-back was broken by leaving it out; its (id, as_of) stays."""
    bare = document(NINE, lookback_bars=0, sma_5=None, arrived_at="2026-11-20T14:31:05.000Z")
    full = document(NINE, lookback_bars=199, sma_5=99.5, arrived_at="2026-11-20T18:00:00.000Z")
    write_file(tmp_path, "2026-11-20", "a", [bare, full])

    assert LakeEngine(tmp_path).query("SELECT sma_5, lookback_bars FROM bars_latest").rows == [(99.5, 199)]


def test_the_day_of_arrival_is_the_folder_of_the_file(tmp_path: Path) -> None:
    lake = tmp_path / "dt=1999-01-01"
    write_file(lake, "2026-11-20", "a", [document(NINE)])

    assert LakeEngine(lake).query("SELECT dt FROM bars_delivered").rows == [("2026-11-20",)]


def test_single_files_make_a_lake_too(tmp_path: Path) -> None:
    files = [
        write_file(tmp_path, "2026-11-20", "a", [document(NINE)]),
        write_file(tmp_path, "2026-11-20", "it's b", [document(TEN)]),
    ]

    assert LakeEngine(files).query("SELECT count(*) FROM bars_latest").rows == [(2,)]
    assert LakeEngine(files[1]).query("SELECT id FROM bars_latest").rows == [(f"IBM|1min|{TEN}",)]


@pytest.mark.parametrize("write", [write_file, write_parquet], ids=["JSON", "Parquet"])
def test_windows_that_change_leave_old_files_readable(tmp_path: Path, write: Callable[..., Path]) -> None:
    """SmaWindows were 5,20 and are 3,20: a field that a file lacks is null, and others are left out."""
    old, new = Windows((5, 20), (12,)), Windows((3, 20), (12, 26))
    write(tmp_path, "2026-11-20", "a", [document_of(old, NINE, sma_5=99.0, sma_20=98.0)])
    write(tmp_path, "2026-11-21", "b", [document_of(new, TEN, sma_3=97.0, sma_20=96.0)])

    def read(windows: Windows, columns: str) -> list[tuple[Any, ...]]:
        with LakeEngine(tmp_path, make_lake_sql(windows)) as lake:
            return lake.query(f"SELECT {columns} FROM bars_latest ORDER BY open_time").rows  # noqa: S608 (ours)

    assert read(old, "sma_5, sma_20") == [(99.0, 98.0), (None, 96.0)]
    assert read(new, "sma_3, sma_20, ema_26") == [(None, 98.0, None), (97.0, 96.0, None)]


def test_columns_that_no_parquet_file_has_are_null(tmp_path: Path) -> None:
    write_parquet(tmp_path, "2026-11-20", "a", [document_of(Windows((5,), (12,)), NINE)])

    with LakeEngine(tmp_path, make_lake_sql(Windows((7,), (12,)))) as lake:
        assert lake.query("SELECT sma_7, close FROM bars_latest").rows == [(None, 100.0)]


def test_json_and_parquet_are_one_lake(tmp_path: Path) -> None:
    """The stack was switched to Parquet at noon; one bar is in the files of both."""
    noon, revised = document(TEN, 100.0), document(TEN, 102.0, as_of="2026-11-20T17:00:00.000Z")
    write_file(tmp_path, "2026-11-20", "a", [document(NINE, 99.0), noon])
    write_parquet(tmp_path, "2026-11-20", "b", [noon, revised])

    engine = LakeEngine(tmp_path)

    assert engine.query("SELECT open_time, close FROM bars_latest ORDER BY open_time").rows == [
        (datetime(2026, 11, 20, 14, 30), 99.0),  # noqa: DTZ001 (UTC)
        (datetime(2026, 11, 20, 14, 31), 102.0),  # noqa: DTZ001 (UTC)
    ]
    assert engine.query("SELECT count(*) FROM bars").rows == [(2,)]
    assert engine.query("SELECT count(*) FROM bars_parquet").rows == [(2,)]
    assert engine.query("SELECT count(*) FROM bars_history").rows == [(3,)]


@pytest.mark.parametrize(
    ("instrument", "open_time", "expected"),
    [
        ("IBM", "2026-11-21T00:59:00Z", date(2026, 11, 20)),  # 19:59 in New York
        ("BRK.B", "2026-07-02T03:59:00Z", date(2026, 7, 1)),  # 23:59, in summer
        ("TSCO.LON", "2026-07-01T23:30:00Z", date(2026, 7, 2)),  # 00:30, in summer
        ("SHOP.TRT", "2026-11-21T00:59:00Z", date(2026, 11, 20)),
        ("ABC.TRV", "2026-11-21T00:59:00Z", date(2026, 11, 20)),
        ("SAP.DEX", "2026-11-20T23:30:00Z", date(2026, 11, 21)),
        ("TCS.BSE", "2026-11-20T18:30:00Z", date(2026, 11, 21)),  # 00:00 in Kolkata
        ("TCS.BSE", "2026-11-20T18:29:00Z", date(2026, 11, 20)),
        ("600104.SHH", "2026-11-20T16:00:00Z", date(2026, 11, 21)),
        ("000002.SHZ", "2026-11-20T15:59:00Z", date(2026, 11, 20)),
        ("fx:EUR/USD", "2026-11-20T23:59:00Z", date(2026, 11, 20)),
        ("crypto:BTC/USD", "2026-11-21T00:00:00Z", date(2026, 11, 21)),
    ],
)
def test_a_trading_day_is_a_date_where_the_instrument_is_traded(
    tmp_path: Path, instrument: str, open_time: str, expected: date
) -> None:
    write_file(tmp_path, "2026-11-20", "a", [document(open_time, instrument=instrument)])

    assert LakeEngine(tmp_path).query("SELECT trading_day FROM bars_latest").rows == [(expected,)]


def test_a_time_is_compared_as_a_time_and_not_as_a_text(tmp_path: Path) -> None:
    """As texts, 14:31 of the T-and-Z form is after every moment of the day in the form with a space."""
    write_file(tmp_path, "2026-11-20", "a", [document(NINE), document(TEN)])

    answer = LakeEngine(tmp_path).query(
        "SELECT id FROM bars_latest WHERE open_time >= timestamp '2026-11-20 14:31:00'"
    )

    assert answer.rows == [(f"IBM|1min|{TEN}",)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "Line 1 is not SQL as Athena has it"),
        ("SELECT 'a", "This is not SQL as Athena has it"),
        ("SELECT nope FROM bars_latest", 'Referenced column "nope" not found'),
        (
            "SELECT * FROM nowhere",
            "holds bars_adjusted, bars_latest, bars_history, bars_delivered, bars, bars_parquet, splits.",
        ),
        ("DROP TABLE bars", "one SELECT at a time"),
        ("SELECT 1; SELECT 2", "one SELECT at a time"),
        ("", "one SELECT at a time"),
        ("SELECT * FROM read_csv('/etc/hosts')", "disabled by configuration"),
        ("SELECT 1 / 0", "Division by zero"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(tmp_path: Path, sql: str, said: str) -> None:
    with pytest.raises(LakeQueryError) as raised:
        LakeEngine(tmp_path).query(sql)

    assert said in str(raised.value)
    assert "LINE" not in str(raised.value)


def _lines(*documents: dict[str, Any] | str) -> bytes:
    texts = (each if isinstance(each, str) else json.dumps(each) for each in documents)
    return "".join(f"{text}\n" for text in texts).encode()


TWO = _lines(document(TEN), document(ELEVEN))
CHECKSUM = slice(-8, -4)


def _with_wrong_checksum(compressed: bytes) -> bytes:
    return compressed[:-8] + bytes(byte ^ 1 for byte in compressed[CHECKSUM]) + compressed[-4:]


@pytest.mark.parametrize(
    ("name", "content", "bars", "said"),
    [
        pytest.param("b.json.gz", b"", 1, "is empty.", id="an upload that was broken off"),
        pytest.param(
            "b.json.gz", b"no gzip", 1, "holds no documents of the lake, one a line in JSON.", id="a text"
        ),
        pytest.param(
            "b.json.gz", gzip.compress(TWO)[:-4], 3, "is cut off.", id="cut off after the last line"
        ),
        pytest.param(
            "b.json.gz",
            gzip.compress(TWO, compresslevel=0)[:-40],
            2,
            "is cut off. has 1 of 2 lines that are no documents (line 2).",
            id="cut off in a line",
        ),
        pytest.param(
            "b.json.gz", gzip.compress(TWO)[:5], 1, "is cut off at its beginning.", id="a few bytes"
        ),
        pytest.param(
            "b.json.gz",
            _with_wrong_checksum(gzip.compress(TWO)),
            1,
            "cannot be unpacked",
            id="bits that fell",
        ),
        pytest.param(
            "b.json.gz",
            gzip.compress(TWO[:-20] + b"\n" + _lines(document(TWELVE))),
            3,
            "has 1 of 3 lines that are no documents (line 2).",
            id="a cut line between others",
        ),
        pytest.param(
            "b.json.gz",
            gzip.compress(_lines(document(TEN), document(ELEVEN, volume="many"), document("tomorrow"), "{}")),
            2,
            "has 3 of 4 lines that are no documents (line 2).",
            id="lines of something else",
        ),
        pytest.param("notes.csv", b"a,b\n1,2\n", 1, "holds no documents", id="another ending"),
    ],
)
def test_a_broken_file_costs_its_own_rows_and_is_named(
    tmp_path: Path, name: str, content: bytes, bars: int, said: str
) -> None:
    first = write_file(tmp_path, "2026-11-20", "a", [document(NINE)])
    broken = first.with_name(name)
    broken.write_bytes(content)

    with LakeEngine(tmp_path) as lake:
        for table in ("bars_latest", "bars_delivered", "bars"):
            assert lake.query(f"SELECT count(*) FROM {table}").rows == [(bars,)], table  # noqa: S608 (ours)
        assert list(lake.troubles) == [broken]
        assert lake.troubles[broken].startswith(said)


def test_files_are_read_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_BYTES", 1)
    for number, opens in enumerate((NINE, TEN, ELEVEN)):
        write_file(tmp_path, "2026-11-20", str(number), [document(opens)])
    write_parquet(tmp_path, "2026-11-20", "3", [document(TWELVE)])

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(4,)]
        assert lake.query("SELECT count(*) FROM bars").rows == [(3,)]


def test_a_file_that_unpacks_to_more_than_there_is_room_for_costs_its_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_UNPACKED", 2**20)
    first = write_file(tmp_path, "2026-11-20", "a", [document(NINE)])
    bomb = first.with_name("b.json.gz")
    bomb.write_bytes(gzip.compress(_lines(document(TEN)) + b"\n" * 2**20))

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(1,)]
        assert lake.troubles == {bomb: "holds more than 1 MB, and is not read."}


def test_files_that_unpack_to_more_than_there_is_room_for_are_read_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_UNPACKED", 2**20)
    for name, opens in (("a", NINE), ("b", TEN), ("c", ELEVEN)):
        file = write_file(tmp_path, "2026-11-20", name, [document(opens)])
        file.write_bytes(gzip.compress(_lines(document(opens)) + b"\n" * 700_000))

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(3,)]
        assert lake.troubles == {}


def test_a_time_that_is_none_costs_the_bars_of_its_file_in_the_views(tmp_path: Path) -> None:
    write_file(tmp_path, "2026-11-20", "a", [document(NINE)])
    broken = write_file(tmp_path, "2026-11-20", "b", [document(TEN, arrived_at="yesterday")])

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(1,)]
        assert lake.query("SELECT count(*) FROM bars").rows == [(2,)]
        assert "yesterday" in lake.troubles[broken]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", _lines(document(TEN))], ids=len)
def test_a_broken_parquet_file_costs_its_own_rows_and_is_named(tmp_path: Path, content: bytes) -> None:
    first = write_parquet(tmp_path, "2026-11-20", "a", [document(NINE)])
    broken = first.with_name("b.parquet")
    broken.write_bytes(content)

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(1,)]
        assert lake.query("SELECT count(*) FROM bars_parquet").rows == [(1,)]
        assert list(lake.troubles) == [broken]


@pytest.mark.parametrize("is_older_first", [True, False], ids=["the older first", "the newer first"])
def test_parquet_files_of_before_a_field_was_there_are_read(tmp_path: Path, *, is_older_first: bool) -> None:
    """As with JSON, what a file does not have is null."""
    names = "ab" if is_older_first else "ba"
    older = {name: value for name, value in document(NINE).items() if name not in {"atr_14", "vwap_20"}}
    write_parquet(tmp_path, "2026-11-20", names[0], [older])
    write_parquet(tmp_path, "2026-11-20", names[1], [document(TEN, atr_14=0.5)])

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_latest").rows == [(2,)]
        assert lake.query("SELECT count(*) FROM bars_parquet").rows == [(2,)]
        assert lake.query("SELECT atr_14, vwap_20 FROM bars_latest ORDER BY open_time").rows == [
            (None, None),
            (0.5, None),
        ]


def test_what_athena_does_not_see_is_no_part_of_the_lake(tmp_path: Path) -> None:
    """A whole bucket was copied here, by way of a Mac; a file is being written, another was set aside."""
    write_file(tmp_path, "2026-11-20", "a", [document(NINE)])
    other = gzip.compress(_lines(document(TEN)))
    for place in (
        "bars/dt=2026-11-20/._a.json.gz",
        "bars/dt=2026-11-20/_a.json.gz",
        "bars/dt=2026-11-20/.a.json.gz.part",
        "bars/dt=2026-11-20/_temporary/a.json.gz",
        "processing-failed/dt=2026-11-20/a.json.gz",
        "format-conversion-failed/dt=2026-11-20/a.json.gz",
        "search/processing-failed/dt=2026-11-20/a.json.gz",
        "redriven/processing-failed/dt=2026-11-20/a.json.gz",
        "athena-results/bars/dt=2026-11-20/a.json.gz",
        "kept/set-aside/bars/dt=2026-11-20/a.json.gz",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(other)

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_delivered").rows == [(1,)]
        assert lake.troubles == {}


@pytest.mark.parametrize(
    "place", ["bars/a.json.gz", "bars/dt=today/a.json.gz", "bars-parquet/2026/a.parquet"]
)
def test_what_lies_beside_the_days_is_named(tmp_path: Path, place: str) -> None:
    write_file(tmp_path, "2026-11-20", "a", [document(NINE)])
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(gzip.compress(_lines(document(TEN))))

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT count(*) FROM bars_delivered").rows == [(1,)]
        ((stray, reason),) = lake.troubles.items()
        assert stray in {tmp_path / place, (tmp_path / place).parent}
        assert "no folder of a day" in reason


def test_files_are_read_whatever_they_end_with_and_however_deep_in_their_day(tmp_path: Path) -> None:
    """So does Athena, which looks at the folder, and unpacks what is packed."""
    day = write_file(tmp_path, "2026-11-20", "a", [document(NINE)]).parent
    (day / "b.json").write_bytes(_lines(document(TEN)).rstrip())
    (day / "hour").mkdir()
    two = gzip.compress(_lines(document(ELEVEN))) + gzip.compress(_lines(document(TWELVE)))
    (day / "hour" / "c").write_bytes(two)

    with LakeEngine(tmp_path) as lake:
        assert lake.query("SELECT dt, count(*) FROM bars_delivered GROUP BY dt").rows == [("2026-11-20", 4)]
        assert lake.troubles == {}


def test_whole_numbers_are_divided_as_athena_divides_them(tmp_path: Path) -> None:
    assert LakeEngine(tmp_path).query("SELECT 7 / 2, 7e0 / 2, -7 / 2").rows == [(3, 3.5, -3)]


def test_max_by_takes_the_row_even_if_what_it_holds_is_null(tmp_path: Path) -> None:
    write_file(tmp_path, "2026-11-20", "a", [document(NINE, volume=5.0), document(TEN, volume=None)])

    answer = LakeEngine(tmp_path).query(
        "SELECT max_by(volume, open_time), min_by(volume, open_time) FROM bars_latest"
    )

    assert answer.rows == [(None, 5.0)]


def test_a_column_called_interval_needs_no_quotes() -> None:
    assert to_duckdb("SELECT interval FROM bars") == 'SELECT "interval" FROM "bars"'


@pytest.mark.parametrize(
    "sql", ["SELECT 1.5 AS a;", "-- one\nSELECT 1.5 AS a; -- two; three\n;", "(SELECT 1.5 AS a)"]
)
def test_a_decimal_is_a_number_and_an_empty_statement_is_none(tmp_path: Path, sql: str) -> None:
    answer = LakeEngine(tmp_path).query(sql)

    assert answer.columns == ("a",)
    assert [(value, type(value)) for (value,) in answer.rows] == [(1.5, float)]


@pytest.mark.parametrize("name", ["gone", "gone.json.gz", "notes.txt"])
def test_a_place_that_is_not_there_or_holds_no_documents_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(LakeQueryError, match=name):
        LakeEngine(tmp_path / name)
    with pytest.raises(LakeQueryError, match=name):
        LakeEngine([tmp_path, tmp_path / name])
