from datetime import timedelta

import pytest

from producer.markets.watchlist import Watchlist
from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instruments


def following(names: str, hours: str = "regular") -> Watchlist:
    return Watchlist(parse_instruments(names), "5min", hours)


def test_instruments_are_counted_by_the_market_that_opens_and_closes_them() -> None:
    watchlist = following("IBM,MSFT,TSCO.LON,fx:EUR/USD,fx:EUR/JPY,crypto:BTC/USD")

    assert watchlist.count_by_market() == {"XNYS": 2, "XLON": 1, "currencies": 2, "always": 1}
    assert following("IBM,TSCO.LON", "extended").count_by_market() == {"XNYS extended": 1, "XLON": 1}


def test_a_bar_lasts_for_its_interval() -> None:
    assert following("IBM").bar_length == timedelta(minutes=5)


def test_an_instrument_without_a_calendar_is_named() -> None:
    with pytest.raises(InstrumentError, match=r"7203\.TYO"):
        following("IBM,7203.TYO").count_by_market()
