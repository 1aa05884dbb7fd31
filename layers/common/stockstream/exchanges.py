"""Stock exchanges: which one a symbol's suffix names, and whose clock it keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange.

    Attributes:
        code: its market identifier code (ISO 10383), under which its calendar is kept.
        zone: the time zone of its clock, as the IANA names it.
        suffixes: what stands behind the point of a symbol that trades there; none in New York.
    """

    code: str
    zone: str
    suffixes: tuple[str, ...] = ()


NEW_YORK = Exchange("XNYS", "America/New_York")
# By the suffixes that Alpha Vantage documents; German symbols are Xetra's.
# https://www.alphavantage.co/documentation/#intraday
# The Venture Exchange (TRV) keeps Toronto's days and hours, and Shenzhen (SHZ) Shanghai's.
EXCHANGES = (
    NEW_YORK,
    Exchange("XLON", "Europe/London", ("LON",)),
    Exchange("XTSE", "America/Toronto", ("TRT", "TRV")),
    Exchange("XETR", "Europe/Berlin", ("DEX",)),
    Exchange("XBOM", "Asia/Kolkata", ("BSE",)),
    Exchange("XSHG", "Asia/Shanghai", ("SHH", "SHZ")),
)
BY_SUFFIX = {suffix: exchange for exchange in EXCHANGES for suffix in exchange.suffixes}
