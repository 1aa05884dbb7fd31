"""How long bars take from their end into the stream, as the metric has it; worked out by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState
from producer.publishing.sending import Published
from producer.report import report_delays
from stockstream.instruments import parse_instrument
from stockstream.observability import metrics
from stockstream.times import format_time

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
NOW = datetime(2026, 11, 20, 15, 0, 31, tzinfo=UTC)
KNOWN = Ledger(instruments={"IBM": RequestState(newest=NOW - timedelta(minutes=9))})


@pytest.fixture(autouse=True)
def _clear() -> Iterator[None]:
    metrics.clear_metrics()
    yield
    metrics.clear_metrics()


def measured(new: dict[str, list[str]], *, known: Ledger = KNOWN, hours: str = "always") -> list[float]:
    watchlist = Watchlist((IBM, MSFT), "1min", hours)
    published = {name: Published(new=times) for name, times in new.items()}
    report_delays([Fetched([IBM, MSFT], NOW, published=published, published_at=NOW)], watchlist, known)
    metric: dict[str, Any] = metrics.metric_set.get("BarDelaySeconds", {"Value": []})
    return list(metric["Value"])


def test_each_new_bar_counts_from_its_end() -> None:
    assert measured({"IBM": ["2026-11-20T14:58:00Z", "2026-11-20T14:59:00Z"]}) == [31.0, 91.0]


def test_what_the_first_answer_about_an_instrument_brings_does_not_count() -> None:
    assert measured({"MSFT": ["2026-11-20T14:59:00Z"]}) == []


def test_where_nothing_is_new_nothing_is_measured() -> None:
    assert measured({"IBM": [], "MSFT": []}) == []
    assert "BarDelaySeconds" not in metrics.metric_set


def test_of_many_as_many_are_measured_as_a_line_holds_with_their_percentiles() -> None:
    minutes = [NOW.replace(second=0) - timedelta(minutes=number) for number in range(1, 1201)]
    values = measured({"IBM": [format_time(minute) for minute in minutes]})

    everything = [31.0 + 60 * number for number in range(1200)]
    assert len(values) == 50  # half of what a line takes
    # The quickest and the slowest are among them.
    assert (values[0], values[-1]) == (31.0, 31.0 + 60 * 1199)
    for percent in (0, 50, 99, 100):
        assert np.percentile(values, percent) == pytest.approx(np.percentile(everything, percent), rel=0.02)
