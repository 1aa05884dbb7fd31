"""Whatever a provider sends, the parsers give bars that obey the rules or an error with a name."""

import json
from typing import Any

from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from producer.ohlcv import Ohlcv
from producer.providers.alpaca_pages import Collected, read_page, read_rows
from producer.providers.alphavantage_answers import parse_answer
from producer.providers.answers import RejectedBar
from producer.providers.kraken_answers import read_answer
from producer.providers.provider_errors import ProviderError
from stockstream.instruments import parse_instrument
from stockstream.times import parse_time
from stockstream.validation import check_prices, check_volume

INSTRUMENTS = [parse_instrument(name) for name in ("IBM", "fx:EUR/USD", "crypto:ETH/USD")]

SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["\ud800", "nan", "1e999", "1" * 5000, "-0", "Infinity", "IBM", "(1min)", "US/Eastern"])
    | st.sampled_from(["2026-11-20 15:59:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"])
    | st.sampled_from(["2026-11-20T20:59:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    | st.sampled_from([10**400, -(10**400), float("nan"), float("inf")])
)
NAMES = (
    st.sampled_from(
        ["Meta Data", "Time Series (1min)", "2. Symbol", "6. Time Zone", "1. open", "2026-11-20 15:59:00"]
    )
    | st.sampled_from(
        ["Information", "Error Message", "message", "bars", "next_page_token", "t", "o", "\udfff"]
    )
    | st.sampled_from(["error", "result", "XXBTZUSD", "last"])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)

# What the three kinds of answer and a page look like.
PRICES = {"1. open": "121.7900", "2. high": "121.8600", "3. low": "121.7225", "4. close": "121.7400"}
EQUITY = {
    "Meta Data": {
        "1. Information": "Intraday (1min) open, high, low, close prices and volume",
        "2. Symbol": "IBM",
        "3. Last Refreshed": "2026-11-20 15:59:00",
        "4. Interval": "1min",
        "5. Output Size": "Compact",
        "6. Time Zone": "US/Eastern",
    },
    "Time Series (1min)": {
        "2026-11-20 15:59:00": {**PRICES, "5. volume": "31454"},
        "2026-11-20 15:58:00": {**PRICES, "5. volume": "0"},
    },
}
FX = {
    "Meta Data": {"2. From Symbol": "EUR", "3. To Symbol": "USD", "7. Time Zone": "UTC"},
    "Time Series FX (1min)": {"2026-11-20 15:59:00": PRICES, "2026-11-20 15:58:00": PRICES},
}
CRYPTO = {
    "Meta Data": {"2. Digital Currency Code": "ETH", "4. Market Code": "USD", "9. Time Zone": "UTC"},
    "Time Series Crypto (1min)": {"2026-11-20 15:59:00": {**PRICES, "5. volume": 636}},
}
ROW = {"t": "2026-11-20T20:59:00Z", "o": 10.5, "h": 12, "l": 9.25, "c": 11, "v": 100, "n": 7, "vw": 10.9}
PAGE = {
    "bars": {"IBM": [ROW, {**ROW, "t": "2026-11-20T20:58:00Z"}], "MSFT": [ROW]},
    "next_page_token": "QUFQ",
}

BTC = parse_instrument("crypto:BTC/USD")
KRAKEN_ROW = [1795208280, "10.5", "12.0", "9.25", "11.0", "10.9", "0.25000000", 7]
KRAKEN = {
    "error": [],
    "result": {"XXBTZUSD": [KRAKEN_ROW, [1795208340, *KRAKEN_ROW[1:]]], "last": 1795208340},
}


def paths(tree: Any) -> list[tuple[Any, ...]]:
    """Every place in a tree, as the keys that lead to it."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [(), *((key, *path) for key, value in items for path in paths(value))]


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with another value in one place."""
    if not path:
        return value
    copy = tree.copy()
    copy[path[0]] = put(tree[path[0]], path[1:], value)
    return copy


@st.composite
def mutated(draw: st.DrawFn, tree: Any) -> bytes:
    """An answer with other values in up to three places, some of them cut off or with a few bytes changed."""
    for _ in range(draw(st.integers(0, 3))):
        tree = put(tree, draw(st.sampled_from(paths(tree))), draw(SCALARS | TREES))
    body = json.dumps(tree).encode()
    if draw(st.booleans()):
        start = draw(st.integers(0, len(body)))
        body = body[:start] + draw(st.binary(max_size=8)) + body[start + draw(st.integers(0, 8)) :]
    return body


def check_bars(bars: dict[str, Ohlcv], rejected: list[RejectedBar]) -> None:
    for open_time, numbers in bars.items():
        parse_time(open_time)
        check_prices(*numbers[:4])
        check_volume(numbers.volume)
        assert all(type(number) is float for number in numbers if number is not None)
    for each in rejected:
        check_text(each.stamp)
        check_text(each.detail)


def check_text(text: object) -> None:
    """A log line must be able to hold it."""
    assert len(str(text).encode()) < 2000


def check_alpha_vantage(body: bytes) -> None:
    for instrument in INSTRUMENTS:
        try:
            bars, rejected = parse_answer(body, instrument, "1min")
        except ProviderError as error:
            check_text(error)
        else:
            check_bars(bars, rejected)


def check_alpaca(body: bytes, status: int = 200) -> None:
    collected = Collected("1min", "XNYS", 100)
    try:
        page = read_page(status, body)
        collected.add(page)
    except ProviderError as error:
        check_text(error)
    else:
        for rows in page.rows.values():
            check_bars(*read_rows(rows))


def check_kraken(body: bytes, status: int = 200) -> None:
    try:
        bars, rejected = read_answer(status, body, BTC)
    except ProviderError as error:
        check_text(error)
    else:
        check_bars(bars, rejected)


DEEP = b'{"bars":' + b"[" * 100_000


@given(st.binary(max_size=200))
@example(DEEP)
@example(b'{"bars":{"IBM":[{"t":' + b"9" * 5000 + b"}]}}")
def test_any_bytes_are_bars_or_an_error_with_a_name(body: bytes) -> None:
    check_alpha_vantage(body)
    check_alpaca(body)
    check_kraken(body)


@given(TREES)
def test_any_json_is_bars_or_an_error_with_a_name(tree: Any) -> None:
    check_alpha_vantage(json.dumps(tree).encode())
    check_alpaca(json.dumps(tree).encode())
    check_kraken(json.dumps(tree).encode())


@given(mutated(EQUITY) | mutated(FX) | mutated(CRYPTO))
@example(json.dumps(EQUITY).replace("2026-11-20 15", "9999-12-31 23").encode())
@example(json.dumps(EQUITY).replace("2026-11-20 15:59:00", r"\ud800").encode())
@settings(max_examples=examples(300))
def test_a_damaged_answer_of_alpha_vantage_is_bars_or_an_error_with_a_name(body: bytes) -> None:
    check_alpha_vantage(body)


@given(mutated(PAGE))
@example(json.dumps(PAGE).replace("2026-11-20T20", "0001-01-01T00").encode())
@example(json.dumps(PAGE).replace("2026-11-20", "9999-12-31").replace("20:5", "23:5").encode())
@settings(max_examples=examples(300))
def test_a_damaged_page_of_alpaca_is_bars_or_an_error_with_a_name(body: bytes) -> None:
    check_alpaca(body)


@given(mutated(KRAKEN))
@example(json.dumps(KRAKEN).replace("17952083", str(10**18)).encode())
@example(json.dumps(KRAKEN).replace("1795208280", "-62135596800").encode())
@settings(max_examples=examples(300))
def test_a_damaged_answer_of_kraken_is_bars_or_an_error_with_a_name(body: bytes) -> None:
    check_kraken(body)


@given(st.integers(100, 599), st.binary(max_size=1000))
def test_any_other_status_is_an_error_with_a_name(status: int, body: bytes) -> None:
    check_alpaca(body, status)
    check_kraken(body, status)


def test_the_answers_that_are_damaged_are_whole_before() -> None:
    for answer, instrument in zip((EQUITY, FX, CRYPTO), INSTRUMENTS, strict=True):
        bars, rejected = parse_answer(json.dumps(answer).encode(), instrument, "1min")
        assert (len(bars) >= 1, rejected) == (True, [])
    page = read_page(200, json.dumps(PAGE).encode())
    assert [(len(bars), bad) for bars, bad in map(read_rows, page.rows.values())] == [(2, []), (1, [])]
    bars, rejected = read_answer(200, json.dumps(KRAKEN).encode(), BTC)
    assert (len(bars), rejected) == (2, [])


@given(st.data())
def test_one_bad_bar_takes_no_good_one_with_it(data: st.DataObject) -> None:
    stamps = [f"2026-11-20 15:{minute:02}:00" for minute in range(10)]
    bad = data.draw(st.sampled_from(stamps))
    series: dict[str, Any] = {stamp: {**PRICES, "5. volume": "1"} for stamp in stamps}
    series[bad] = data.draw(st.one_of(SCALARS, st.lists(SCALARS, max_size=3)))
    answer = {**EQUITY, "Time Series (1min)": series}

    bars, rejected = parse_answer(json.dumps(answer).encode(), INSTRUMENTS[0], "1min")

    assert len(bars) == 9
    assert [bad] == [each.stamp for each in rejected]
