"""Recorded answers as a market: what they are about, and that they are served as they are."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stockstream.instruments import parse_instrument
from stockstream_local.market.alphavantage import write_answer
from stockstream_local.market.invented import MarketBar, bars
from stockstream_local.market.recording import Recording, RecordingError

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
ASKED = {"function": "TIME_SERIES_INTRADAY", "symbol": "IBM", "interval": "1min", "apikey": "any"}

type Json = dict[str, Any]

PRICES = {"1. open": "10.0000", "2. high": "12.0000", "3. low": "9.5000", "4. close": "11.0000"}
EQUITY: Json = {
    "Meta Data": {
        "1. Information": "Intraday (1min) prices and volumes",
        "2. Symbol": "IBM",
        "3. Last Refreshed": "2025-07-01 09:31:00",
        "4. Interval": "1min",
        "5. Output Size": "Compact",
        "6. Time Zone": "US/Eastern",
    },
    "Time Series (1min)": {
        "2025-07-01 09:31:00": PRICES | {"5. volume": "700"},
        "2025-07-01 09:30:00": PRICES | {"5. volume": "600"},
    },
}
FX: Json = {
    "Meta Data": {
        "2. From Symbol": "EUR",
        "3. To Symbol": "USD",
        "5. Interval": "5min",
        "7. Time Zone": "UTC",
    },
    "Time Series FX (5min)": {"2025-07-01 09:30:00": PRICES},
}
CRYPTO: Json = {
    "Meta Data": {
        "2. Digital Currency Code": "ETH",
        "4. Market Code": "USD",
        "7. Interval": "15min",
        "9. Time Zone": "UTC",
    },
    "Time Series Crypto (15min)": {"2025-07-01 09:30:00": PRICES | {"5. volume": 636}},
}


def recorded(tmp_path: Path, answer: Json) -> Recording:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    return Recording(path)


@pytest.mark.parametrize(
    ("answer", "name", "interval", "newest"),
    [
        # New York is four hours behind UTC in July.
        (EQUITY, "IBM", "1min", MarketBar(datetime(2025, 7, 1, 13, 31, tzinfo=UTC), 10, 12, 9.5, 11, 700)),
        (FX, "fx:EUR/USD", "5min", MarketBar(datetime(2025, 7, 1, 9, 30, tzinfo=UTC), 10, 12, 9.5, 11, None)),
        (
            CRYPTO,
            "crypto:ETH/USD",
            "15min",
            MarketBar(datetime(2025, 7, 1, 9, 30, tzinfo=UTC), 10, 12, 9.5, 11, 636),
        ),
    ],
    ids=["equity", "fx", "crypto"],
)
def test_knows_what_it_is_about(
    tmp_path: Path, answer: Json, name: str, interval: str, newest: MarketBar
) -> None:
    recording = recorded(tmp_path, answer)

    assert recording.instrument == parse_instrument(name)
    assert recording.interval == interval
    assert recording.bars[-1] == newest
    assert not recording.is_stamped_by_end


@pytest.mark.parametrize(
    ("volume", "read"),
    [("700", 700), ("1234.0", 1234), ("0.53", 0.53), (0.53, 0.53), ("", None), (None, None), ("0", 0)],
)
def test_reads_a_volume_as_the_producer_does(
    tmp_path: Path, volume: str | float | None, read: float | None
) -> None:
    answer = CRYPTO | {"Time Series Crypto (15min)": {"2025-07-01 09:30:00": PRICES | {"5. volume": volume}}}

    assert recorded(tmp_path, answer).bars[0].volume == read


def test_takes_a_symbol_in_small_letters(tmp_path: Path) -> None:
    meta = EQUITY["Meta Data"] | {"2. Symbol": "brk-b"}

    recording = recorded(tmp_path, EQUITY | {"Meta Data": meta})

    assert recording.instrument.name == "BRK.B"
    assert recording.answer(ASKED | {"symbol": "BRK-B"}, NOW) == (tmp_path / "answer.json").read_bytes()


@pytest.mark.parametrize(
    ("stamp", "row"),
    [
        ("2025-07-01 09:32:00", PRICES | {"4. close": "0.0000"}),
        ("2025-07-01 09:32:00", PRICES | {"2. high": "1_2"}),
        ("2025-07-01 09:32:37", PRICES),
        # In New York the clocks went from 2:00 to 3:00.
        ("2025-03-09 02:30:00", PRICES),
        ("1970-01-02 09:30:00", PRICES),
    ],
    ids=["zero", "underscore", "between", "skipped", "1970"],
)
def test_leaves_out_the_bars_that_the_producer_rejects(tmp_path: Path, stamp: str, row: Json) -> None:
    good = EQUITY["Time Series (1min)"]

    recording = recorded(tmp_path, EQUITY | {"Time Series (1min)": good | {stamp: row}})

    assert [bar.volume for bar in recording.bars] == [600, 700]
    with pytest.raises(RecordingError, match="0 bars that the producer would take, of 1: BAD_"):
        recorded(tmp_path, EQUITY | {"Time Series (1min)": {stamp: row}})


def test_refuses_invented_sample_data(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="sample data"):
        recorded(tmp_path, EQUITY | {"message": "This is sample data for illustration."})


def test_its_bars_are_oldest_first(tmp_path: Path) -> None:
    assert [bar.volume for bar in recorded(tmp_path, EQUITY).bars] == [600, 700]


def test_serves_the_bytes_of_the_file(tmp_path: Path) -> None:
    recording = recorded(tmp_path, EQUITY)

    assert recording.answer(ASKED, NOW) == (tmp_path / "answer.json").read_bytes()
    assert recording.answer(ASKED | {"outputsize": "full"}, NOW) == (tmp_path / "answer.json").read_bytes()


@pytest.mark.parametrize("other", [{"symbol": "MSFT"}, {"interval": "5min"}], ids=str)
def test_refuses_what_was_not_recorded(tmp_path: Path, other: dict[str, str]) -> None:
    assert b"Invalid API call" in recorded(tmp_path, EQUITY).answer(ASKED | other, NOW)


def test_refuses_a_request_without_a_key(tmp_path: Path) -> None:
    assert b"apikey is invalid or missing" in recorded(tmp_path, EQUITY).answer(ASKED | {"apikey": ""}, NOW)


def test_tells_the_bars_that_it_showed(tmp_path: Path) -> None:
    recording = recorded(tmp_path, EQUITY)

    assert recording.bars_at(recording.instrument, "1min", NOW, 100) == recording.bars
    assert recording.bars_at(recording.instrument, "5min", NOW, 1) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"Information": "standard API rate limit is 25 requests per day"}, "Meta Data"),
        ({"Meta Data": ["not", "an", "object"]}, "no recorded intraday answer"),
        (EQUITY | {"Time Series (1min)": {}}, "0 bars"),
        (EQUITY | {"Meta Data": EQUITY["Meta Data"] | {"6. Time Zone": "Atlantis/Centre"}}, "Atlantis"),
        (EQUITY | {"Meta Data": EQUITY["Meta Data"] | {"4. Interval": "2min"}}, "2min"),
        (EQUITY | {"Time Series (1min)": {"yesterday": PRICES}}, "0 bars .* yesterday"),
    ],
    ids=["refusal", "list", "empty", "zone", "interval", "stamp"],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, answer: Json, told: str) -> None:
    with pytest.raises(RecordingError, match=told):
        recorded(tmp_path, answer)


def test_says_that_a_file_is_missing_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"missing\.json cannot be read: No such file"):
        Recording(tmp_path / "missing.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(RecordingError, match="cannot be read as JSON"):
        Recording(tmp_path / "text.json")


@pytest.mark.parametrize(("year", "is_stamped_by_end"), [(2017, True), (2025, False)])
def test_a_whole_answer_comes_back_and_tells_by_its_year_what_its_stamps_mean(
    tmp_path: Path, year: int, *, is_stamped_by_end: bool
) -> None:
    instrument, moment = parse_instrument("MSFT"), datetime(year, 12, 18, 19, 57, tzinfo=UTC)
    shown = bars(instrument, "1min", moment, 100)
    path = tmp_path / "recorded.json"
    path.write_bytes(write_answer({"interval": "1min"}, instrument, shown))

    recording = Recording(path)

    assert (recording.instrument.name, recording.interval) == ("MSFT", "1min")
    assert recording.bars == shown
    assert recording.is_stamped_by_end == is_stamped_by_end
