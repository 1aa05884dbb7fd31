"""The lake's answers as the browser takes them."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from stockstream_operate.lake.result import Result
from stockstream_operate.page.candles import say_length, seconds_of, shape_bars, shape_overview

COLUMNS = ("start", "seconds", "open", "close", "return_1")


def test_bars_become_columns_with_the_oldest_first() -> None:
    newest_first = [(120.0, 60, 2.0, 2.5, 0.25), (60.0, 60, 1.0, 2.0, None)]

    shaped = shape_bars(Result(COLUMNS, newest_first), "1min", ["return_1"])

    assert shaped == {
        "seconds": 60,
        "length": "1 minute",
        "is_longer": False,
        "start": [60, 120],
        "open": [1.0, 2.0],
        "close": [2.0, 2.5],
        "return_1": [None, 0.25],
    }


def test_returns_of_longer_bars_are_those_of_their_closes() -> None:
    closes = [100.0, 101.5, 99.0, 99.0, 120.25]
    rows = [(300.0 * place, 300, 1.0, close, 0.5) for place, close in enumerate(closes)][::-1]

    shaped = shape_bars(Result(COLUMNS, rows), "1min", ["return_1"])

    assert shaped["is_longer"]
    assert shaped["return_1"][0] is None
    assert shaped["return_1"][1:] == pytest.approx(list(pd.Series(closes).pct_change()[1:]), rel=1e-9)


def test_no_bars_are_empty_columns_of_the_lake_s_length() -> None:
    shaped = shape_bars(Result(COLUMNS, []), "5min", ["return_1"])

    assert (shaped["start"], shaped["close"], shaped["seconds"]) == ([], [], 300)


def test_numbers_lose_the_bits_that_say_nothing() -> None:
    shaped = shape_bars(Result(COLUMNS, [(0.0, 60, 283.04985999999997, 1e-9, None)]), "1min", [])

    assert (shaped["open"], shaped["close"]) == ([283.04986], [1e-9])


def test_what_was_asked_of_some_days_and_of_the_others_is_put_together() -> None:
    columns = ("instrument", "interval", "delivered", "newest", "trading_day")
    newest = datetime(2026, 11, 20, 14, 30)  # noqa: DTZ001 (UTC, as the views have it)
    older = newest - timedelta(days=1)
    over = Result(
        columns,
        [
            ("IBM", "1min", 780, older, older.date()),
            ("IBM", "5min", 78, older, older.date()),
            ("fx:EUR/USD", "1min", 1440, older, older.date()),
        ],
    )
    today = Result(
        columns, [("IBM", "1min", 4, newest, newest.date()), ("AAPL", "1min", 1, newest, newest.date())]
    )

    shaped = shape_overview([over, today])

    assert [(each["instrument"], each["interval"], each["delivered"]) for each in shaped] == [
        ("AAPL", "1min", 1),
        ("IBM", "1min", 784),
        ("IBM", "5min", 78),
        ("fx:EUR/USD", "1min", 1440),
    ]
    assert (shaped[1]["newest"], shaped[1]["ends"], shaped[1]["trading_day"]) == (
        datetime(2026, 11, 20, 14, 30, tzinfo=UTC).timestamp(),
        datetime(2026, 11, 20, 14, 31, tzinfo=UTC).timestamp(),
        "2026-11-20",
    )
    assert shaped[2]["ends"] == datetime(2026, 11, 19, 14, 35, tzinfo=UTC).timestamp()


def test_a_moment_of_the_views_is_utc() -> None:
    assert seconds_of(datetime(1970, 1, 2)) == 86_400  # noqa: DTZ001 (as the views have it)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "1 minute"), (300, "5 minutes"), (3_600, "1 hour"), (14_400, "4 hours"), (86_400, "1 day")],
)
def test_a_length_in_words(seconds: int, words: str) -> None:
    assert say_length(seconds) == words
