"""Bars for Python: what the frame holds, and a sentence for what cannot be had."""

import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from delivered_day import DeliveredDay
from delivered_files import document, write_file

from stockstream.errors import StockstreamError
from stockstream.splits import Split
from stockstream.windows import Windows
from stockstream_operate import read
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.splits import keep_splits
from stockstream_operate.lake.sql import make_lake_sql

NOON_IN_NEW_YORK = "2026-11-20T12:00:00-05:00"


@pytest.fixture(scope="module")
def day() -> DeliveredDay:
    return DeliveredDay(seed=7)


@pytest.fixture
def small_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three instruments, one of them in two intervals."""
    folder = tmp_path / "lake"
    monkeypatch.setattr(lake_access, "FOLDER", folder)
    bars = [
        document("2026-11-20T14:30:00Z", 100.0),
        document("2026-11-20T14:30:00Z", 1.16, instrument="fx:EUR/USD", volume=None),
        document("2026-11-20T14:30:00Z", 90_000.0, instrument="crypto:BTC/USD"),
        document("2026-11-20T14:30:00Z", 90_001.0, instrument="crypto:BTC/USD", interval="5min"),
    ]
    write_file(folder, "2026-11-20", "a", bars)
    return folder


def as_documents(frame: pd.DataFrame) -> dict[datetime, dict[str, Any]]:
    """The frame's rows as the day's model has them: null is None, times are UTC and have no zone."""
    rows = frame.reset_index().to_dict("records")
    plain = [{str(name): _plain(value) for name, value in row.items()} for row in rows]
    return {row["open_time"]: row for row in plain}


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.to_pydatetime().replace(tzinfo=None) if isinstance(value, pd.Timestamp) else value


def expected(day: dict[str, dict[str, Any]], instrument: str) -> dict[datetime, dict[str, Any]]:
    constant = ("id", "instrument", "asset_class", "interval")
    return {
        bar["open_time"]: {name: value for name, value in bar.items() if name not in constant}
        for bar in day.values()
        if bar["instrument"] == instrument
    }


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("instrument", ["IBM", "fx:EUR/USD", "crypto:BTC/USD"])
def test_each_bar_is_there_once_with_its_newest_numbers(day: DeliveredDay, instrument: str) -> None:
    frame = read(instrument)

    assert as_documents(frame.drop(columns="trading_day")) == expected(day.latest, instrument)
    assert frame.index.is_monotonic_increasing
    assert frame.attrs == {"instrument": instrument, "interval": "1min"}


@pytest.mark.usefixtures("lake")
def test_what_was_known_at_a_moment_has_nothing_that_came_later(day: DeliveredDay) -> None:
    known = day.known_at(datetime(2026, 11, 20, 17))  # noqa: DTZ001 (UTC, as the model has it)
    frame = read("IBM", as_of=NOON_IN_NEW_YORK)

    assert as_documents(frame.drop(columns="trading_day")) == expected(known, "IBM")
    assert frame.as_of.max() <= pd.Timestamp(NOON_IN_NEW_YORK)
    assert (read("IBM").loc[frame.index, "close"] != frame.close).sum() > 5


def test_prices_are_those_of_the_shares_of_today_where_one_asks(small_lake: Path) -> None:
    keep_splits({"IBM": [Split("2026-11-23T05:00:00Z", 10, 1)]}, small_lake)

    adjusted, traded = read("IBM", adjusted=True), read("IBM")

    assert (traded.close.tolist(), traded.volume.tolist()) == ([100.0], [1000.0])
    assert (adjusted.close.tolist(), adjusted.volume.tolist()) == ([10.0], [10_000.0])
    assert list(adjusted.columns) == list(traded.columns)


@pytest.mark.usefixtures("lake")
def test_types_are_those_of_times_and_numbers_even_where_all_is_null() -> None:
    frame = read("fx:EUR/USD", end="2026-11-20T12:01:00Z")

    assert len(frame) == 1
    assert frame.index.name == "open_time"
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert list(frame.columns[:6]) == ["open", "high", "low", "close", "volume", "sma_5"]
    assert {name: str(frame[name].dtype) for name in ("close", "volume", "sma_200", "lookback_bars")} == {
        "close": "float64", "volume": "float64", "sma_200": "float64", "lookback_bars": "Int64",
    }  # fmt: skip
    assert str(frame.as_of.dtype) == "datetime64[us, UTC]"
    assert frame.trading_day.iloc[0] == pd.Timestamp(2026, 11, 20)
    nothing = read("fx:EUR/USD", end="2020-01-01")
    assert (len(nothing), nothing.dtypes.equals(frame.dtypes), nothing.index.dtype) == (
        0, True, frame.index.dtype,
    )  # fmt: skip


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-20T15:00:00Z", "2026-11-20T15:10:00Z"),
        ("2026-11-20 15:00", "2026-11-20 15:10"),
        ("2026-11-20T10:00:00-05:00", "2026-11-20T16:10:00+01:00"),
        (datetime(2026, 11, 20, 15, tzinfo=UTC), pd.Timestamp("2026-11-20 10:10", tz="America/New_York")),
    ],
)
def test_the_start_is_taken_in_and_the_end_left_out(start: Any, end: Any) -> None:
    frame = read("IBM", start=start, end=end)

    assert [f"{each:%H:%M}" for each in frame.index] == [f"15:0{minute}" for minute in range(10)]


@pytest.mark.usefixtures("lake")
def test_a_day_is_its_first_moment_in_utc() -> None:
    assert read("crypto:BTC/USD", start=date(2026, 11, 21)).index[0] == pd.Timestamp("2026-11-21", tz="UTC")
    assert len(read("crypto:BTC/USD", end="2026-11-21")) == 720


@pytest.mark.usefixtures("small_lake")
@pytest.mark.parametrize(
    ("written", "meant"), [("ibm", "IBM"), ("EURUSD", "fx:EUR/USD"), ("eur-usd", "fx:EUR/USD")]
)
def test_a_name_that_can_mean_but_one_instrument_is_taken(written: str, meant: str) -> None:
    frame = read(written)

    assert (len(frame), frame.attrs["instrument"]) == (1, meant)


@pytest.mark.usefixtures("small_lake")
def test_one_interval_of_several_has_to_be_named() -> None:
    with pytest.raises(StockstreamError, match=r"several intervals: choose one, as in interval='1min'"):
        read("BTC-USD")

    assert read("BTC-USD", interval="5min").close.tolist() == [90_001.0]


@pytest.mark.usefixtures("small_lake")
@pytest.mark.parametrize(
    ("asked", "options", "told"),
    [
        ("IBN", {}, "no bars of 'IBN'. Did you mean IBM? It holds IBM, crypto:BTC/USD, fx:EUR/USD."),
        ("TSLA", {}, "no bars of 'TSLA'. It holds IBM,"),
        ("it's", {}, 'no bars of "it\'s". It holds IBM,'),
        ("IBM", {"interval": "5min"}, "no bars of IBM in 5min: it has 1min"),
        ("IBM", {"interval": "1h"}, "'1h' is no interval: take one of 1min, 5min,"),
        ("IBM", {"start": "2026-13-01"}, "start is '2026-13-01', and no moment: write it as 2026-11-20 or"),
        ("IBM", {"end": "yesterday"}, "end is 'yesterday', and no moment"),
        ("IBM", {"as_of": pd.NaT}, "as_of is 'NaT', and no moment"),
        ("IBM", {"as_of": "2026-11-20", "adjusted": True}, "Splits that came later were not known"),
        ("IBM", {"start": "2026-11-20", "end": "2026-11-20"}, "the end must be after the start"),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_told_in_a_sentence(asked: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(StockstreamError) as raised:
        read(asked, **options)

    assert told in str(raised.value)


def test_an_empty_lake_and_none_say_how_bars_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "lake")
    with pytest.raises(StockstreamError, match="start `make run` and wait for its first bars"):
        read("IBM")

    (tmp_path / "lake").mkdir()
    with pytest.raises(StockstreamError, match="holds no bars yet"):
        read("IBM")


def test_a_stack_in_aws_is_asked_the_same(whole_day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Athena:
        lake_sql = make_lake_sql(Windows())

        def query(self, sql: str) -> Result:
            with LakeEngine(whole_day) as engine:
                return engine.query(sql)

    def open_lake(stack: str | None) -> Athena:
        assert stack == "stockstream"
        return Athena()

    monkeypatch.setattr(lake_access, "open_lake", open_lake)

    assert len(read("IBM", stack="stockstream")) == 390


def test_the_import_is_light() -> None:
    code = "import sys; from stockstream_operate import read; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603 (this Python)

    loaded = {name.partition(".")[0] for name in said.split()}
    installed = set(packages_distributions())
    assert {"boto3", "duckdb", "pandas", "sqlglot"} <= installed
    assert {each for each in loaded & installed if not each.startswith(("_", "stockstream"))} == set()


@pytest.mark.usefixtures("small_lake")
def test_without_pandas_it_says_how_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(StockstreamError, match="pip install pandas"):
        read("IBM")
