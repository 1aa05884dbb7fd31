"""The page's questions, answered from files: what pandas says of the same bars."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from delivered_files import document, write_file

from stockstream.splits import Split
from stockstream.times import format_time
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.splits import keep_splits
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page.questions import (
    BAR_SECONDS,
    MOST_BARS,
    Newest,
    ask_bars,
    ask_newest,
    ask_overview,
)
from stockstream_operate.page.view_request import Span, ViewRequest

START = datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
LAKE_SQL = make_lake_sql(Windows())
FIELDS = ("sma_20", "rsi_14", "return_1")
BAR = ("open", "high", "low", "close", "volume")


def sessions(days: int, minutes: int = 390) -> list[dict[str, Any]]:
    """Trading days in New York, a bar a minute; each known when it has ended."""
    chance = random.Random(20261116)
    documents = []
    for day in range(days):
        for minute in range(minutes):
            opens = START + timedelta(days=day, minutes=minute)
            low, first, last, high = sorted(chance.uniform(90, 110) for _ in range(4))
            if chance.random() < 0.5:
                first, last = last, first
            known = format_time(opens + timedelta(minutes=1)).replace("Z", ".000Z")
            numbers = {"open": first, "high": high, "low": low, "volume": float(chance.randrange(5_000))}
            analytics = {name: chance.uniform(0, 100) for name in FIELDS}
            documents.append(document(format_time(opens), last, as_of=known) | numbers | analytics)
    return documents


def deliver(folder: Path, documents: list[dict[str, Any]], name: str = "0") -> None:
    for day in sorted({each["arrived_at"][:10] for each in documents}):
        write_file(folder, day, name, [each for each in documents if each["arrived_at"].startswith(day)])


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return sessions(days=5)


@pytest.fixture(scope="module")
def lake(documents: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeEngine]:
    folder = tmp_path_factory.mktemp("lake")
    deliver(folder, documents)
    with LakeEngine(folder, LAKE_SQL) as engine:
        yield engine


def see(lake: LakeEngine, request: ViewRequest, since: date | None = None) -> pd.DataFrame:
    ((opened, day),) = lake.query(ask_newest(request, since)).rows
    return table(lake.query(ask_bars(request, Newest(opened, day), FIELDS, LAKE_SQL, since)))


def table(result: Result) -> pd.DataFrame:
    return pd.DataFrame(result.rows, columns=list(result.columns))[::-1].reset_index(drop=True)


def truth(documents: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(documents)
    return frame.set_index(pd.to_datetime(frame["open_time"]))


def request(span: Span, known_at: datetime | None = None) -> ViewRequest:
    return ViewRequest("IBM", "1min", span, known_at)


def test_an_hour_is_the_last_sixty_bars_as_they_are(
    lake: LakeEngine, documents: list[dict[str, Any]]
) -> None:
    seen = see(lake, request(Span.HOUR))
    last = truth(documents).iloc[-60:]

    assert list(seen["start"]) == [moment.timestamp() for moment in last.index]
    assert set(seen["seconds"]) == {60}
    for name in (*BAR, *FIELDS):
        assert list(seen[name]) == list(last[name]), name


def test_a_session_is_the_newest_trading_day(lake: LakeEngine) -> None:
    seen = see(lake, request(Span.SESSION))

    assert len(seen) == 390
    assert seen["start"].min() == (START + timedelta(days=4)).timestamp()


def test_a_week_is_shown_in_the_shortest_length_that_fits(
    lake: LakeEngine, documents: list[dict[str, Any]]
) -> None:
    seen = see(lake, request(Span.WEEK))
    expected = (
        truth(documents)
        .resample("5min")
        .agg(
            {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "sma_20": "last"}
        )
        .dropna()
    )

    assert 5 * 390 > MOST_BARS >= len(seen) == len(expected) == 390
    assert set(seen["seconds"]) == {300}
    assert set(seen["bars"]) == {5}
    assert list(seen["start"]) == [moment.timestamp() for moment in expected.index]
    for name in expected:
        assert list(seen[name]) == pytest.approx(list(expected[name]), rel=1e-12), name


def test_what_is_too_much_for_hours_is_shown_in_days_of_the_exchange(tmp_path: Path) -> None:
    # Twelve bars around midnight in UTC, which is one evening in New York.
    documents = [
        document(
            format_time(datetime(2026, 1, 1, 23, 0, tzinfo=UTC) + timedelta(days=day, hours=hour)), day + hour
        )
        for day in range(MOST_BARS - 1)
        for hour in (0, 4, 6)
    ]
    write_file(tmp_path, "2026-01-01", "0", documents)
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        seen = see(engine, request(Span.ALL))

    days = [
        datetime.fromisoformat(each["open_time"]).astimezone(ZoneInfo("America/New_York")).date()
        for each in documents
    ]
    expected = truth(documents).groupby(days).agg({"open": "first", "close": "last"})
    assert set(seen["seconds"]) == {BAR_SECONDS[-1]}
    assert len(seen) == len(expected)
    assert list(seen["open"]) == list(expected["open"])
    assert list(seen["close"]) == list(expected["close"])


def test_a_market_without_volumes_has_none_in_longer_bars_either(tmp_path: Path) -> None:
    documents = [each | {"volume": None} for each in sessions(days=3)]
    deliver(tmp_path, documents)
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        seen = see(engine, request(Span.ALL))

    assert set(seen["seconds"]) == {300}
    assert seen["volume"].isna().all()


@pytest.mark.parametrize("since", [None, date(2026, 11, 16)], ids=["all files", "the files since a day"])
def test_a_revised_bar_has_the_numbers_that_were_known(tmp_path: Path, since: date | None) -> None:
    documents = sessions(days=1, minutes=30)
    first = documents[10]
    second = first | {"as_of": "2026-11-16T15:10:00.000Z", "close": 55.5, "low": 50.0}
    deliver(tmp_path, documents)
    deliver(tmp_path, [second], "1")
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        now = see(engine, request(Span.SESSION), since)
        before = see(engine, request(Span.SESSION, datetime(2026, 11, 16, 15, 9, 59, 999_000, UTC)), since)
        then = see(engine, request(Span.SESSION, datetime(2026, 11, 16, 15, 10, tzinfo=UTC)), since)
        early = see(engine, request(Span.SESSION, datetime(2026, 11, 16, 14, 36, tzinfo=UTC)), since)

    assert (now["close"][10], now["revised"].sum(), now["revised"][10]) == (55.5, 1, 1)
    assert (before["close"][10], before["revised"].sum()) == (first["close"], 0)
    assert then["close"].equals(now["close"])
    # A bar ends a minute after it began, and is known from then on.
    assert list(early["close"]) == [each["close"] for each in documents[:6]]
    assert now["known_from"][10] == datetime(2026, 11, 16, 15, 10, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("volume", [7.0, None])
def test_a_bar_that_is_sent_again_with_the_same_numbers_is_not_revised(
    tmp_path: Path, volume: float | None
) -> None:
    documents = [each | {"volume": volume} for each in sessions(days=1, minutes=30)]
    deliver(tmp_path, documents)
    # As the next run here sends them, which remembers none: with other look-backs.
    again = [each | {"as_of": "2026-11-16T15:10:00.000Z", "sma_20": 1.5} for each in documents]
    again[10] |= {"high": 200.0}
    deliver(tmp_path, again, "1")
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        now = see(engine, request(Span.SESSION))

    assert [start for start, revised in enumerate(now["revised"]) if revised] == [10]
    assert set(now["sma_20"]) == {1.5}


@pytest.mark.parametrize("since", [None, date(2026, 11, 16)], ids=["all files", "the files since a day"])
@pytest.mark.parametrize("days", [2, 5], ids=["each bar", "longer bars"])
def test_in_todays_shares_prices_are_divided_and_volumes_multiplied_before_each_split(
    tmp_path: Path, since: date | None, days: int
) -> None:
    """2:1 on the second day and 1:8 later: a share of the first day is a quarter of today's, 2 / 8."""
    documents = sessions(days=days)
    revised = documents[10] | {"as_of": "2026-11-17T09:00:00.000Z", "close": 104.0}
    deliver(tmp_path, documents)
    deliver(tmp_path, [revised], "1")
    second, end = "2026-11-17T05:00:00Z", "2026-12-01T05:00:00Z"
    keep_splits({"IBM": (Split(second, 2, 1), Split(end, 1, 8))}, tmp_path)
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        seen = see(engine, ViewRequest("IBM", "1min", Span.ALL, adjusted=True), since)
        traded = see(engine, request(Span.ALL), since)

    of_then = pd.to_datetime(seen["start"], unit="s") < pd.Timestamp(second).tz_localize(None)
    shares = of_then.map({True: 0.25, False: 0.125})
    assert set(seen["seconds"]) == ({60} if days == 2 else {300})
    for name in ("open", "high", "low", "close", "sma_20"):
        pd.testing.assert_series_equal(seen[name], traded[name] / shares, check_names=False)
    pd.testing.assert_series_equal(seen["volume"], traded["volume"] * shares, check_names=False)
    for name in ("start", "bars", "revised", "known_from", "rsi_14", "return_1"):
        pd.testing.assert_series_equal(seen[name], traded[name])
    assert seen["revised"].sum() == 1


