"""The fields of the document, `enriched.v1`: each is declared here, and nowhere else.

From this table come the document itself, the look-back that the producer sends, the lake's tables and views,
the JSON Schemas, the search index with its charts, and docs/fields.md. `make generate` writes what is
committed of them. A new indicator is a row here, a function in indicators.py, and an oracle in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stockstream import indicators

TYPE_CHECKING = False  # importing typing for it would cost the transform 4 ms of each cold start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from stockstream.windows import Windows

DOCUMENT_SCHEMA = "enriched.v1"

# What a look-back holds of the bars before a bar, each a list, oldest first.
COLUMNS = ("close", "typical", "volume", "true_range")

# A smoothed average takes the whole window. After 200 values the first one counts for less than a millionth.
SMOOTHED = 200

PRICE, SHARE, AMOUNT, COUNT = "price", "share", "amount", "count"
TEXT, TIME, INSTANT = "text", "time", "instant"


# Rows are never compared or printed, and the methods for that would cost each cold start a millisecond.
@dataclass(eq=False, repr=False)
class Chart:
    """How the dashboards draw a field.

    Attributes:
        panel: the panel that it is drawn in, with others of the same panel: a name of dashboards/panels.
        mark: `line`, `area` (which wants two fields, its edges), `bar`, or `candle` (which wants the four
            prices of a bar).
        label: what the legend calls it.
    """

    panel: str
    mark: str
    label: str


@dataclass(eq=False, repr=False)
class Field:
    """One field of the document.

    Attributes:
        name: its name.
        words: what it says, for people.
        unit: `price` (in the quote currency), `share` (0.01 is one per cent), `amount`, `count` (a whole
            number), `text`, `time`, `instant` (a time to the millisecond), or a unit in words.
        low: its lower bound; None where there is none.
        high: its upper bound; None where there is none.
        above_low: whether it must be above `low`, and not equal to it.
        null: when it is null, for people; empty where it never is.
        chart: how the dashboards draw it; None where they do not.
    """

    name: str
    words: str
    unit: str
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    null: str = ""
    chart: Chart | None = None

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.unit not in {TEXT, TIME, INSTANT}


@dataclass(eq=False, repr=False)
class Indicator:
    """One row of the table: a function, and the fields that it computes.

    Attributes:
        fields: what the function returns; a tuple where there are several.
        columns: its arguments, by their names in COLUMNS; each is a list that ends with the bar's own value.
        reach: how many values of each column it looks at, the bar's own included.
        function: of indicators.py.
        arguments: its further arguments.
    """

    fields: tuple[Field, ...]
    columns: tuple[str, ...]
    reach: int
    function: Callable[..., Any]
    arguments: tuple[int, ...] = ()


_PRICE_BOUNDS: dict[str, Any] = {"unit": PRICE, "low": 0, "above_low": True}

# As they stand in the stream record, `bar.v1`, and in the document.
BAR_FIELDS = (
    Field("schema", "the contract that the document keeps: `enriched.v1`", TEXT),
    Field("id", "what the bar is about: `instrument|interval|open_time`", TEXT),
    Field("as_of", "when the provider said so, UTC", INSTANT),
    Field("instrument", "`IBM`, `fx:EUR/USD`, `crypto:BTC/USD`", TEXT),
    Field("asset_class", "`equity`, `fx` or `crypto`", TEXT),
    Field("interval", "how long the bar lasts: `1min`", TEXT),
    Field("open_time", "when the bar starts, UTC", TIME),
    Field("open", "the first price", **_PRICE_BOUNDS, chart=Chart("market-price", "candle", "open")),
    Field("high", "the highest price", **_PRICE_BOUNDS, chart=Chart("market-price", "candle", "high")),
    Field("low", "the lowest price", **_PRICE_BOUNDS, chart=Chart("market-price", "candle", "low")),
    Field("close", "the last price", **_PRICE_BOUNDS, chart=Chart("market-price", "candle", "close")),
    Field("volume", "what was traded", AMOUNT, low=0, null="the market reports none"),
    Field("source", "the provider; `import` where a file was imported", TEXT),
)
DELIVERY_FIELDS = (
    Field("arrived_at", "when the stream took the record, UTC", INSTANT, null="Firehose does not say"),
    Field("lookback_bars", "how many closes the look-back held", COUNT, low=0),
)

_CHARTED_SMA = (20, 50)


def _sma(window: int) -> Indicator:
    chart = Chart("market-price", "line", f"SMA {window}") if window in _CHARTED_SMA else None
    words, null = f"the mean of the last {window} closes", f"fewer than {window} closes"
    field = Field(f"sma_{window}", words, PRICE, low=0, null=null, chart=chart)
    return Indicator((field,), ("close",), window, indicators.sma, (window,))


def _ema(window: int) -> Indicator:
    words = (
        f"the exponential average of the closes, alpha = 2 / {window + 1}, "
        f"seeded with the mean of the first {window}"
    )
    field = Field(f"ema_{window}", words, PRICE, low=0, null=f"fewer than {window} closes")
    return Indicator((field,), ("close",), max(window, SMOOTHED), indicators.ema, (window,))


def _simple_return(bars: int) -> Indicator:
    words = (
        "the close over the one before, less 1"
        if bars == 1
        else f"the close over that {bars} bars ago, less 1"
    )
    field = Field(f"return_{bars}", words, SHARE, low=-1, null=f"fewer than {bars + 1} closes")
    return Indicator((field,), ("close",), bars + 1, indicators.simple_return, (bars,))


# The windows of these are fixed.
_FIXED = (
    _simple_return(1),
    _simple_return(5),
    Indicator(
        (Field("log_return_1", "ln of the close over the one before", SHARE, null="fewer than 2 closes"),),
        ("close",),
        2,
        indicators.log_return,
    ),
    Indicator(
        (
            Field(
                "volatility_20",
                "the sample standard deviation of the last 20 log returns, not annualised",
                SHARE,
                low=0,
                null="fewer than 21 closes",
            ),
        ),
        ("close",),
        21,
        indicators.volatility,
        (20,),
    ),
    Indicator(
        (
            Field(
                "bollinger_upper_20",
                "`sma_20` plus 2 population standard deviations of the last 20 closes",
                PRICE,
                low=0,
                null="fewer than 20 closes",
                chart=Chart("market-price", "area", "Bollinger"),
            ),
            Field(
                "bollinger_lower_20",
                "`sma_20` less 2 population standard deviations of the last 20 closes",
                PRICE,
                null="fewer than 20 closes",
                chart=Chart("market-price", "area", "Bollinger"),
            ),
            Field(
                "zscore_20",
                "how many population standard deviations the close lies above `sma_20`",
                "standard deviations",
                null="fewer than 20 closes, or all are equal",
            ),
        ),
        ("close",),
        20,
        indicators.bollinger,
        (20,),
    ),
    Indicator(
        (
            Field(
                "rsi_14",
                "Wilder's relative strength index: the first averages are the means of the first 14 changes, "
                "then smoothed over the rest",
                "0 to 100",
                low=0,
                high=100,
                null="fewer than 15 closes, or none differs",
                chart=Chart("market-rsi", "line", "RSI 14"),
            ),
        ),
        ("close",),
        SMOOTHED,
        indicators.rsi,
        (14,),
    ),
    Indicator(
        (
            Field(
                "vwap_20",
                "the mean of the last 20 typical prices, by volume",
                PRICE,
                low=0,
                null="fewer than 20 bars, one without a volume, or nothing traded",
            ),
        ),
        ("typical", "volume"),
        20,
        indicators.vwap,
        (20,),
    ),
    Indicator(
        (
            Field(
                "macd_12_26_9",
                "the exponential average of 12 closes less that of 26",
                PRICE,
                null="fewer than 26 closes",
                chart=Chart("market-macd", "line", "MACD"),
            ),
            Field(
                "macd_signal_12_26_9",
                "the exponential average of 9 such differences, seeded with the mean of the first 9",
                PRICE,
                null="fewer than 34 closes",
                chart=Chart("market-macd", "line", "signal"),
            ),
            Field(
                "macd_histogram_12_26_9",
                "`macd_12_26_9` less `macd_signal_12_26_9`",
                PRICE,
                null="fewer than 34 closes",
                chart=Chart("market-macd", "bar", "histogram"),
            ),
        ),
        ("close",),
        SMOOTHED,
        indicators.macd,
        (12, 26, 9),
    ),
    Indicator(
        (
            Field(
                "atr_14",
                "Wilder's average true range: the mean of the first 14, then smoothed over the rest",
                PRICE,
                low=0,
                null="fewer than 14 true ranges: a look-back has one for each close but its first",
                chart=Chart("market-atr", "line", "ATR 14"),
            ),
        ),
        ("true_range",),
        SMOOTHED - 1,  # the first of 200 bars has no close before it
        indicators.atr,
        (14,),
    ),
    Indicator(
        (
            Field(
                "spike_20",
                "how far the bar ranged beyond its step from the close before, in medians of the 20 true "
                "ranges before it; above 10 no neighbour confirms its high or low",
                "medians",
                low=0,
                null="fewer than 21 true ranges, or their median is 0",
            ),
        ),
        ("close", "true_range"),
        21,
        indicators.spike,
        (20,),
    ),
)


@lru_cache(maxsize=16)
def list_indicators(windows: Windows) -> tuple[Indicator, ...]:
    """The rows of the table, the moving averages of these windows first."""
    return (*map(_sma, windows.sma), *map(_ema, windows.ema), *_FIXED)


@lru_cache(maxsize=16)
def list_fields(windows: Windows) -> tuple[Field, ...]:
    """All fields of the document, in their order."""
    analytics = (field for indicator in list_indicators(windows) for field in indicator.fields)
    return (*BAR_FIELDS, *DELIVERY_FIELDS, *analytics)


@lru_cache(maxsize=16)
def lookback_lengths(windows: Windows) -> Mapping[str, int]:
    """How many values of each column a full look-back holds: as far as an indicator looks before the bar."""
    rows = list_indicators(windows)
    return {column: max(row.reach for row in rows if column in row.columns) - 1 for column in COLUMNS}
