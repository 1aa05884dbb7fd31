"""The indicators against pandas on a random walk, and against figures worked by hand."""

import random

import numpy as np
import pandas as pd
import pytest

from stockstream.indicators import (
    atr,
    bollinger,
    ema,
    log_return,
    macd,
    rsi,
    simple_return,
    sma,
    spike,
    volatility,
    vwap,
)

EXACT = 1e-11


@pytest.fixture(params=[30, 121, 200], ids=lambda length: f"{length} closes")
def closes(request: pytest.FixtureRequest) -> list[float]:
    chance = random.Random(request.param)
    price, walk = 276.0, []
    for _ in range(request.param):
        price *= 1 + chance.gauss(0, 0.001)
        walk.append(round(price, 4))
    return walk


def smooth(values: pd.Series, seed: int, alpha: float) -> float:
    """The seeded exponential average, as pandas computes it."""
    seeded = pd.Series([values.iloc[:seed].mean(), *values.iloc[seed:]])
    return float(seeded.ewm(alpha=alpha, adjust=False).mean().iloc[-1])


def test_sma_is_the_mean_of_the_last_closes(closes: list[float]) -> None:
    expected = pd.Series(closes).rolling(20).mean().iloc[-1]
    assert sma(closes, 20) == pytest.approx(expected, rel=EXACT)


def test_sma_takes_no_more_than_its_window() -> None:
    assert sma([1000.0, 1.0, 2.0, 3.0, 4.0, 5.0], 5) == 3.0


def test_sma_is_unknown_one_close_short_of_its_window() -> None:
    assert sma([1.0, 2.0, 3.0, 4.0], 5) is None


@pytest.mark.parametrize("window", [12, 26])
def test_ema_is_seeded_with_a_mean_and_runs_over_the_whole_window(closes: list[float], window: int) -> None:
    expected = smooth(pd.Series(closes), window, 2 / (window + 1))
    assert ema(closes, window) == pytest.approx(expected, rel=EXACT)


def test_ema_of_exactly_its_window_is_the_mean() -> None:
    assert ema([1.0, 2.0, 6.0], 3) == pytest.approx(3.0, rel=1e-15)


def test_ema_one_close_past_its_window_by_hand() -> None:
    # The seed is (1 + 2 + 6) / 3 = 3, alpha is 2 / 4, and 3 + (8 - 3) / 2 = 5.5.
    assert ema([1.0, 2.0, 6.0, 8.0], 3) == pytest.approx(5.5, rel=1e-15)


def test_ema_is_unknown_one_close_short_of_its_window() -> None:
    assert ema([1.0, 2.0], 3) is None


@pytest.mark.parametrize("bars", [1, 5])
def test_simple_return_is_the_change_over_the_bars(closes: list[float], bars: int) -> None:
    expected = pd.Series(closes).pct_change(bars).iloc[-1]
    assert simple_return(closes, bars) == pytest.approx(expected, abs=EXACT)


def test_simple_return_is_unknown_without_the_earlier_close() -> None:
    assert simple_return([1.0, 2.0, 3.0, 4.0, 5.0], 5) is None


def test_log_return_is_the_logarithm_of_the_change(closes: list[float]) -> None:
    assert log_return(closes) == pytest.approx(np.log(closes[-1] / closes[-2]), abs=EXACT)


@pytest.mark.parametrize(
    ("then", "now", "expected"), [(1e7, 1e-6, -29.933606208922594), (1e-6, 1e7, 29.933606208922594)]
)
def test_log_return_of_thirteen_orders_of_magnitude(then: float, now: float, expected: float) -> None:
    # Ten to the thirteenth: 13 times ln 10.
    assert log_return([then, now]) == pytest.approx(expected, rel=1e-14)


def test_log_return_keeps_the_digits_of_a_small_change() -> None:
    # ln(1 + x) = x - x**2 / 2, and 1 + 2**-40 is a float.
    assert log_return([1.0, 1.0 + 2**-40]) == pytest.approx(2**-40 - 2**-81, rel=1e-15)


def test_log_return_is_unknown_for_a_first_bar() -> None:
    assert log_return([5.0]) is None


def test_volatility_is_the_sample_deviation_of_the_last_log_returns(closes: list[float]) -> None:
    expected = pd.Series(np.log(closes)).diff().tail(20).std(ddof=1)
    assert volatility(closes, 20) == pytest.approx(expected, rel=EXACT)


def test_volatility_of_a_flat_series_is_exactly_zero() -> None:
    assert volatility([0.1] * 21, 20) == 0.0


def test_volatility_is_unknown_one_close_short() -> None:
    assert volatility([1.0] * 20, 20) is None


