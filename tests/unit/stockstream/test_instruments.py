import pytest

from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instrument, parse_instruments


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        ("IBM", Instrument("IBM", "equity", "IBM", None)),
        ("TSCO.LON", Instrument("TSCO.LON", "equity", "TSCO.LON", None)),
        ("fx:EUR/USD", Instrument("fx:EUR/USD", "fx", "EUR", "USD")),
        ("crypto:BTC/USD", Instrument("crypto:BTC/USD", "crypto", "BTC", "USD")),
    ],
)
def test_a_name_says_what_it_is(name: str, instrument: Instrument) -> None:
    assert instrument == parse_instrument(name)


@pytest.mark.parametrize(
    "name", ["", "ibm", "IBM ", "I|BM", "fx:EURUSD", "fx:EUR/", "bond:X/Y", "A" * 17, "\uff29BM"]
)
def test_a_typo_is_quoted(name: str) -> None:
    with pytest.raises(InstrumentError) as raised:
        parse_instrument(name)

    assert repr(name) in str(raised.value)


def test_a_list_keeps_its_order_and_names_each_once() -> None:
    names = [each.name for each in parse_instruments(" MSFT, IBM,,MSFT ,fx:EUR/USD")]

    assert names == ["MSFT", "IBM", "fx:EUR/USD"]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(InstrumentError, match="empty"):
        parse_instruments(" , ")
