"""Files as Alpha Vantage, Yahoo, Stooq, Lean and pandas write them, read into the same bars."""

import gzip
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest

from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream_operate.history import tables
from stockstream_operate.history.bars import Choices, History, read_history
from stockstream_operate.history.tables import HistoryError, read_table

AS_OF = datetime(2026, 11, 25, 12, 0, 0, 123_000, tzinfo=UTC)
IBM = Choices(parse_instrument("IBM"))

ALPHA_VANTAGE = """timestamp,open,high,low,close,volume
2026-11-20 09:35:00,282.5000,282.9000,282.1000,282.7500,12345
2026-11-20 09:30:00,282.0000,282.6000,281.9000,282.5000,20000
"""
YFINANCE = """Price,Close,High,Low,Open,Volume
Ticker,IBM,IBM,IBM,IBM,IBM
Datetime,,,,,
2026-11-20 14:30:00+00:00,282.5,282.6,281.9,282.0,20000
2026-11-20 14:35:00+00:00,282.75,282.9,282.1,282.5,12345
"""
YFINANCE_OLD = """Datetime,Open,High,Low,Close,Adj Close,Volume
2026-11-20 09:30:00-05:00,282.0,282.6,281.9,282.5,281.0,20000
2026-11-20 09:35:00-05:00,282.5,282.9,282.1,282.75,281.25,12345
"""
STOOQ = """<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>
IBM.US,5,20261120,093000,282,282.6,281.9,282.5,20000,0
IBM.US,5,20261120,093500,282.5,282.9,282.1,282.75,12345,0
"""
STOOQ_WEB = """Date,Time,Open,High,Low,Close,Volume
2026-11-20,09:30:00,282,282.6,281.9,282.5,20000
2026-11-20,09:35:00,282.5,282.9,282.1,282.75,12345
"""
# Milliseconds since midnight in New York; ten-thousandths of a dollar.
LEAN = """34200000,2820000,2826000,2819000,2825000,20000
34500000,2825000,2829000,2821000,2827500,12345
"""
LEAN_HOURS = """20261119 15:00,2820000,2826000,2819000,2825000,20000
20261119 16:00,2825000,2829000,2821000,2827500,12345
"""
GERMAN = """Zeit;Erster;Hoch;Tief;Schluss;Stück
20.11.2026 15:30;282;282.6;281.9;282.5;20000
20.11.2026 15:35;282.5;282.9;282.1;282.75;12345
"""


def bar(open_time: str, interval: str, *numbers: float) -> Bar:
    open_, high, low, close, volume = numbers
    as_of = "2026-11-25T12:00:00.123Z"
    return Bar(
        "IBM", "equity", interval, open_time, open_, high, low, close, volume, "import", as_of
    )  # fmt: skip


EXPECTED = [
    bar("2026-11-20T14:30:00Z", "5min", 282.0, 282.6, 281.9, 282.5, 20_000.0),
    bar("2026-11-20T14:35:00Z", "5min", 282.5, 282.9, 282.1, 282.75, 12_345.0),
]


def read(path: Path, choices: Choices = IBM) -> History:
    return read_history([read_table(path)], AS_OF, choices)


