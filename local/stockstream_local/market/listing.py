"""What the invented market trades, and for about how much."""

from stockstream.instruments import Instrument

# What one unit is worth in US dollars, roughly: enough to price each pair.
CURRENCIES = {
    "USD": 1.0, "EUR": 1.16, "GBP": 1.33, "CHF": 1.25, "JPY": 0.0065, "AUD": 0.65, "NZD": 0.57, "CAD": 0.71,
    "SEK": 0.105, "NOK": 0.099, "DKK": 0.155, "PLN": 0.27, "CZK": 0.048, "CNY": 0.14, "INR": 0.0113,
    "MXN": 0.054, "BRL": 0.187, "ZAR": 0.058, "SGD": 0.77, "HKD": 0.128, "KRW": 0.0007, "TRY": 0.0237,
}  # fmt: skip
COINS = {
    "BTC": 97_000.0,
    "ETH": 3_400.0,
    "SOL": 155.0,
    "XRP": 2.3,
    "ADA": 0.55,
    "DOGE": 0.17,
    "LTC": 98.0,
    "BNB": 930.0,
}
SHARES = {
    "IBM": 290.0,
    "AAPL": 270.0,
    "MSFT": 500.0,
    "AMZN": 235.0,
    "NVDA": 190.0,
    "GOOGL": 285.0,
    "TSLA": 430.0,
}
_LONGEST_SYMBOL = 5


def is_listed(instrument: Instrument) -> bool:
    """Whether the market trades it: a symbol of up to five letters, or a pair of what is named above."""
    symbol = instrument.base.split(".")[0]
    match instrument.asset_class:
        case "fx":
            return instrument.base in CURRENCIES and instrument.quote in CURRENCIES
        case "crypto":
            return instrument.base in COINS and instrument.quote in CURRENCIES
        case _:
            return symbol.isalpha() and len(symbol) <= _LONGEST_SYMBOL
