"""Alpha Vantage's words: its requests read, its answers and its refusals written.

Every refusal comes with HTTP 200, too: only the body says that it is one.
"""

import json
from collections.abc import Mapping
from datetime import UTC, timedelta

from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instrument
from stockstream_local.market.invented import EASTERN, MarketBar

COMPACT_BARS = 100
FULL_SPAN = timedelta(days=30)
# Thirty days of minutes would take this market longer to invent than the producer waits for an answer.
MOST_BARS = 10_000

NO_KEY = {
    "Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on "
    "(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
}

# function: its asset class, the parameters that name the instrument, and how stockstream writes their values.
_FUNCTIONS = {
    "TIME_SERIES_INTRADAY": ("equity", ("symbol",), "{}"),
    "FX_INTRADAY": ("fx", ("from_symbol", "to_symbol"), "fx:{}/{}"),
    "CRYPTO_INTRADAY": ("crypto", ("symbol", "market"), "crypto:{}/{}"),
}
_OUTPUT_SIZES = {"compact": "Compact", "full": "Full size"}
_CURRENCY_NAMES = {
    "USD": "United States Dollar", "EUR": "Euro", "GBP": "British Pound Sterling", "JPY": "Japanese Yen",
    "BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "XRP": "Ripple", "ADA": "Cardano",
    "DOGE": "DogeCoin", "LTC": "Litecoin", "BNB": "Binance-Coin",
}  # fmt: skip


def invalid_call(function: str) -> dict[str, str]:
    """The refusal of an unknown symbol or a parameter that is missing or wrong."""
    return {
        "Error Message": "Invalid API call. Please retry or visit the documentation "
        f"(https://www.alphavantage.co/documentation/) for {function}."
    }


def unknown_function(function: str) -> dict[str, str]:
    """The refusal of a function that does not exist."""
    return {"Error Message": f"This API function ({function}) does not exist."}


def refuse(parameters: Mapping[str, str]) -> dict[str, str] | None:
    """The refusal of a bad request; None for a good one.

    Args:
        parameters: the query string's names and values.
    """
    function = parameters.get("function", "")
    if not parameters.get("apikey"):
        return NO_KEY
    if function not in _FUNCTIONS:
        return unknown_function(function)
    understood = (
        asked_instrument(parameters) is not None
        and parameters.get("interval") in INTERVALS
        and parameters.get("outputsize", "compact") in _OUTPUT_SIZES
        # The real service also answers in CSV and by month. To ignore that would answer something else.
        and parameters.get("datatype", "json") == "json"
        and "month" not in parameters
    )
    return None if understood else invalid_call(function)


def asked_instrument(parameters: Mapping[str, str]) -> Instrument | None:
    """The instrument that a request names; None where it names none."""
    if parameters.get("function") not in _FUNCTIONS:
        return None
    asset_class, names, form = _FUNCTIONS[parameters["function"]]
    try:
        instrument = parse_instrument(form.format(*(parameters.get(name, "") for name in names)))
    except InstrumentError:
        return None
    return instrument if instrument.asset_class == asset_class else None


def asked_count(parameters: Mapping[str, str]) -> int:
    """How many bars a good request asks for."""
    if parameters.get("outputsize") == "full":
        return min(MOST_BARS, FULL_SPAN // INTERVALS[parameters["interval"]])
    return COMPACT_BARS


def write_answer(parameters: Mapping[str, str], instrument: Instrument, bars: list[MarketBar]) -> bytes:
    """The answer to a good request: JSON, newest bar first.

    Args:
        parameters: the request.
        instrument: what it asks for.
        bars: what there is, oldest first, at least one.
    """
    interval = parameters["interval"]
    match instrument.asset_class:
        case "fx":
            title, information = "Time Series FX", f"FX Intraday ({interval}) Time Series"
        case "crypto":
            title, information = "Time Series Crypto", f"Crypto Intraday ({interval}) Time Series"
        case _:
            title = "Time Series"
            information = f"Intraday ({interval}) open, high, low, close prices and volume"
    described = [
        ("Information", information),
        *_names(instrument),
        ("Last Refreshed", _stamp(bars[-1], instrument)),
        ("Interval", interval),
        ("Output Size", _OUTPUT_SIZES[parameters.get("outputsize", "compact")]),
        ("Time Zone", "US/Eastern" if instrument.asset_class == "equity" else "UTC"),
    ]
    answer = {
        "Meta Data": {f"{number}. {name}": value for number, (name, value) in enumerate(described, start=1)},
        f"{title} ({interval})": {
            _stamp(bar, instrument): _columns(bar, instrument) for bar in reversed(bars)
        },
    }
    return json.dumps(answer, indent=4).encode()


def _names(instrument: Instrument) -> list[tuple[str, str]]:
    base, quote = instrument.base, instrument.quote or ""
    match instrument.asset_class:
        case "fx":
            return [("From Symbol", base), ("To Symbol", quote)]
        case "crypto":
            return [
                ("Digital Currency Code", base),
                ("Digital Currency Name", _CURRENCY_NAMES.get(base, base)),
                ("Market Code", quote),
                ("Market Name", _CURRENCY_NAMES.get(quote, quote)),
            ]
        case _:
            return [("Symbol", base)]


def _stamp(bar: MarketBar, instrument: Instrument) -> str:
    zone = EASTERN if instrument.asset_class == "equity" else UTC
    return f"{bar.open_time.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _columns(bar: MarketBar, instrument: Instrument) -> dict[str, str | float]:
    decimals = 4 if instrument.asset_class == "equity" else 5
    prices = {"1. open": bar.open, "2. high": bar.high, "3. low": bar.low, "4. close": bar.close}
    columns: dict[str, str | float] = {name: f"{price:.{decimals}f}" for name, price in prices.items()}
    if bar.volume is not None:
        # Shares come as text, coins as a number.
        columns["5. volume"] = str(bar.volume) if instrument.asset_class == "equity" else bar.volume
    return columns