@pytest.mark.parametrize(
    ("name", "text", "choices"),
    [
        ("intraday_5min_IBM.csv", ALPHA_VANTAGE, IBM),
        ("yfinance.csv", YFINANCE, Choices()),
        ("yahoo.csv", YFINANCE_OLD, IBM),
        ("ibm.us.txt", STOOQ, Choices()),
        ("stooq.csv", STOOQ_WEB, IBM),
        ("20261120_ibm_minute_trade.csv", LEAN, Choices()),
        ("20261120_trade.csv", LEAN, IBM),
        (
            "german.csv",
            GERMAN,
            Choices(
                parse_instrument("IBM"),
                zone=ZoneInfo("Europe/Berlin"),
                form="%d.%m.%Y %H:%M",
                columns={
                    "time": "Zeit", "open": "Erster", "high": "Hoch", "low": "Tief", "close": "Schluss",
                    "volume": "Stück",
                },
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)  # fmt: skip
def test_the_same_bars_whoever_wrote_them(tmp_path: Path, name: str, text: str, choices: Choices) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    history = read(path, choices)

    assert history.refused == []
    assert history.bars == {("IBM", "5min"): EXPECTED}


def test_leans_hours_are_stamped_with_day_and_time(tmp_path: Path) -> None:
    path = tmp_path / "ibm.csv"
    path.write_text(LEAN_HOURS)

    assert [each.open_time for each in read(path).bars["IBM", "60min"]] == [
        "2026-11-19T20:00:00Z", "2026-11-19T21:00:00Z",
    ]  # fmt: skip


def test_leans_coins_are_no_ten_thousandths(tmp_path: Path) -> None:
    path = tmp_path / "20261120_btcusd_minute_trade.csv"
    path.write_text("0,90000.5,90001,90000,90000.25,1.5\n60000,90000.25,90002,90000,90001,0.25\n")

    (first, second) = read(path, Choices(parse_instrument("crypto:BTC/USD"))).bars["crypto:BTC/USD", "1min"]

    assert (first.open_time, first.open, first.volume) == ("2026-11-20T00:00:00Z", 90_000.5, 1.5)
    assert (second.open_time, second.close) == ("2026-11-20T00:01:00Z", 90_001.0)


@pytest.mark.parametrize("compressed", ["prices.csv.gz", "20261120_trade.zip"])
def test_compressed_files_are_read_as_they_are(tmp_path: Path, compressed: str) -> None:
    path = tmp_path / compressed
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(ALPHA_VANTAGE.encode()))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("20261120_ibm_minute_trade.csv", LEAN)

    assert read(path).bars == {("IBM", "5min"): EXPECTED}


@pytest.mark.parametrize("name", ["PRICES.CSV", "Prices.Csv.GZ", "PRICES.ZIP", "PRICES.TXT"])
def test_an_ending_may_be_in_capitals(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".ZIP":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("PRICES.CSV", ALPHA_VANTAGE)
    else:
        path.write_bytes(gzip.compress(ALPHA_VANTAGE.encode()) if "GZ" in name else ALPHA_VANTAGE.encode())

    assert read(path).bars == {("IBM", "5min"): EXPECTED}


def test_what_macos_adds_to_a_zip_file_is_no_second_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("prices.csv", ALPHA_VANTAGE)
        archive.writestr("__MACOSX/._prices.csv", b"\x00\x05\x16\x07")

    assert read(path).bars == {("IBM", "5min"): EXPECTED}


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("name", [None, "open_time", "Date"])
def test_what_pandas_writes_of_a_time_index(tmp_path: Path, zone: str | None, name: str | None) -> None:
    """Real files: CSV by pandas itself, Parquet with pandas' columns by DuckDB."""
    times = pd.to_datetime(["2026-11-20 14:30", "2026-11-20 14:35"], utc=True)
    index = times.tz_convert(zone or "America/New_York")
    frame = pd.DataFrame(
        {
            "open": [282.0, 282.5], "high": [282.6, 282.9], "low": [281.9, 282.1], "close": [282.5, 282.75],
            "volume": [20_000, 12_345],
        },
        index=(index if zone else index.tz_localize(None)).rename(name),
    )  # fmt: skip
    frame.to_csv(tmp_path / "frame.csv")
    columns = frame.reset_index(names=name or "__index_level_0__")
    with duckdb.connect() as database:
        database.register("columns", columns)
        database.sql("SELECT * FROM columns").write_parquet(str(tmp_path / "frame.parquet"))

    assert read(tmp_path / "frame.csv").bars == {("IBM", "5min"): EXPECTED}
    assert read(tmp_path / "frame.parquet").bars == {("IBM", "5min"): EXPECTED}


def test_several_instruments_in_one_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(
        "Symbol,Interval,Datetime,Open,High,Low,Close\n"
        "EURUSD=X,60min,2026-11-20 14:00,1.1,1.2,1.0,1.15\n"
        "BTC-USD,60min,1763650800,90000,90001,89999,90000.5\n"
        "tsco.lon,60min,2026-07-01 09:00,4.1,4.2,4.0,4.15\n"
        "fx:USD/JPY,1min,2026-11-20T14:00:00Z,150,151,149,150.5\n"
    )

    bars = read(path, Choices()).bars

    assert {(key, each.asset_class, each.open_time, each.volume) for key, (each,) in bars.items()} == {
        (("fx:EUR/USD", "60min"), "fx", "2026-11-20T14:00:00Z", None),
        (("crypto:BTC/USD", "60min"), "crypto", "2025-11-20T15:00:00Z", None),
        (("TSCO.LON", "60min"), "equity", "2026-07-01T08:00:00Z", None),
        (("fx:USD/JPY", "1min"), "fx", "2026-11-20T14:00:00Z", None),
    }


def test_a_time_that_is_a_bars_end_is_taken_back_to_its_start(tmp_path: Path) -> None:
    path = tmp_path / "ends.csv"
    path.write_text(ALPHA_VANTAGE.replace("09:35", "09:40").replace("09:30:00", "09:35:00"), encoding="utf-8")

    history = read(path, Choices(parse_instrument("IBM"), stamped_at_end=True))

    assert history.bars == {("IBM", "5min"): EXPECTED}


def test_the_zone_that_was_taken_is_kept_where_a_time_names_none(tmp_path: Path) -> None:
    naive, zoned = tmp_path / "naive.csv", tmp_path / "zoned.csv"
    naive.write_text(ALPHA_VANTAGE)
    zoned.write_text(YFINANCE_OLD)

    assert read(naive).zones == {"IBM": "America/New_York"}
    assert read(zoned).zones == {}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.xlsx", "x", "is neither .csv, .csv.gz, .txt, .zip nor .parquet"),
        ("a.csv", "", "is empty"),
        ("a.csv", "\xff", "has no column for time and open and high and low and close: it has 'ÿ'"),
        (
            "a.csv",
            "date,open,high,low\n",
            "no column for close: it has 'date', 'open', 'high', 'low'.",
        ),
        ("a.csv", ALPHA_VANTAGE + '"open\n', "is no CSV file in UTF-8: unexpected end of data"),
        ("a.zip", "no zip", "is no zip file"),
        ("a.csv.gz", "no gzip", "is no CSV file in UTF-8: Not a gzipped file"),
        ("a.parquet", "no parquet", "cannot be read as Parquet"),
        ("a.csv", LEAN, "has no header, and its name no day as Lean's have it"),
        ("a.csv", YFINANCE.replace("Ticker,IBM", "Ticker,SAP"), "holds 2 tickers side by side"),
        ("a.csv", "date,open,high,low,close\n2026-11-19,1,1,1,1\n2026-11-20,1,1,1,1\n", "daily bars are not"),
        ("a.csv", "date,open,high,low,close\n2026-11-19 10:00,1,1,1,1\n", "too few to tell: say --interval"),
    ],
    ids=range(12),
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(HistoryError) as raised:
        read(path)

    assert str(path) in str(raised.value) or "of IBM" in str(raised.value)
    assert told in str(raised.value)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"1" * 2**24) * 20)  # 320 MB
    tracemalloc.start()
    try:
        with pytest.raises(HistoryError, match=r"a\.csv\.gz has a line of more than 100,000 characters"):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5_000_000


