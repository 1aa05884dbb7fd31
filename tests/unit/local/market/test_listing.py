"""What the invented market trades."""

import pytest

from stockstream.instruments import parse_instrument
from stockstream_local.market.listing import is_listed


@pytest.mark.parametrize("name", ["IBM", "TSCO.LON", "F", "fx:EUR/USD", "fx:USD/JPY", "crypto:ETH/EUR"])
def test_knows_shares_currencies_and_coins(name: str) -> None:
    assert is_listed(parse_instrument(name))


@pytest.mark.parametrize(
    "name", ["NOSUCH", "600000", "fx:EUR/XXX", "fx:BTC/USD", "crypto:EUR/USD", "crypto:BTC/XXX"]
)
def test_does_not_know_what_is_not_traded(name: str) -> None:
    assert not is_listed(parse_instrument(name))
