"""Stock exchanges: the suffixes of their symbols, their calendars and their time zones."""

from dataclasses import dataclass
from datetime import timedelta


# No NamedTuple: typing alone would cost the transform 4 ms of its start.
@dataclass(frozen=True, slots=True)
class Exchange:
    """One stock exchange, or several with the same days and hours.

    Attributes:
        suffixes: what follows the last dot of a symbol: `LON` in `TSCO.LON`; only NEW_YORK has none.
        calendar: the name of its trading calendar, an ISO 10383 code: `XLON`.
        time_zone: its IANA time zone: `Europe/London`.
        after_close: for how long after the calendar's close the closing auction, and trading at its price,
            may still bring bars. New York's cannot be told from the trading after the session.
    """

    suffixes: tuple[str, ...]
    calendar: str
    time_zone: str
    after_close: timedelta = timedelta()


# Symbols without a suffix, and those of a class of shares or a preferred share: IBM, BRK.B, BAC.PRL.
NEW_YORK = Exchange((), "XNYS", "America/New_York")

# The suffixes are those that Alpha Vantage documents; German symbols are Xetra's.
# https://www.alphavantage.co/documentation/#intraday
EXCHANGES = (
    NEW_YORK,
    # The auction ends at 16:35, and what crosses at its price until 16:40.
    Exchange(("LON",), "XLON", "Europe/London", timedelta(minutes=10)),
    # Toronto, and its Venture Exchange. The auction's price comes with the close, as in Shanghai.
    Exchange(("TRT", "TRV"), "XTSE", "America/Toronto", timedelta(minutes=1)),
    # The auction ends at 17:35, and the trading at its price at 17:45.
    Exchange(("DEX",), "XETR", "Europe/Berlin", timedelta(minutes=15)),
    # The closing session lasts from 15:40 to 16:00.
    Exchange(("BSE",), "XBOM", "Asia/Kolkata", timedelta(minutes=30)),
    Exchange(("SHH", "SHZ"), "XSHG", "Asia/Shanghai", timedelta(minutes=1)),  # Shanghai and Shenzhen
)


# How others (Yahoo, Bloomberg, Stooq) write an exchange's suffix; India's exchanges trade the same shares.
# No class of shares in New York is called L, F, T or V.
_OTHER_SUFFIXES = {
    "L": "LON", "LN": "LON", "UK": "LON", "TO": "TRT", "V": "TRV", "DE": "DEX", "F": "DEX", "XETRA": "DEX",
    "BO": "BSE", "NS": "BSE", "NSE": "BSE", "SS": "SHH", "SH": "SHH", "SZ": "SHZ", "US": "",
}  # fmt: skip
_FOREIGN_LETTERS = ("L", "F", "T", "V")
_NEW_YORK_SUFFIXES = ("WS", "RT", "PR")


def exchange_of(symbol: str) -> Exchange | None:
    """The exchange of an equity's symbol; None where its suffix is not in the table."""
    base, point, suffix = symbol.rpartition(".")
    if not point:
        return None if "-" in symbol else NEW_YORK
    if not base.isdigit() and _is_share(suffix):
        return NEW_YORK
    return next((exchange for exchange in EXCHANGES if suffix in exchange.suffixes), None)


def suggest_symbol(symbol: str) -> str:
    """What somebody may have meant by a symbol of no known exchange; empty if there is no suggestion."""
    base, _, suffix = symbol.rpartition(".")
    if suffix in _OTHER_SUFFIXES:
        return f"{base}.{_OTHER_SUFFIXES[suffix]}".rstrip(".")
    coin, dash, currency = symbol.rpartition("-")
    return f"crypto:{coin}/{currency}" if dash and "-" not in coin and len(currency) > 2 else ""  # noqa: PLR2004 (a currency's code has three letters, or four)


def _is_share(suffix: str) -> bool:
    """Whether a suffix is a class of shares in New York, a preferred share, a warrant or a right."""
    if len(suffix) == 1:
        return suffix not in _FOREIGN_LETTERS
    return suffix in _NEW_YORK_SUFFIXES or (len(suffix) == 3 and suffix.startswith("PR"))  # noqa: PLR2004 (PRL)
