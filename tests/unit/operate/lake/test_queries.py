"""The saved queries, on answers worked out by hand."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from delivered_files import document, write_file

from stockstream.fields import list_fields
from stockstream.splits import Split
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.splits import keep_splits
from stockstream_operate.lake.sql import make_lake_sql

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Asks a saved query of the documents: its rows as dictionaries."""

    def answer(name: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        write_file(tmp_path, "2026-11-20", "a", documents)
        with LakeEngine(tmp_path) as lake:
            columns, rows = lake.query(lake.lake_sql.queries[name].sql)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return answer


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute)  # noqa: DTZ001 (UTC, as SQL has it)


def utc(day: int, hour: int, minute: int = 0) -> str:
    return at(day, hour, minute).isoformat() + "Z"


def tell_of_splits(lake: Path, instrument: str, *splits: Split) -> None:
    keep_splits({instrument: splits}, lake)


def pick(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_the_latest_bar_of_each_instrument_and_interval(ask: Any) -> None:
    rows = ask(
        "latest bar of each instrument",
        [
            document(utc(20, 14, 31), 101.0, as_of=utc(20, 15).replace("Z", ".000Z")),
            document(utc(20, 14, 31), 102.0, as_of=utc(20, 16).replace("Z", ".000Z"), volume=None),
            # An older bar, revised later than all.
            document(utc(20, 14, 30), 99.0, as_of=utc(20, 18).replace("Z", ".000Z")),
            document(utc(20, 14, 30), 77.0, interval="5min"),
            document(utc(20, 9), 1.25, instrument="fx:EUR/USD"),
        ],
    )

    assert pick(rows, "instrument", "interval", "open_time", "close", "volume") == [
        ("IBM", "1min", at(20, 14, 31), 102.0, None),
        ("IBM", "5min", at(20, 14, 30), 77.0, 1000.0),
        ("fx:EUR/USD", "1min", at(20, 9), 1.25, 1000.0),
    ]


def test_a_daily_bar_spans_the_trading_day_of_the_exchange(ask: Any) -> None:
    """New York's after-hours of Friday end on Saturday in UTC, at 01:00."""
    rows = ask(
        "daily bars with returns",
        [
            document(utc(20, 14, 30), 100.0, open=99.0, high=103.0, low=98.0, volume=10.0),
            document(utc(20, 20, 59), 101.0, high=102.0, low=97.0, volume=None),
            document(utc(21, 0, 59), 104.0, volume=5.0),
            document(utc(23, 14, 30), 130.0, open=128.0),
            document(utc(20, 23, 59), 2.0, instrument="crypto:BTC/USD"),
            document(utc(21, 0, 0), 3.0, instrument="crypto:BTC/USD", volume=None),
        ],
    )

    assert pick(rows, "instrument", "trading_day", "open", "high", "low", "close", "volume", "bars") == [
        ("IBM", FRIDAY, 99.0, 104.0, 97.0, 104.0, 15.0, 3),
        ("IBM", MONDAY, 128.0, 130.0, 130.0, 130.0, 1000.0, 1),
        ("crypto:BTC/USD", FRIDAY, 2.0, 2.0, 2.0, 2.0, 1000.0, 1),
        ("crypto:BTC/USD", date(2026, 11, 21), 3.0, 3.0, 3.0, 3.0, None, 1),
    ]
    assert pick(rows, "return_1d") == [(None,), (130 / 104 - 1,), (None,), (0.5,)]


def test_daily_bars_are_those_that_pandas_makes(ask: Any) -> None:
    minutes = pd.date_range("2026-11-19 14:30", "2026-11-25 21:00", freq="47min", tz="UTC")
    frame = pd.DataFrame({"close": [100 + (7 * i % 31) + i / 8 for i in range(len(minutes))]}, index=minutes)
    expected = frame.tz_convert("America/New_York").resample("1D").close.ohlc()
    expected["return_1d"] = expected.close.pct_change()

    rows = ask(
        "daily bars with returns",
        [document(f"{time:%Y-%m-%dT%H:%M:%SZ}", close) for time, close in frame.close.items()],
    )

    assert pick(rows, "trading_day", "open", "high", "low", "close") == [
        (day.date(), *prices) for day, *prices in expected[["open", "high", "low", "close"]].itertuples()
    ]
    assert [row["return_1d"] for row in rows[1:]] == pytest.approx(
        expected.return_1d.iloc[1:].tolist(), rel=1e-12
    )


def test_the_biggest_movers_come_first_whichever_way_they_moved(ask: Any) -> None:
    def two_days(instrument: str, before: float, after: float) -> list[dict[str, Any]]:
        return [
            document(utc(20, 14, 30), 1.0, instrument=instrument),  # not the last close of its day
            document(utc(20, 20, 59), before, instrument=instrument),
            document(utc(23, 14, 30), after, instrument=instrument),
        ]

    rows = ask(
        "biggest movers",
        [
            *two_days("IBM", 100.0, 101.0),
            *two_days("AAPL", 200.0, 150.0),
            *two_days("MSFT", 400.0, 440.0),
            document(utc(23, 14, 30), 9.0, instrument="NEW"),  # nothing to compare with
        ],
    )

    assert pick(rows, "instrument", "trading_day", "previous_close", "close") == [
        ("AAPL", MONDAY, 200.0, 150.0),
        ("MSFT", MONDAY, 400.0, 440.0),
        ("IBM", MONDAY, 100.0, 101.0),
    ]
    assert [row["move"] for row in rows] == pytest.approx([-0.25, 0.1, 0.01])


def test_a_gap_is_between_two_bars_of_one_session(ask: Any) -> None:
    """
    IBM  20:58 . 21:00 |night| 14:30      one bar is missing; the night is no gap
    5min 14:30 . . 14:45                  two are missing
    """
    rows = ask(
        "gaps in a session",
        [
            *(document(time) for time in (utc(20, 20, 58), utc(20, 21, 0), utc(23, 14, 30), utc(23, 14, 31))),
            document(utc(20, 14, 30), interval="5min"),
            document(utc(20, 14, 45), interval="5min"),
        ],
    )

    assert pick(rows, "instrument", "interval", "trading_day", "after", "before", "missing_bars") == [
        ("IBM", "1min", FRIDAY, at(20, 20, 58), at(20, 21, 0), 1),
        ("IBM", "5min", FRIDAY, at(20, 14, 30), at(20, 14, 45), 2),
    ]


def test_a_market_without_a_closing_has_gaps_over_midnight_too(ask: Any) -> None:
    weekend = [utc(20, 21, 59), utc(22, 22, 0)]
    rows = ask(
        "gaps in a session",
        [
            *(document(time, instrument="fx:EUR/USD") for time in [*weekend, utc(22, 23, 58), utc(23, 0, 1)]),
            *(document(time, instrument="crypto:BTC/USD") for time in weekend),
        ],
    )

    assert pick(rows, "instrument", "after", "missing_bars") == [
        ("fx:EUR/USD", at(22, 23, 58), 2),
        ("fx:EUR/USD", at(22, 22, 0), 117),
        ("crypto:BTC/USD", at(20, 21, 59), 48 * 60),
    ]


def test_a_crossover_is_where_the_shorter_average_changes_sides(ask: Any) -> None:
    """
    sma_20 - sma_50:  null  -1  +1  +1   0  -1  -1
                                 up          down
    """
    spreads = [None, -1.0, 1.0, 1.0, 0.0, -1.0, -1.0]
    rows = ask(
        "moving average crossovers",
        [
            document(
                utc(20, 15, minute), sma_20=100.0 + (spread or 0), sma_50=None if spread is None else 100.0
            )
            for minute, spread in enumerate(spreads)
        ],
    )

    assert pick(rows, "open_time", "direction", "fast", "slow") == [
        (at(20, 15, 5), "down", 99.0, 100.0),
        (at(20, 15, 2), "up", 101.0, 100.0),
    ]


def test_as_known_at_a_moment_counts_what_was_known_at_that_very_moment(ask: Any) -> None:
    def known(minute: int, close: float, as_of: str) -> dict[str, Any]:
        return document(utc(20, 16, minute), close, as_of=f"2026-11-20T{as_of}Z")

    rows = ask(
        "as known at a moment",
        [
            known(57, 1.0, "16:58:02.000"),  # and never again
            known(58, 2.0, "16:59:02.000"), known(58, 2.5, "17:00:00.000"),  # revised at that moment
            known(59, 3.0, "16:59:59.999"), known(59, 3.5, "17:00:00.001"),  # just after it
            known(50, 4.0, "17:00:00.001"),  # not known at all
        ],
    )  # fmt: skip

    assert pick(rows, "close", "known_until") == [
        (1.0, None),
        (2.5, None),
        (3.0, at(20, 17).replace(microsecond=1000)),
    ]


def test_the_bars_since_a_day_leave_out_what_opened_before(ask: Any) -> None:
    rows = ask("bars since a day, from its files alone", [document(utc(19, 23, 59)), document(utc(20, 0, 0))])

    assert pick(rows, "open_time") == [(at(20, 0, 0),)]


def test_bars_before_a_split_are_shown_in_the_shares_after_it_beside_what_was_traded(
    ask: Any, tmp_path: Path
) -> None:
    tell_of_splits(tmp_path, "IBM", Split("2026-11-23T05:00:00Z", 10, 1))
    rows = ask(
        "split-adjusted bars",
        [
            document(utc(20, 20, 59), 2500.0, volume=7.0),
            # A minute after midnight in UTC, and still Sunday in New York.
            document(utc(23, 0, 1), 2510.0, volume=None),
            document(utc(23, 14, 30), 252.0, volume=70.0),
            document(utc(20, 20, 59), 400.0, instrument="MSFT", volume=3.0),
        ],
    )

    assert pick(rows, "instrument", "close", "volume") == [
        ("IBM", 2500.0, 7.0),
        ("IBM", 2510.0, None),
        ("IBM", 252.0, 70.0),
        ("MSFT", 400.0, 3.0),
    ]
    assert [row["adjusted_close"] for row in rows] == pytest.approx([250.0, 251.0, 252.0, 400.0], rel=1e-12)
    assert rows[1]["adjusted_volume"] is None
    known = [row["adjusted_volume"] for row in rows if row["volume"] is not None]
    assert known == pytest.approx([70.0, 70.0, 3.0], rel=1e-12)


def test_splits_of_one_share_are_multiplied(ask: Any, tmp_path: Path) -> None:
    tell_of_splits(tmp_path, "IBM", Split("2026-11-23T05:00:00Z", 3, 2), Split("2026-12-01T05:00:00Z", 1, 8))
    rows = ask("split-adjusted bars", [document(utc(20, 14, 30), 100.0), document(utc(23, 14, 30), 70.0)])

    # A hundred became 66.67 in new shares, and 533.33 when eight of these became one.
    assert [row["adjusted_close"] for row in rows] == pytest.approx([100 * 2 / 3 * 8, 70 * 8], rel=1e-12)


def test_a_return_over_a_split_is_that_of_the_holding(ask: Any, tmp_path: Path) -> None:
    tell_of_splits(tmp_path, "IBM", Split("2026-11-23T05:00:00Z", 10, 1))
    documents = [document(utc(20, 20, 59), 2500.0), document(utc(23, 14, 30), 252.0)]

    (_, monday) = ask("daily bars with returns", documents)
    (move,) = ask("biggest movers", documents)

    assert (monday["return_1d"], move["move"]) == pytest.approx((252 / 250 - 1,) * 2, rel=1e-12)
    assert move["previous_close"] == pytest.approx(250.0, rel=1e-12)


# What each query finds of four bars: 99 of Friday 14:30, then 101 of 14:31, 102 of 14:35 and 111 of Monday.
FOUND_WITH_NULLS = {
    # Its moment is on Friday.
    "as known at a moment": ("close", [99.0, 101.0, 102.0]),
    "bars since a day, from its files alone": ("close", [99.0, 101.0, 102.0, 111.0]),
    "biggest movers": ("close", [111.0]),
    "daily bars with returns": ("close", [102.0, 111.0]),
    "gaps in a session": ("missing_bars", [3]),
    "latest bar of each instrument": ("close", [111.0]),
    "moving average crossovers": ("close", []),
    "split-adjusted bars": ("close", [99.0, 101.0, 102.0, 111.0]),
}


@pytest.mark.parametrize("name", make_lake_sql(Windows()).queries)
def test_a_query_answers_where_all_is_null_that_may_be(ask: Any, name: str) -> None:
    empty = {field.name: None for field in list_fields(Windows()) if field.null}
    bars = [(utc(20, 14, 31), 101.0), (utc(20, 14, 35), 102.0), (utc(23, 14, 30), 111.0)]

    rows = ask(name, [document(utc(20, 14, 30), 99.0), *(document(*bar) | empty for bar in bars)])

    column, found = FOUND_WITH_NULLS[name]
    assert [row[column] for row in rows] == found