def test_bollinger_bands_are_two_population_deviations_about_the_mean(closes: list[float]) -> None:
    last = pd.Series(closes).tail(20)
    mean, deviation = last.mean(), last.std(ddof=0)
    upper, lower, zscore = bollinger(closes, 20)
    assert upper == pytest.approx(mean + 2 * deviation, rel=EXACT)
    assert lower == pytest.approx(mean - 2 * deviation, rel=EXACT)
    assert zscore == pytest.approx((closes[-1] - mean) / deviation, rel=1e-9)


def test_bollinger_of_a_flat_window_is_its_mean_without_a_zscore() -> None:
    assert bollinger([0.1] * 20, 20) == (0.1, 0.1, None)


def test_bollinger_survives_a_variance_far_below_the_level() -> None:
    # Alternating by 2**-20 about 10,000,000 (both are floats): the deviation is half of that, and the newest
    # is one deviation above the mean. A sum of squares of the closes would give 0 or noise.
    _, _, zscore = bollinger([1e7, 1e7 + 2**-20] * 10, 20)
    assert zscore == pytest.approx(1.0, rel=1e-14)


def test_bollinger_is_unknown_one_close_short() -> None:
    assert bollinger([1.0] * 19, 20) == (None, None, None)


def test_rsi_is_the_smoothed_share_of_the_gains(closes: list[float]) -> None:
    changes = pd.Series(closes).diff().iloc[1:].reset_index(drop=True)
    gain = smooth(changes.clip(lower=0), 14, 1 / 14)
    loss = smooth(-changes.clip(upper=0), 14, 1 / 14)
    assert rsi(closes, 14) == pytest.approx(100 * gain / (gain + loss), rel=EXACT)


def test_rsi_of_the_first_fifteen_closes_by_hand() -> None:
    # Fourteen changes: ten of +1 and four of -1, so 100 * 10 / 14.
    closes = [50.0 + step for step in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6)]
    assert rsi(closes, 14) == pytest.approx(1000 / 14, rel=1e-14)


def test_rsi_of_gains_alone_is_100() -> None:
    assert rsi([1.0 + 0.1 * step for step in range(40)], 14) == 100.0


def test_rsi_of_losses_alone_is_0() -> None:
    assert rsi([9.0 - 0.1 * step for step in range(40)], 14) == 0.0


def test_rsi_without_any_change_is_unknown() -> None:
    assert rsi([3.3] * 200, 14) is None


def test_rsi_is_unknown_with_fourteen_closes() -> None:
    assert rsi([float(close) for close in range(1, 15)], 14) is None


def test_vwap_weighs_by_volume() -> None:
    assert vwap([99.0, 10.0, 20.0], [5.0, 1.0, 3.0], 2) == 17.5


@pytest.mark.parametrize(
    "volume",
    [[1.0, None], [None, 1.0], [0.0, 0.0]],
    ids=["unknown volume of the bar", "unknown volume before it", "nothing was traded"],
)
def test_vwap_is_unknown_without_volume(volume: list[float | None]) -> None:
    assert vwap([10.0, 20.0], volume, 2) is None


def test_vwap_is_unknown_one_bar_short() -> None:
    assert vwap([10.0], [1.0], 2) is None


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (25, (None, None, None)),
        (26, (7.0, None, None)),
        (33, (7.0, None, None)),
        (34, (7.0, 7.0, 0.0)),
        (200, (7.0, 7.0, 0.0)),
    ],
)
def test_macd_of_a_straight_line(closes: int, expected: tuple[float | None, ...]) -> None:
    # On 1, 2, 3, ... an average of n lags behind by (n - 1) / 2 from its seed on: 5.5 and 12.5.
    assert macd([float(step + 1) for step in range(closes)], 12, 26, 9) == pytest.approx(expected, abs=1e-12)


# So many medians does a bar range beyond its step from 100, when the ranges before it were 0.1 to 2.0.
@pytest.mark.parametrize(
    ("close", "true_range", "expected"),
    [
        pytest.param(100.0, 33.6, 32.0, id="a high that was never paid"),
        pytest.param(133.6, 33.6, 0.0, id="a move"),
        pytest.param(99.0, 2.05, 1.0, id="an ordinary bar"),
    ],
)
def test_a_spike_is_what_a_bar_ranges_beyond_its_step(
    close: float, true_range: float, expected: float
) -> None:
    before = [round(0.1 * step, 1) for step in range(20, 0, -1)]  # whose median is 1.05

    assert spike([100.0, close], [*before, true_range], 20) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("before", [[0.1] * 19, [0.0] * 11 + [1.0] * 9], ids=["too few", "nothing moved"])
def test_a_spike_is_unknown_without_usual_ranges(before: list[float]) -> None:
    assert spike([100.0, 100.0], [*before, 33.0], 20) is None


def test_atr_begins_with_the_mean_of_the_first_ranges() -> None:
    assert atr([float(step) for step in range(13)], 14) is None
    assert atr([float(step) for step in range(14)], 14) == pytest.approx(6.5)
    assert atr([float(step) for step in range(15)], 14) == pytest.approx(6.5 + (14 - 6.5) / 14)
