"""Documents of the invented market: what the transform makes of its bars, one after the other."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from stockstream.windows import Windows
from stockstream_dashboards.invented_documents import invent_bars, make_documents

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def test_bars_open_and_end_within_the_time_that_is_asked_for() -> None:
    bars = invent_bars("fx:EUR/USD", "5min", OPEN, OPEN + timedelta(minutes=15))

    assert [bar.open_time for bar in bars] == [
        "2026-11-20T14:30:00Z", "2026-11-20T14:35:00Z", "2026-11-20T14:40:00Z",
    ]  # fmt: skip


def test_a_minute_without_trades_has_no_bar() -> None:
    bars = invent_bars("IBM", "1min", OPEN, OPEN + timedelta(hours=6, minutes=30))

    assert 340 < len(bars) < 390
    assert bars[0].open_time >= "2026-11-20T14:30:00Z"
    assert bars[-1].open_time <= "2026-11-20T20:59:00Z"


def test_a_document_has_the_averages_of_the_bars_before_it_and_arrives_after_the_delay() -> None:
    bars = invent_bars("crypto:BTC/USD", "1min", OPEN, OPEN + timedelta(minutes=30))

    documents = list(make_documents(bars, timedelta(seconds=2), Windows(sma=(10,), ema=(3,))))

    means = pd.Series([bar.close for bar in bars]).rolling(10).mean()
    assert [document["sma_10"] for document in documents[:9]] == [None] * 9
    assert [document["sma_10"] for document in documents[9:]] == pytest.approx(list(means[9:]))
    assert documents[0]["as_of"] == "2026-11-20T14:31:01.100Z"
    assert documents[0]["arrived_at"] == "2026-11-20T14:31:03.100Z"
    assert "sma_20" not in documents[-1]
