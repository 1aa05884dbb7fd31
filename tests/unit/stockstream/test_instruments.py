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


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BRK.B", ["BRK.B", "BRK-B", "BRK/B"]),
        # Preferred shares as Alpaca, Yahoo and Alpha Vantage write them.
        ("BAC.PRL", ["BAC.PRL", "BAC-PL", "BAC-P-L", "BAC/PRL"]),
        ("ABC.WS", ["ABC.WS", "ABC-WS", "ABC/WS", "ABC-WT"]),
        ("ABC.U", ["ABC.U", "ABC-U", "ABC/U", "ABC-UN"]),
        ("ABC.RT", ["ABC.RT", "ABC-RT"]),
    ],
)
def test_a_share_of_new_york_has_one_name_however_it_is_written(name: str, written: list[str]) -> None:
    assert parse_instruments(",".join(written)) == (Instrument(name, "equity", name, None),)


@pytest.mark.parametrize("name", ["RCI-B.TRT", "BT-A.LON", "600104.SHH"])
def test_what_an_exchange_writes_before_its_suffix_stays(name: str) -> None:
    assert parse_instrument(name).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("EURUSD=X", "did you mean fx:EUR/USD"),
        ("EUR/USD", "did you mean fx:EUR/USD"),
        ("fx:EURUSD", "did you mean fx:EUR/USD"),
        ("ES=F", "futures"),
        ("^GSPC", "indices"),
        ("tsco.lon", "did you mean TSCO.LON"),
    ],
)
def test_the_writing_of_others_is_refused_with_what_may_be_meant(name: str, hint: str) -> None:
    with pytest.raises(InstrumentError, match=hint):
        parse_instrument(name)


def test_a_list_keeps_its_order_and_names_each_once() -> None:
    names = [each.name for each in parse_instruments(" MSFT, IBM,,MSFT ,fx:EUR/USD")]

    assert names == ["MSFT", "IBM", "fx:EUR/USD"]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(InstrumentError, match="empty"):
        parse_instruments(" , ")