def test_a_file_that_unpacks_to_more_than_can_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_CHARACTERS", 1_000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((ALPHA_VANTAGE + "\n" * 1_000).encode()))

    with pytest.raises(HistoryError, match=r"a\.csv\.gz holds more than 1,000 characters: divide it"):
        read(path)


def test_another_encoding_than_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(GERMAN.encode("latin-1"))

    with pytest.raises(HistoryError, match=r"a\.csv is no CSV file in UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("text", "choices", "told"),
    [
        (ALPHA_VANTAGE, Choices(), "does not say whose bars it holds: say it, as in --instrument IBM"),
        (
            STOOQ.replace("IBM.US,5,20261120,0935", "SAP.US,5,20261120,0935"),
            IBM,
            "of 2 instruments: leave",
        ),
        (ALPHA_VANTAGE, Choices(parse_instrument("IBM"), "15min"), "are 0:05:00 apart, and so none of 15min"),
        (
            ALPHA_VANTAGE,
            Choices(parse_instrument("IBM"), columns={"close": "Schluss"}),
            "has no column 'Schluss': it has 'timestamp',",
        ),
    ],
    ids=range(4),
)
def test_what_a_person_says_has_to_fit_the_file(
    tmp_path: Path, text: str, choices: Choices, told: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)

    with pytest.raises(HistoryError) as raised:
        read(path, choices)

    assert told in str(raised.value)
