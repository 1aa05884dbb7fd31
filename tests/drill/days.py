"""The days that a drill plays."""

from datetime import UTC, datetime
from typing import NamedTuple


class Day(NamedTuple):
    """What is played.

    Attributes:
        name: for people.
        instruments: as the setting INSTRUMENTS has them.
        start: UTC.
        end: UTC; nothing goes wrong any more in CALM before it.
        halted: the name of an instrument that halts.
        listed: the name of one that is listed late.
        together: about how many instruments a request asks; 1 is Alpha Vantage's own way.
        times: how much more often AWS fails than in a long day, and how much shorter the provider is down.
    """

    name: str
    instruments: str
    start: datetime
    end: datetime
    halted: str = ""
    listed: str = ""
    together: int = 1
    times: int = 1


def _utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


_NEW_YORK = "IBM,AAPL,MSFT,AMZN,NVDA,GOOGL,TSLA,KO,PEP,NEW"
_PAIRS = "fx:EUR/USD,fx:GBP/USD,fx:USD/JPY,fx:EUR/GBP,fx:EUR/JPY,fx:GBP/JPY"
_COINS = "crypto:BTC/USD,crypto:ETH/USD"
_TWO_EXCHANGES = f"{_NEW_YORK},F,GM,TSCO.LON,VOD.LON,BP.LON,RIO.LON,fx:EUR/USD,fx:USD/JPY,{_COINS}"
_CHINA = "SAIC.SHH,SPDB.SHH,BAO.SHH,CITIC.SHH,MIDEA.SHZ,VANKE.SHZ"
DAYS = (
    Day(
        "New York and London",
        _TWO_EXCHANGES,
        _utc(20, 12),
        _utc(20, 22, 45),
        halted="IBM",
        listed="NEW",
        together=10,
    ),
    Day(
        "half a day after Thanksgiving",
        _TWO_EXCHANGES,
        _utc(27, 13),
        _utc(27, 20, 30),
        halted="crypto:ETH/USD",
    ),
    Day(
        "Asia, with its lunch",
        f"{_CHINA},RELI.BSE,TCS.BSE,INFY.BSE,SBI.BSE,{_PAIRS},{_COINS},fx:AUD/USD,fx:USD/CHF",
        _utc(20, 1),
        _utc(20, 9, 30),
        halted="RELI.BSE",
        listed="TCS.BSE",
    ),
    Day(
        "a weekend of pairs",
        f"{_PAIRS},fx:AUD/USD,fx:USD/CHF,fx:EUR/CHF,fx:GBP/CHF,fx:AUD/JPY,fx:EUR/AUD,fx:GBP/AUD,fx:CHF/JPY,"
        "fx:USD/CAD,fx:EUR/CAD,fx:GBP/CAD,fx:CAD/JPY,IBM,AAPL",
        _utc(20, 19, 30),
        _utc(23, 1, 30),
        halted="fx:EUR/GBP",
    ),
)
SHORT = Day(
    "a short one",
    "IBM,NEW,TSCO.LON,fx:EUR/USD,crypto:BTC/USD",
    _utc(20, 14, 20),
    _utc(20, 17, 35),
    halted="IBM",
    listed="NEW",
    times=8,
)
