"""Every number of a document against exact arithmetic."""

import json
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from exact_numbers import Window, make_oracles
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stockstream.bars import Bar, Lookback
from stockstream.fields import list_fields, list_indicators, lookback_lengths
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.documents import enrich

WINDOWS = Windows()
EXACT = 1e-11
# These are differences: near 0 they are as good as what they are differences of, which are prices for most.
NEAR_ZERO: dict[str, Callable[[float], float]] = {
    # Logarithms of closes that differ by equal steps, as 1e-12 and no other digit, differ by 1e-24: less than
    # the last digit of a close is worth (1e-16), by so much that no float can say it.
    "volatility_20": lambda _close: 1e-12,
    "bollinger_lower_20": lambda close: close,
    "zscore_20": lambda _close: 1,
    "macd_12_26_9": lambda close: close,
    "macd_signal_12_26_9": lambda close: close,
    "macd_histogram_12_26_9": lambda close: close,
    "atr_14": lambda close: close,
}

type Series = list[float]


def worked_out(windows: Windows) -> set[str]:
    """The fields that the table works out of a window."""
    return {field.name for row in list_indicators(windows) for field in row.fields}


def assert_exact(
    closes: Series, typical: Series, volume: list[float | None], ranges: Series | None = None
) -> None:
    """Compares each number of the document, whatever numbers there are."""
    close = closes[-1]
    # A bar of one price: its true range is the step from the close before it.
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        close, close, close, close, volume[-1], "replay", "2026-11-20T21:00:05.123Z",
    )  # fmt: skip
    ranges = [abs(now - then) for then, now in pairwise(closes[:-1])]
    lookback = Lookback(closes[:-1], typical[:-1], volume[:-1], ranges)
    document: dict[str, Any] = json.loads(enrich(encode_record(bar, lookback), None, WINDOWS))
    exact = [Fraction(each) for each in closes]
    window = Window(
        exact,
        [*map(Fraction, typical[:-1]), exact[-1]],
        [None if each is None else Fraction(each) for each in volume],
        [*map(Fraction, ranges), *([abs(exact[-1] - exact[-2])] if len(exact) > 1 else [])],
    )
    oracles = make_oracles(WINDOWS.sma, WINDOWS.ema)
    for name in worked_out(WINDOWS):
        expected = oracles[name](window)
        if expected is None:
            assert document[name] is None, name
        else:
            near_zero = EXACT * (NEAR_ZERO[name](close) if name in NEAR_ZERO else 0)
            assert document[name] == pytest.approx(float(expected), rel=EXACT, abs=near_zero), name


@pytest.mark.parametrize("windows", [Windows(), Windows((3, 300), (7,))], ids=["the defaults", "others"])
def test_every_number_that_the_table_works_out_has_an_oracle_and_no_oracle_is_idle(windows: Windows) -> None:
    assert worked_out(windows) == set(make_oracles(windows.sma, windows.ema))


@pytest.mark.parametrize("windows", [Windows(), Windows((3, 300), (7,))], ids=["the defaults", "others"])
def test_a_document_has_the_fields_of_the_table_in_their_order_and_no_others(windows: Windows) -> None:
    bar = Bar(
        "IBM",
        "equity",
        "1min",
        "2026-11-20T20:59:00Z",
        1.0,
        1.0,
        1.0,
        1.0,
        None,
        "replay",
        "2026-11-20T21:00:05.123Z",
    )
    document = json.loads(enrich(encode_record(bar, Lookback()), None, windows))

    assert list(document) == [field.name for field in list_fields(windows)]


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
@settings(max_examples=examples(150))
def test_every_field_is_what_exact_arithmetic_gives(closes: Series, data: st.DataObject) -> None:
    bars = min(len(closes), 20)
    volume = data.draw(st.lists(VOLUMES, min_size=bars, max_size=bars))
    assert_exact(closes, [close * 1.0001 for close in closes[-bars:]], volume)


@given(closes=st.lists(st.floats(1e-6, 1e7), min_size=1, max_size=200))
@settings(max_examples=examples(100))
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
        [9.99999999999 - 9.99911264898401e-12 * step for step in range(21)],
        [45.20665877486454 + 1.385605331489699e-12 * step for step in range(21)],
        [100.0 - step / 8 for step in range(199)] + [75.25],
        [100.0] + [99.0 - step / 8 for step in range(199)],
        [50.0, 51.0] + [50.0 - step / 8 for step in range(198)],
    ],
    ids=[
        "flat", "flat at 0.1", "one last tick", "alternating by one digit", "steady growth", "fast growth",
        "a crash all along", "slow decline", "equal steps of almost nothing",
        "a scatter that rounds to less than 0",
        "losses and one gain", "losses alone", "losses after one gain",
    ],
)  # fmt: skip
def test_hard_series_are_exact(closes: Series) -> None:
    assert_exact(closes, closes[-20:], [float(step) for step in range(20)])


def test_a_full_lookback_leaves_no_number_unknown_and_each_bound_holds() -> None:
    chance = random.Random(5)
    lengths, close, closes = lookback_lengths(WINDOWS), 50.0, []
    for _ in range(lengths["close"] + 1):
        close *= 1 + chance.gauss(0, 0.01)
        closes.append(close)
    bar = Bar(
        "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
        close, close * 1.01, close * 0.99, close, 10.0, "replay", "2026-11-20T21:00:05.123Z",
    )  # fmt: skip
    lookback = Lookback(
        closes[:-1],
        closes[-1 - lengths["typical"] : -1],
        [chance.uniform(1, 9) for _ in range(lengths["volume"])],
        [chance.uniform(0, 1) for _ in range(lengths["true_range"])],
    )
    document = json.loads(enrich(encode_record(bar, lookback), "2026-11-20T21:00:06.000Z", WINDOWS))

    for field in list_fields(WINDOWS):
        told = document[field.name]
        assert told is not None, field.name
        if field.low is not None:
            assert told > field.low or (told == field.low and not field.above_low), field.name
        if field.high is not None:
            assert told <= field.high, field.name
