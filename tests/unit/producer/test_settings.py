import re

import pytest

from producer.publishing.price_moves import PriceWatch
from producer.settings import read_settings
from stockstream.errors import SettingsError
from stockstream.windows import Windows

ENVIRONMENT = {
    "INSTRUMENTS": "IBM, fx:EUR/USD",
    "INTERVAL": "1min",
    "PROVIDER": "alphavantage",
    "PROVIDER_URL": "https://www.alphavantage.co/",
    "PROVIDER_TIMEOUT_SECONDS": "10",
    "MARKET_HOURS": "regular",
    "REQUESTS_PER_DAY": "25",
    "REQUESTS_PER_MINUTE": "1",
    "ALPACA_FEED": "iex",
    "API_KEY_PARAMETER_NAME": "/stockstream/api-key",
    "BAR_STREAM_NAME": "bars",
    "INSTRUMENT_TABLE_NAME": "instruments",
    "SMA_WINDOWS": "5,20",
    "EMA_WINDOWS": "12",
    "PRICE_MOVE_PERCENT": "2.5",
    "PRICE_MOVE_BARS": "5",
}


def test_reads_the_settings() -> None:
    settings = read_settings(ENVIRONMENT)

    assert [instrument.name for instrument in settings.watchlist.instruments] == ["IBM", "fx:EUR/USD"]
    assert settings.provider_url == "https://www.alphavantage.co"
    assert Windows((5, 20), (12,)) == settings.windows


def test_prices_of_all_instruments_are_watched_unless_some_are_named() -> None:
    assert read_settings(ENVIRONMENT).watch == PriceWatch(2.5, 5, frozenset(), "regular")

    named = read_settings(ENVIRONMENT | {"PRICE_MOVE_INSTRUMENTS": "fx:EUR/USD"})
    assert named.watch.names == {"fx:EUR/USD"}


def test_an_instrument_that_is_not_followed_cannot_be_watched() -> None:
    message = "^PRICE_MOVE_INSTRUMENTS: MSFT is not followed; add it to INSTRUMENTS$"
    with pytest.raises(SettingsError, match=message):
        read_settings(ENVIRONMENT | {"PRICE_MOVE_INSTRUMENTS": "IBM,MSFT"})


def test_a_text_in_the_place_of_the_keys_name_is_not_repeated() -> None:
    with pytest.raises(
        SettingsError, match=r"^API_KEY_PARAMETER_NAME must be the name of an SSM param"
    ) as caught:
        read_settings(ENVIRONMENT | {"API_KEY_PARAMETER_NAME": "THE-KEY-ITSELF"})
    assert "ITSELF" not in str(caught.value)


def test_no_daily_limit_is_said_as_0() -> None:
    settings = read_settings(ENVIRONMENT | {"REQUESTS_PER_DAY": "0"})

    assert (settings.requests_per_day, settings.requests_per_minute) == (None, 1)


def test_alpaca_is_refused_a_class_of_instrument_that_it_does_not_offer() -> None:
    with pytest.raises(SettingsError, match=r"^INSTRUMENTS: Alpaca has no bars of fx:EUR/USD$"):
        read_settings(ENVIRONMENT | {"PROVIDER": "alpaca"})

    offered = read_settings(ENVIRONMENT | {"PROVIDER": "alpaca", "INSTRUMENTS": "IBM,crypto:BTC/USD"})
    assert [instrument.asset_class for instrument in offered.watchlist.instruments] == ["equity", "crypto"]


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        read_settings(ENVIRONMENT | {name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INSTRUMENTS", "IBM,ibm"),
        ("INSTRUMENTS", "fx:EURUSD"),
        ("INTERVAL", "2min"),
        ("PRICE_MOVE_PERCENT", "-1"),
        ("PRICE_MOVE_PERCENT", "five"),
        ("PRICE_MOVE_BARS", "0"),
        ("PRICE_MOVE_INSTRUMENTS", "IBM,ibm"),
        ("PROVIDER", "yahoo"),
        ("INSTRUMENTS", "IBM,TSCO.XYZ"),
        ("MARKET_HOURS", "nights"),
        ("REQUESTS_PER_DAY", "-1"),
        ("REQUESTS_PER_DAY", "0.5"),
        ("PRICE_MOVE_PERCENT", "0.0"),
        ("PRICE_MOVE_BARS", "1.5"),
        ("PROVIDER_URL", "https://a.io:65536"),
        ("PROVIDER_URL", "https://key@a.io"),
        ("PROVIDER_URL", "https://a.io/?key=1"),
        ("REQUESTS_PER_MINUTE", "0"),
        ("ALPACA_FEED", "otc"),
        ("PROVIDER_URL", "http://www.alphavantage.co"),
        ("PROVIDER_URL", "ftp://127.0.0.1"),
        ("PROVIDER_TIMEOUT_SECONDS", "soon"),
        ("PROVIDER_TIMEOUT_SECONDS", "nan"),
        ("PROVIDER_TIMEOUT_SECONDS", "0"),
        ("SMA_WINDOWS", "5,x"),
        ("SMA_WINDOWS", "1"),
        ("EMA_WINDOWS", "12,12"),
        ("EMA_WINDOWS", "1001"),
    ],
)
def test_a_bad_setting_is_named_with_its_value(name: str, value: str) -> None:
    bad = re.escape(value.rsplit(",", 1)[-1])

    with pytest.raises(SettingsError, match=f"{name}.*{bad}"):
        read_settings(ENVIRONMENT | {name: value})
