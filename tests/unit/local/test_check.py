"""The second opinion: right by numbers worked out elsewhere, and quick to see a wrong one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import talib

from stockstream.fields import list_fields
from stockstream.instruments import Instrument, parse_instrument
from stockstream.times import format_instant
from stockstream.windows import Windows
from stockstream_local.check import LOOKBACK_CLOSES, Checker, expected_numbers
from stockstream_local.market.invented import MarketBar, bars
from stockstream_local.market.replay import InventedMarket, ReplayMarket

NOW = datetime(2026, 11, 20, 15, 30, 40, tzinfo=UTC)
IBM = parse_instrument("IBM")
KEY = "ours"


def bar(close: float, volume: int | None = 100) -> MarketBar:
    return MarketBar(NOW, close, close + 1, close - 1, close, volume)


def test_agrees_with_sums_worked_by_hand() -> None:
    numbers = expected_numbers([bar(float(close), volume=close) for close in range(1, 22)])

    assert numbers["lookback_bars"] == 20
    assert numbers["sma_5"] == 19  # (17 + 18 + 19 + 20 + 21) / 5
    assert numbers["sma_20"] == 11.5  # (2 + ... + 21) / 20
    assert numbers["sma_50"] is None
    assert numbers["ema_26"] is None
    assert numbers["return_1"] == pytest.approx(1 / 20)
    assert numbers["return_5"] == pytest.approx(5 / 16)
    assert numbers["rsi_14"] == 100  # nothing but gains
    # The typical price is the close, and so is the volume: the sum of squares over the sum, 2 to 21.
    assert numbers["vwap_20"] == pytest.approx(3310 / 230)


def test_agrees_with_talib_and_pandas() -> None:
    history = bars(IBM, "1min", NOW, 200)
    closes = pd.Series([each.close for each in history])
    prices = np.array([each.close for each in history])
    volumes = pd.Series([float(each.volume or 0) for each in history])
    typical = pd.Series([(each.high + each.low + each.close) / 3 for each in history])
    logs = pd.Series(np.log(prices)).diff()
    numbers = expected_numbers(history)

    assert numbers["sma_200"] == pytest.approx(talib.SMA(prices, 200)[-1])
    assert numbers["ema_12"] == pytest.approx(talib.EMA(prices, 12)[-1])
    assert numbers["ema_26"] == pytest.approx(talib.EMA(prices, 26)[-1])
    assert numbers["rsi_14"] == pytest.approx(talib.RSI(prices, 14)[-1])
    upper, _, lower = talib.BBANDS(prices, 20, 2, 2)
    assert numbers["bollinger_upper_20"] == pytest.approx(upper[-1])
    assert numbers["bollinger_lower_20"] == pytest.approx(lower[-1])
    assert numbers["volatility_20"] == pytest.approx(logs.rolling(20).std().iloc[-1])
    assert numbers["log_return_1"] == pytest.approx(logs.iloc[-1])
    line, signal, histogram = talib.MACD(prices, 12, 26, 9)
    # TA-Lib begins its fast average with the slow one: 200 closes later that is a millionth of the price.
    assert numbers["macd_12_26_9"] == pytest.approx(line[-1], abs=1e-7 * prices[-1])
    assert numbers["macd_signal_12_26_9"] == pytest.approx(signal[-1], abs=1e-7 * prices[-1])
    assert numbers["macd_histogram_12_26_9"] == pytest.approx(histogram[-1], abs=1e-7 * prices[-1])
    highs, lows = np.array([each.high for each in history]), np.array([each.low for each in history])
    assert numbers["atr_14"] == pytest.approx(talib.ATR(highs, lows, prices, 14)[-1])
    last = closes.tail(20)
    assert numbers["zscore_20"] == pytest.approx((last.iloc[-1] - last.mean()) / last.std(ddof=0))
    assert numbers["vwap_20"] == pytest.approx((typical * volumes).tail(20).sum() / volumes.tail(20).sum())


def test_what_the_past_is_too_short_for_is_null() -> None:
    numbers = expected_numbers([bar(10.0)])

    known = {"lookback_bars": 0, "open": 10, "high": 11, "low": 9, "close": 10, "volume": 100}
    assert {field: number for field, number in numbers.items() if number is not None} == known


def test_a_division_by_zero_is_null() -> None:
    numbers = expected_numbers([bar(10.0, volume=0)] * 30)

    assert (numbers["zscore_20"], numbers["rsi_14"], numbers["vwap_20"]) == (None, None, None)
    assert numbers["bollinger_upper_20"] == numbers["bollinger_lower_20"] == 10


@pytest.fixture
def moment() -> list[datetime]:
    return [NOW]


@pytest.fixture
def market(moment: list[datetime]) -> Iterator[ReplayMarket]:
    with ReplayMarket(InventedMarket(), clock=lambda: moment[0]) as running:
        yield running


def ask(market: ReplayMarket, key: str = KEY, **others: str) -> None:
    parameters = {"function": "TIME_SERIES_INTRADAY", "symbol": "IBM", "interval": "1min", "apikey": key}
    parameters |= others
    requests.get(f"{market.url}/query", params=parameters, timeout=60).raise_for_status()


def right_document(window: list[MarketBar], instrument: Instrument = IBM) -> dict[str, Any]:
    open_time = f"{window[-1].open_time:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "id": f"{instrument.name}|1min|{open_time}",
        "instrument": instrument.name,
        "open_time": open_time,
        "as_of": "2026-11-20T15:30:40.123Z",
        **expected_numbers(window),
    }


def test_finds_no_fault_with_right_documents(market: ReplayMarket) -> None:
    ask(market)
    checker = Checker(market, "1min", KEY)
    shown = bars(IBM, "1min", NOW, 100)

    assert [checker.find_fault(right_document(shown[:end])) for end in (1, 25, 99)] == [None, None, None]


@pytest.mark.parametrize("field", [field.name for field in list_fields(Windows()) if field.is_number])
def test_finds_a_wrong_number_whichever_it_is(market: ReplayMarket, field: str) -> None:
    ask(market)
    right = right_document(bars(IBM, "1min", NOW, 100)[:99])
    nearly = 1.0 if right[field] is None else right[field] * (1 + 1e-6)
    checker = Checker(market, "1min", KEY)

    assert f"{field} is {nearly!r} and not" in (checker.find_fault(right | {field: nearly}) or "")
    if right[field] is not None:
        assert f"{field} is None and not" in (checker.find_fault(right | {field: None}) or "")
    del right[field]
    assert f"{field} is None and not" in (checker.find_fault(right) or "")


def test_a_number_that_nobody_can_judge_is_a_fault(market: ReplayMarket) -> None:
    ask(market)
    document = right_document(bars(IBM, "1min", NOW, 100)[:99]) | {"momentum_10": 1.0}

    assert "momentum_10 has no second opinion" in (Checker(market, "1min", KEY).find_fault(document) or "")


def test_finds_a_bar_that_was_still_forming(market: ReplayMarket) -> None:
    ask(market)
    document = right_document(bars(IBM, "1min", NOW, 100))

    assert "no such finished bar" in (Checker(market, "1min", KEY).find_fault(document) or "")


def test_finds_a_bar_that_was_never_shown(market: ReplayMarket) -> None:
    ask(market)
    document = right_document(bars(IBM, "1min", NOW, 100)[:99]) | {"open_time": "2020-01-01T00:00:00Z"}

    assert "no such finished bar" in (Checker(market, "1min", KEY).find_fault(document) or "")


def test_what_was_imported_the_market_cannot_judge(market: ReplayMarket) -> None:
    document = {"id": "X|1min|2020-01-02T15:00:00Z", "instrument": "X", "source": "import"}

    assert Checker(market, "1min", KEY).find_fault(document) is None


def test_finds_an_instrument_that_was_never_asked_for(market: ReplayMarket) -> None:
    ask(market, key="somebody else's")
    document = right_document(bars(IBM, "1min", NOW, 100)[:99])

    assert "never asked" in (Checker(market, "1min", KEY).find_fault(document) or "")


def test_expects_what_was_known_when_the_document_was_made(
    market: ReplayMarket, moment: list[datetime]
) -> None:
    # GIVEN a moment at which the market shows a bar that it is going to revise
    def final(at: datetime) -> list[MarketBar]:
        return bars(IBM, "1min", at + timedelta(minutes=10), 120)

    moments = (NOW + timedelta(minutes=minute) for minute in range(100))
    then = next(at for at in moments if set(bars(IBM, "1min", at, 90)[:-1]) - set(final(at)))
    for moment[0] in (then, then + timedelta(minutes=10)):
        ask(market)
    # WHEN a document is made of what was known then
    document = right_document(bars(IBM, "1min", then, 100)[:99])
    checker = Checker(market, "1min", KEY)
    # THEN it is right for its moment, and wrong for a later one
    assert checker.find_fault(document | {"as_of": format_instant(then)}) is None
    assert checker.find_fault(document | {"as_of": format_instant(moment[0])}) is not None


def test_expects_a_hole_where_the_market_was_not_asked_for_hours(
    market: ReplayMarket, moment: list[datetime]
) -> None:
    # GIVEN a machine that slept, and answers that leave a hole between them
    ask(market)
    moment[0] = NOW + timedelta(hours=5)
    ask(market)
    before, after = (bars(IBM, "1min", at, 100)[:-1] for at in (NOW, moment[0]))
    # WHEN a document's look-back spans the hole
    document = right_document([*before, *after[:50]]) | {"as_of": format_instant(moment[0])}
    # THEN it is right, and one with the bars that nobody was shown is wrong
    unseen = right_document(bars(IBM, "1min", after[49].open_time + timedelta(minutes=1), 149))
    checker = Checker(market, "1min", KEY)
    assert document["open_time"] == unseen["open_time"]
    assert checker.find_fault(document) is None
    assert checker.find_fault(unseen | {"as_of": document["as_of"]}) is not None


def test_goes_on_with_what_an_earlier_one_knew(market: ReplayMarket, moment: list[datetime]) -> None:
    # GIVEN a run that ended, and an hour later another one
    ask(market)
    first = Checker(market, "1min", KEY)
    kept = json.loads(json.dumps(first.remember()))
    market.requests.clear()
    moment[0] = NOW + timedelta(hours=1)
    ask(market)
    checker = Checker(market, "1min", KEY)
    checker.restore(kept, moment[0])
    # WHEN a document's look-back goes back to the first run
    before = {bar.open_time: bar for bar in bars(IBM, "1min", NOW, 100)[:-1]}
    after = {bar.open_time: bar for bar in bars(IBM, "1min", moment[0], 100)[:-1]}
    history = sorted((before | after).values(), key=lambda bar: bar.open_time)
    document = right_document(history) | {"as_of": format_instant(moment[0])}
    # THEN it is right, and one that forgot the first run is wrong
    assert document["lookback_bars"] > 100
    assert checker.find_fault(document) is None
    forgetful = right_document(list(after.values())) | {"as_of": format_instant(moment[0])}
    assert "lookback_bars is 98 and not" in (checker.find_fault(forgetful) or "")


def test_what_was_known_before_it_began_is_not_judged(market: ReplayMarket) -> None:
    checker = Checker(market, "1min", KEY)
    checker.restore({}, NOW + timedelta(seconds=1))

    assert checker.find_fault(right_document(bars(IBM, "1min", NOW, 3)) | {"close": 1.0}) is None


def test_what_is_known_of_other_intervals_is_handed_on(market: ReplayMarket) -> None:
    kept = {"IBM|5min": [["2026-11-20T15:30:00Z", 1.0, 1.0, 1.0, 1.0, 7]]}
    checker = Checker(market, "1min", KEY)
    checker.restore(kept, NOW)

    assert checker.remember() == kept
    five = Checker(market, "5min", KEY)
    five.restore(kept, NOW)
    assert five.remember() == kept


def test_of_a_long_answer_it_expects_what_fills_the_gap(market: ReplayMarket, moment: list[datetime]) -> None:
    """The producer takes 1,100 bars from before the gap, for look-backs, and all after it."""
    ask(market)
    moment[0] = NOW + timedelta(hours=5)
    ask(market, outputsize="full")
    checker = Checker(market, "1min", KEY)
    newest = bars(IBM, "1min", NOW, 2)[0].open_time
    shown = bars(IBM, "1min", moment[0], 2_000)[:-1]
    first = next(place for place, bar in enumerate(shown) if bar.open_time > newest)
    taken = shown[first - 1_100 :]

    for end in (1, 30, len(taken)):
        document = right_document(taken[max(0, end - 1 - LOOKBACK_CLOSES) : end])
        assert checker.find_fault(document | {"as_of": format_instant(moment[0])}) is None
