"""Real prices: which provider, with whose key, and what is said where there are none."""

from typing import Any

import pytest
import requests

from producer.providers.catalogue import PROVIDERS
from stockstream.instruments import parse_instruments
from stockstream_local.live import LiveError, choose_provider, require_answer

ALPACA = {"APCA_API_KEY_ID": "PKID", "APCA_API_SECRET_KEY": "secret"}
ALPHA_VANTAGE = {"ALPHAVANTAGE_API_KEY": "av-key"}


def names(live: Any) -> list[str]:
    return [each.name for each in live.instruments]


def test_without_a_key_coins_of_alpaca_are_live() -> None:
    live = choose_provider({}, (), None)

    assert names(live) == ["crypto:BTC/USD", "crypto:ETH/USD"]
    assert (live.title, live.interval, live.key) == ("Alpaca", "1min", None)
    assert live.parameters["Provider"] == "alpaca"


@pytest.mark.parametrize("environ", [{}, {"APCA_API_KEY_ID": "PKID"}, {"ALPHAVANTAGE_API_KEY": ""}], ids=str)
def test_without_a_key_an_equity_is_refused_with_the_way_to_one(environ: dict[str, str]) -> None:
    with pytest.raises(
        LiveError, match=r"^IBM, fx:EUR/USD: .*APCA_API_KEY_ID.*https://.*ALPHAVANTAGE_API_KEY"
    ):
        choose_provider(environ, parse_instruments("crypto:BTC/USD,IBM,fx:EUR/USD"), None)


def test_the_key_in_the_environment_says_which_provider_it_is() -> None:
    alpaca = choose_provider(ALPACA | ALPHA_VANTAGE, (), None)
    assert (alpaca.title, alpaca.key) == ("Alpaca", "PKID:secret")
    assert names(alpaca) == ["IBM", "crypto:BTC/USD"]

    other = choose_provider(ALPHA_VANTAGE, parse_instruments("MSFT"), "15min")
    assert (other.title, other.key, other.interval, names(other)) == (
        "Alpha Vantage",
        "av-key",
        "15min",
        ["MSFT"],
    )
    # What its free plan allows.
    assert (other.parameters["RequestsPerDay"], other.parameters["RequestsPerMinute"]) == ("25", "1")


def test_the_key_for_everybody_serves_bars_of_five_minutes() -> None:
    live = choose_provider({"ALPHAVANTAGE_API_KEY": "demo"}, (), None)

    assert (names(live), live.interval) == (["IBM"], "5min")


@pytest.mark.parametrize("environ", [{}, ALPACA, ALPHA_VANTAGE], ids=str)
def test_it_is_the_producers_provider(environ: dict[str, str]) -> None:
    live = choose_provider(environ, (), None)
    kind = PROVIDERS[live.parameters["Provider"]]

    assert (live.title, live.url) == (kind.title, kind.url)
    assert all(kind.offers(each) for each in live.instruments)
    assert (live.key is None) == (not any(map(kind.needs_key, live.instruments)))


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(choose_provider(ALPACA, (), None))


def test_without_a_network_the_invented_market_is_offered() -> None:
    def fail(*_: object, **__: object) -> None:
        raise requests.ConnectionError("a long text about sockets")

    with pytest.raises(LiveError, match=r"Alpaca cannot be reached .*ConnectionError.*network\? .*make run"):
        require_answer(choose_provider({}, (), None), fail)
    require_answer(choose_provider({}, (), None), lambda *_, **__: None)


def test_a_certificate_that_is_not_trusted_is_no_missing_network() -> None:
    def fail(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError("a long text about certificates")

    with pytest.raises(
        LiveError, match=r"Alpaca shows a certificate .* REQUESTS_CA_BUNDLE\. .*make run"
    ) as caught:
        require_answer(choose_provider({}, (), None), fail)
    assert "network" not in str(caught.value)
