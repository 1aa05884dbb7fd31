"""The replay market over HTTP: Alpha Vantage's shapes, and its refusals with HTTP 200.

The shapes are those of answers that the real service gave in 2020 and 2025.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from stockstream.instruments import parse_instrument
from stockstream_local.market.replay import InventedMarket, ReplayMarket

NOW = datetime(2026, 11, 20, 15, 30, 40, tzinfo=UTC)

EQUITY = {"function": "TIME_SERIES_INTRADAY", "symbol": "IBM", "interval": "1min"}
FX = {"function": "FX_INTRADAY", "from_symbol": "EUR", "to_symbol": "USD", "interval": "5min"}
CRYPTO = {"function": "CRYPTO_INTRADAY", "symbol": "ETH", "market": "USD", "interval": "5min"}
REQUESTS = [EQUITY, FX, CRYPTO]
NAMES = [request["function"] for request in REQUESTS]


@pytest.fixture(scope="module")
def market() -> Iterator[ReplayMarket]:
    with ReplayMarket(InventedMarket(), clock=lambda: NOW) as running:
        yield running


def ask(market: ReplayMarket, parameters: dict[str, str], key: str = "any") -> Any:
    response = requests.get(f"{market.url}/query", params={**parameters, "apikey": key}, timeout=60)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


def test_an_equity_is_answered_in_eastern_time_with_every_number_as_text(market: ReplayMarket) -> None:
    answer = ask(market, EQUITY)
    stamps = list(answer["Time Series (1min)"])

    assert answer["Meta Data"] == {
        "1. Information": "Intraday (1min) open, high, low, close prices and volume",
        "2. Symbol": "IBM",
        "3. Last Refreshed": stamps[0],
        "4. Interval": "1min",
        "5. Output Size": "Compact",
        "6. Time Zone": "US/Eastern",
    }
    assert stamps[0] == "2026-11-20 10:30:00"  # 15:30 UTC, still forming
    assert stamps == sorted(stamps, reverse=True)
    assert len(stamps) == 100
    for row in answer["Time Series (1min)"].values():
        assert list(row) == ["1. open", "2. high", "3. low", "4. close", "5. volume"]
        assert all(re.fullmatch(r"\d+\.\d{4}", row[name]) for name in list(row)[:4])
        assert re.fullmatch(r"\d+", row["5. volume"])


def test_a_pair_of_currencies_is_answered_in_utc_without_volume(market: ReplayMarket) -> None:
    answer = ask(market, FX)
    newest, row = next(iter(answer["Time Series FX (5min)"].items()))

    assert answer["Meta Data"] == {
        "1. Information": "FX Intraday (5min) Time Series",
        "2. From Symbol": "EUR",
        "3. To Symbol": "USD",
        "4. Last Refreshed": newest,
        "5. Interval": "5min",
        "6. Output Size": "Compact",
        "7. Time Zone": "UTC",
    }
    assert newest == "2026-11-20 15:30:00"
    assert list(row) == ["1. open", "2. high", "3. low", "4. close"]
    assert all(re.fullmatch(r"\d\.\d{5}", price) for price in row.values())


def test_a_coin_is_answered_in_utc_with_volume_as_a_number(market: ReplayMarket) -> None:
    answer = ask(market, CRYPTO)
    newest, row = next(iter(answer["Time Series Crypto (5min)"].items()))

    assert answer["Meta Data"] == {
        "1. Information": "Crypto Intraday (5min) Time Series",
        "2. Digital Currency Code": "ETH",
        "3. Digital Currency Name": "Ethereum",
        "4. Market Code": "USD",
        "5. Market Name": "United States Dollar",
        "6. Last Refreshed": newest,
        "7. Interval": "5min",
        "8. Output Size": "Compact",
        "9. Time Zone": "UTC",
    }
    assert type(row["5. volume"]) is int


def test_the_full_answer_reaches_back_thirty_days(market: ReplayMarket) -> None:
    answer = ask(market, FX | {"interval": "60min", "outputsize": "full"})
    stamps = list(answer["Time Series FX (60min)"])

    assert answer["Meta Data"]["6. Output Size"] == "Full size"
    assert len(stamps) == 30 * 24
    assert datetime.fromisoformat(stamps[0]) - datetime.fromisoformat(stamps[-1]) == timedelta(hours=719)


@pytest.mark.parametrize("request_", REQUESTS, ids=NAMES)
def test_a_request_without_a_key_is_refused(market: ReplayMarket, request_: dict[str, str]) -> None:
    assert "apikey is invalid or missing" in ask(market, request_, key="")["Error Message"]


@pytest.mark.parametrize(
    "wrong",
    [
        EQUITY | {"symbol": "NOSUCH"},
        EQUITY | {"symbol": ""},
        EQUITY | {"symbol": "fx:EUR/USD"},
        EQUITY | {"interval": "2min"},
        EQUITY | {"interval": ""},
        EQUITY | {"outputsize": "huge"},
        EQUITY | {"datatype": "csv"},
        EQUITY | {"month": "2026-01"},
        FX | {"to_symbol": "XXX"},
        CRYPTO | {"market": ""},
    ],
    ids=str,
)
def test_an_unknown_symbol_or_parameter_is_an_invalid_call(
    market: ReplayMarket, wrong: dict[str, str]
) -> None:
    assert ask(market, wrong) == {
        "Error Message": "Invalid API call. Please retry or visit the documentation "
        f"(https://www.alphavantage.co/documentation/) for {wrong['function']}."
    }


def test_a_function_that_does_not_exist_is_refused(market: ReplayMarket) -> None:
    assert "does not exist" in ask(market, EQUITY | {"function": "TIME_SERIES_SECONDLY"})["Error Message"]


def test_another_path_is_not_found(market: ReplayMarket) -> None:
    assert requests.get(f"{market.url}/other", timeout=60).status_code == 404


def test_remembers_when_it_was_asked_for_what() -> None:
    with ReplayMarket(InventedMarket(), clock=lambda: NOW) as market:
        ask(market, FX)

        (request,) = market.requests
        assert request.moment == NOW
        assert request.parameters["from_symbol"] == "EUR"


def test_says_later_what_it_showed_then(market: ReplayMarket) -> None:
    answer = ask(market, FX)["Time Series FX (5min)"]
    later = market.source.bars_at(parse_instrument("fx:EUR/USD"), "5min", NOW, 100)

    assert [f"{bar.close:.5f}" for bar in reversed(later)] == [row["4. close"] for row in answer.values()]


def test_lets_its_port_go_at_the_end() -> None:
    with ReplayMarket(InventedMarket()) as market:
        url = market.url

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/query", timeout=60)
