"""The catalogue: each provider can be opened, and says what it has and how late its data may be."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
import requests

from producer.providers.alpaca import Alpaca
from producer.providers.alphavantage import AlphaVantage
from producer.providers.catalogue import PROVIDERS
from producer.providers.kraken import Kraken
from producer.providers.provider import ProviderAccess
from stockstream.instruments import parse_instrument

OPTIONS = {"ALPACA_FEED": "iex"}


def access(key: str, options: Mapping[str, str] = OPTIONS) -> ProviderAccess:
    return ProviderAccess(
        session=requests.Session(),
        url="https://market.test",
        read_key=lambda: key,
        timeout_seconds=5,
        hours="regular",
        options=options,
        before_request=lambda: None,
    )


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_opens_with_its_settings(name: str) -> None:
    kind = PROVIDERS[name]
    options = {setting: choices[0] for setting, choices in kind.options.items()}

    assert kind.open(access("KEY:SECRET", options)).instruments_per_request >= 1


@pytest.mark.parametrize(
    ("name", "server", "instruments_per_request"),
    [
        ("alphavantage", AlphaVantage, 1),
        ("replay", AlphaVantage, 1),
        ("alpaca", Alpaca, 100),
        ("kraken", Kraken, 1),
    ],
)
def test_a_word_of_the_setting_opens_its_provider(
    name: str, server: type, instruments_per_request: int
) -> None:
    provider = PROVIDERS[name].open(access("KEY:SECRET"))

    assert type(provider) is server
    assert provider.instruments_per_request == instruments_per_request


@pytest.mark.parametrize(
    ("name", "feed", "minutes"),
    [
        ("alphavantage", "iex", 15),  # some of its plans are delayed, and no answer says which
        ("replay", "iex", 0),
        ("alpaca", "iex", 0),
        ("alpaca", "sip", 0),
        ("alpaca", "delayed_sip", 15),
        ("kraken", "iex", 0),
    ],
)
def test_says_by_how_much_its_plan_may_delay_data(name: str, feed: str, minutes: int) -> None:
    assert PROVIDERS[name].delay({"ALPACA_FEED": feed}) == timedelta(minutes=minutes)


def test_the_key_is_in_no_text() -> None:
    assert "PKTEST" not in repr(access("PKTEST:SECRET"))


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("IBM", {"kraken"}), ("fx:EUR/USD", {"alpaca", "kraken"}), ("crypto:BTC/USD", set())],
)
def test_a_provider_may_lack_a_class_of_instrument(name: str, lacking: set[str]) -> None:
    assert {word for word, kind in PROVIDERS.items() if not kind.offers(parse_instrument(name))} == lacking


@pytest.mark.parametrize(("name", "keyless"), [("IBM", set()), ("crypto:BTC/USD", {"alpaca", "kraken"})])
def test_coins_are_served_without_a_key_by_some(name: str, keyless: set[str]) -> None:
    instrument = parse_instrument(name)
    able = {word: kind for word, kind in PROVIDERS.items() if kind.offers(instrument)}

    assert {word for word, kind in able.items() if not kind.needs_key(instrument)} == keyless
