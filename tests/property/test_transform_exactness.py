"""Every field of a document against exact arithmetic: fractions, and logarithms and roots to 60 digits."""

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stockstream.bars import Bar, Lookback
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.documents import enrich

WINDOWS = Windows()
EXACT = 1e-11

type Series = list[float]


def to_decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def smooth(values: list[Fraction], seed: int, alpha: Fraction) -> Fraction:
    average = mean(values[:seed])
    for value in values[seed:]:
        average += alpha * (value - average)
    return average


def expected_indicators(closes: Series, typical: Series, volume: list[float | None]) -> dict[str, Any]:
    """Contract 2, word by word, for a window; with None where it says null."""
    exact = [Fraction(close) for close in closes]
    count, now = len(exact), exact[-1]
    expected: dict[str, Any] = {
        f"sma_{n}": mean(exact[-n:]) if count >= n else None for n in (5, 20, 50, 200)
    }
    expected |= {f"ema_{n}": smooth(exact, n, Fraction(2, n + 1)) if count >= n else None for n in (12, 26)}
    expected |= {f"return_{k}": now / exact[-1 - k] - 1 if count > k else None for k in (1, 5)}
    with localcontext(prec=60):
        returns = [to_decimal(exact[i] / exact[i - 1]).ln() for i in range(max(count - 20, 1), count)]
        expected["log_return_1"] = returns[-1] if returns else None
        expected["volatility_20"] = None
        if len(returns) == 20:
            middle = sum(returns, Decimal(0)) / 20
            expected["volatility_20"] = (
                sum(((each - middle) ** 2 for each in returns), Decimal(0)) / 19
            ).sqrt()
        upper = lower = zscore = None
        if count >= 20:
            last = exact[-20:]
            variance = mean([(close - mean(last)) ** 2 for close in last])
            deviation = to_decimal(variance).sqrt()
            upper, lower = to_decimal(mean(last)) + 2 * deviation, to_decimal(mean(last)) - 2 * deviation
            zscore = to_decimal(now - mean(last)) / deviation if deviation else None
        expected |= {"bollinger_upper_20": upper, "bollinger_lower_20": lower, "zscore_20": zscore}
    expected["rsi_14"] = expected_rsi(exact)
    expected["vwap_20"] = None
    volumes = [Fraction(each) for each in volume if each is not None]
    if len(volumes) == len(volume) == 20 and any(volumes):
        paid = [Fraction(price) * each for price, each in zip(typical, volumes, strict=True)]
        expected["vwap_20"] = mean(paid) / mean(volumes)
    return expected


def expected_rsi(exact: list[Fraction]) -> Fraction | None:
    if len(exact) < 15:
        return None
    changes = [now - then for then, now in pairwise(exact)]
    gain = smooth([max(change, Fraction(0)) for change in changes], 14, Fraction(1, 14))
    loss = smooth([max(-change, Fraction(0)) for change in changes], 14, Fraction(1, 14))
    return 100 * gain / (gain + loss) if gain + loss else None


def enriched(closes: Series, typical: Series, volume: list[float | None]) -> dict[str, Any]:
    close = closes[-1]
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        close, close, close, close, volume[-1], "replay", "2026-11-20T21:00:05.123Z",
    )  # fmt: skip
    lookback = Lookback(closes[:-1], typical[:-1], volume[:-1])
    document: dict[str, Any] = json.loads(enrich(encode_record(bar, lookback), None, WINDOWS))
    return document


def assert_exact(closes: Series, typical: Series, volume: list[float | None]) -> None:
    typical = [*typical[:-1], closes[-1]]
    document = enriched(closes, typical, volume)
    typical[-1] = (closes[-1] + closes[-1] + closes[-1]) / 3
    for name, expected in expected_indicators(closes, typical, volume).items():
        if expected is None:
            assert document[name] is None, name
        else:
            # Bands and z-scores are differences: near 0 they are as good as what they are differences of.
            near_zero = {"bollinger_lower_20": EXACT * closes[-1], "zscore_20": EXACT}.get(name, 0)
            assert document[name] == pytest.approx(float(expected), rel=EXACT, abs=near_zero), name


@st.composite
def walks(draw: st.DrawFn) -> Series:
    """A price from 1e-6 to 1e7 that moves by a share of itself which is the same all along, however small."""
    length = draw(st.integers(1, 200))
    share = 10.0 ** draw(st.integers(-15, -1))
    drift = draw(st.sampled_from([0.0, 1.0, -1.0]))
    chance = draw(st.randoms(use_true_random=False))
    price, walk = 10.0 ** draw(st.floats(-5, 6)), []
    for _ in range(length):
        price = min(max(price * (1 + share * (drift + chance.choice([-1, -0.5, 0, 0, 0.5, 1]))), 1e-6), 1e7)
        walk.append(price)
    return walk


def steady(start: float, growth: float) -> Series:
    return [start * growth**step for step in range(200)]


VOLUMES = st.one_of(st.none(), st.just(0.0), st.floats(1e-3, 1e12))


@given(closes=walks(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_field_is_what_exact_arithmetic_gives(closes: Series, data: st.DataObject) -> None:
    bars = min(len(closes), 20)
    volume = data.draw(st.lists(VOLUMES, min_size=bars, max_size=bars))
    assert_exact(closes, [close * 1.0001 for close in closes[-bars:]], volume)


@given(closes=st.lists(st.floats(1e-6, 1e7), min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
@example(closes=[1e-6, 1e7] * 100)
@example(closes=[1e7] * 199 + [1e-6])
def test_prices_thirteen_orders_of_magnitude_apart_are_exact(closes: Series) -> None:
    bars = min(len(closes), 20)
    assert_exact(closes, closes[-bars:], [1e12] * bars)


@pytest.mark.parametrize(
    "closes",
    [
        [276.0351] * 200,
        [0.1] * 200,
        [1e7] * 199 + [1e7 + 1e-9],
        [1e7 + step % 2 * 2e-9 for step in range(200)],
        steady(100.0, 1.001),
        steady(100.0, 1.02),
        steady(1e7, 0.9),
        steady(1e7, 0.999999),
        [100.0 - step / 8 for step in range(199)] + [75.25],
        [100.0] + [99.0 - step / 8 for step in range(199)],
        [50.0, 51.0] + [50.0 - step / 8 for step in range(198)],
    ],
    ids=[
        "flat", "flat at 0.1", "one last tick", "alternating by one digit", "steady growth", "fast growth",
        "a crash all along", "slow decline", "losses and one gain", "losses alone", "losses after one gain",
    ],
)  # fmt: skip
def test_hard_series_are_exact(closes: Series) -> None:
    assert_exact(closes, closes[-20:], [float(step) for step in range(20)])
