"""Exchanges: what a symbol's suffix means."""

import zoneinfo

import pytest

from stockstream.exchanges import EXCHANGES, NEW_YORK, exchange_of, suggest_symbol


@pytest.mark.parametrize(
    ("symbol", "calendar", "time_zone"),
    [
        ("IBM", "XNYS", "America/New_York"),
        ("BRK.B", "XNYS", "America/New_York"),
        ("BAC.PRL", "XNYS", "America/New_York"),
        ("BAC.PR", "XNYS", "America/New_York"),
        ("ABC.WS", "XNYS", "America/New_York"),
        ("ABC.U", "XNYS", "America/New_York"),
        ("TSCO.LON", "XLON", "Europe/London"),
        ("SHOP.TRT", "XTSE", "America/Toronto"),
        ("GPV.TRV", "XTSE", "America/Toronto"),
        ("MBG.DEX", "XETR", "Europe/Berlin"),
        ("RELIANCE.BSE", "XBOM", "Asia/Kolkata"),
        ("600104.SHH", "XSHG", "Asia/Shanghai"),
        ("000002.SHZ", "XSHG", "Asia/Shanghai"),
    ],
)
def test_knows_an_exchange_by_its_suffix_and_new_york_by_having_none(
    symbol: str, calendar: str, time_zone: str
) -> None:
    exchange = exchange_of(symbol)

    assert exchange is not None
    assert (exchange.calendar, exchange.time_zone) == (calendar, time_zone)


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("VOD.XYZ", ""),
        # London and Tokyo in Yahoo's writing, and the last without a calendar here.
        ("VOD.L", "VOD.LON"),
        ("7203.T", ""),
        ("0005.B", ""),
        ("SHOP.TO", "SHOP.TRT"),
        ("GPV.V", "GPV.TRV"),
        ("MBG.DE", "MBG.DEX"),
        ("RELIANCE.NS", "RELIANCE.BSE"),
        ("600104.SS", "600104.SHH"),
        ("IBM.US", "IBM"),
        ("BTC-USD", "crypto:BTC/USD"),
        ("ABR-P-DD", ""),
    ],
)
def test_knows_no_exchange_of_the_writing_of_others_and_says_what_may_be_meant(
    symbol: str, meant: str
) -> None:
    assert exchange_of(symbol) is None
    assert suggest_symbol(symbol) == meant


def test_no_two_exchanges_share_a_suffix_or_a_calendar() -> None:
    suffixes = [suffix for exchange in EXCHANGES for suffix in exchange.suffixes]

    assert len(suffixes) == len(set(suffixes))
    assert len({exchange.calendar for exchange in EXCHANGES}) == len(EXCHANGES)


def test_only_new_york_does_without_a_suffix() -> None:
    assert [exchange for exchange in EXCHANGES if not exchange.suffixes] == [NEW_YORK]


def test_every_time_zone_exists() -> None:
    assert {exchange.time_zone for exchange in EXCHANGES} <= zoneinfo.available_timezones()