def test_before_the_first_bar_nothing_was_known(lake: LakeEngine) -> None:
    asked = request(Span.ALL, START - timedelta(days=1))

    assert lake.query(ask_newest(asked)).rows == [(None, None)]


def test_the_overview_counts_deliveries_and_names_the_newest_bar(tmp_path: Path) -> None:
    documents = sessions(days=2, minutes=20)
    pair = [document("2026-11-16T15:00:00Z", 1.5, instrument="fx:EUR/USD")]
    deliver(tmp_path, documents)
    deliver(tmp_path, [*documents[:5], *pair], "1")
    with LakeEngine(tmp_path, LAKE_SQL) as engine:
        share, currency = engine.query(ask_overview()).rows
        recent = engine.query(ask_overview(date(2026, 11, 17))).rows
        older = engine.query(ask_overview(date(2026, 11, 16), date(2026, 11, 17))).rows

    newest = datetime(2026, 11, 17, 14, 49)  # noqa: DTZ001 (UTC, as the views have it)
    assert share == ("IBM", "1min", 45, newest, date(2026, 11, 17))
    assert currency[:3] == ("fx:EUR/USD", "1min", 1)
    assert recent == [("IBM", "1min", 20, newest, date(2026, 11, 17))]
    assert older == [("IBM", "1min", 25, newest - timedelta(days=1), date(2026, 11, 16)), currency]
