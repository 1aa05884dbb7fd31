import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from producer.alphavantage import AlphaVantage, parse_answer
from producer.provider_errors import (
    BurstLimitError,
    DailyQuotaError,
    KeyRefusedError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    SampleDataError,
    UnknownInstrumentError,
)
from producer.tail import Numbers
from stockstream.errors import Reason
from stockstream.instruments import parse_instrument

IBM = parse_instrument("IBM")


def bar(**changes: str | None) -> dict[str, str]:
    fields = {"1. open": "10", "2. high": "12", "3. low": "9", "4. close": "11", "5. volume": "100"}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def equity_answer(series: dict[str, Any], zone: str = "US/Eastern", symbol: str = "IBM") -> bytes:
    meta = {"2. Symbol": symbol, "3. Last Refreshed": "-", "4. Interval": "1min", "6. Time Zone": zone}
    return json.dumps({"Meta Data": meta, "Time Series (1min)": series}).encode()


def test_reads_local_time_as_winter_time_in_winter_and_summer_time_in_summer() -> None:
    answer = equity_answer({"2026-07-01 09:30:00": bar(), "2026-12-01 09:30:00": bar()})

    bars, _ = parse_answer(answer, IBM, "1min")

    assert {"2026-07-01T13:30:00Z", "2026-12-01T14:30:00Z"} == set(bars)


def test_reads_the_numbers() -> None:
    bars, rejected = parse_answer(equity_answer({"2026-12-01 09:30:00": bar()}), IBM, "1min")

    assert {"2026-12-01T14:30:00Z": Numbers(10.0, 12.0, 9.0, 11.0, 100.0)} == bars
    assert rejected == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"4. close": "13"}, Reason.BAD_PRICE),
        ({"1. open": "0"}, Reason.BAD_PRICE),
        ({"2. high": "8"}, Reason.HIGH_BELOW_LOW),
        ({"1. open": "1e999"}, Reason.BAD_PRICE),
        ({"5. volume": "-1"}, Reason.BAD_VOLUME),
        ({"4. close": None}, Reason.MISSING_FIELD),
        ({"4. close": "1_1"}, Reason.BAD_TYPE),
        ({"4. close": "nan"}, Reason.BAD_TYPE),
        ({"4. close": ""}, Reason.BAD_TYPE),
    ],
)
def test_a_bad_bar_is_rejected_with_its_reason_and_the_good_ones_go_on(
    changes: dict[str, str | None], reason: Reason
) -> None:
    answer = equity_answer({"2026-12-01 09:31:00": bar(**changes), "2026-12-01 09:30:00": bar()})

    bars, rejected = parse_answer(answer, IBM, "1min")

    assert list(bars) == ["2026-12-01T14:30:00Z"]
    assert [("2026-12-01 09:31:00", reason)] == [(each.stamp, each.reason) for each in rejected]


@pytest.mark.parametrize(
    "stamp",
    ["2026-03-08 02:30:00", "2026-02-30 10:00:00", "2026-12-01T09:30:00", "tomorrow", ""],
    ids=["skipped in spring", "no such day", "another form", "no time", "nothing"],
)
def test_a_stamp_that_is_no_local_time_is_rejected(stamp: str) -> None:
    _, rejected = parse_answer(equity_answer({stamp: bar()}), IBM, "1min")

    assert [each.reason for each in rejected] == [Reason.BAD_TIME]


def test_reads_the_recorded_answer_of_an_equity(recorded: Any) -> None:
    body = recorded("alphavantage/romeltorres/intraday_msft_1min_2017.json")

    bars, rejected = parse_answer(body, parse_instrument("MSFT"), "1min")

    # Read off the file: 100 bars; the newest is "2017-12-18 14:56:00", New York winter time.
    assert len(bars) == 100
    assert Numbers(86.49, 86.50, 86.475, 86.50, 10494.0) == bars["2017-12-18T19:56:00Z"]
    assert rejected == []


def test_reads_the_recorded_answer_of_a_currency_pair_which_has_no_volume(recorded: Any) -> None:
    body = recorded("alphavantage/crazzyghost/forex_data_intraday.json")

    bars, _ = parse_answer(body, parse_instrument("fx:EUR/USD"), "5min")

    assert Numbers(1.0795, 1.0795, 1.0792, 1.0794, None) == bars["2020-05-06T21:55:00Z"]


def test_reads_the_recorded_answer_of_a_coin_whose_volume_is_a_number(recorded: Any) -> None:
    body = recorded("alphavantage/crazzyghost/crypto_data_intraday.json")

    bars, _ = parse_answer(body, parse_instrument("crypto:ETH/USD"), "5min")

    assert Numbers(4812.58, 4814.35, 4803.41, 4812.08, 636.0) == bars["2025-08-24T15:40:00Z"]


BURST = "Please consider spreading out your free API requests more sparingly (1 request per second)."
DAILY = "Our standard API rate limit is 25 requests per day. Please visit our premium plans"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({}, NoDataError),
        (
            {"Information": BURST + " Subscribe to lift the limit (25 requests per day)"},
            BurstLimitError,
        ),
        ({"Information": "Burst pattern detected. Please spread out your API requests"}, BurstLimitError),
        ({"Information": "Minute-level rate limit exceed. Please stay under"}, MinuteLimitError),
        (
            {"Note": "Our standard frequency is 5 calls per minute and 500 calls per day."},
            MinuteLimitError,
        ),
        ({"Information": DAILY}, DailyQuotaError),
        ({"Error Message": "the parameter apikey is invalid or missing."}, KeyRefusedError),
        ({"Information": "The **demo** API key is for demo purposes only."}, KeyRefusedError),
        ({"Information": "Thank you! This is a premium endpoint."}, NotEntitledError),
        ({"Error Message": "Invalid API call. Please retry or visit"}, UnknownInstrumentError),
        ({"Information": "words that nobody has seen yet"}, MalformedAnswerError),
        ({"Global Quote": {}}, MalformedAnswerError),
        ({"message": "sample", "Meta Data": {}, "Time Series (1min)": {}}, SampleDataError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_tells_an_error_by_its_shape_and_its_words(answer: dict[str, Any], kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as raised:
        parse_answer(json.dumps(answer).encode(), IBM, "1min")

    assert kind is raised.type


def test_maps_every_error_that_was_observed(recorded: Any) -> None:
    kinds = {
        "daily_limit_2024": DailyQuotaError,
        "daily_limit_echoes_key": DailyQuotaError,
        "free_burst_1_per_s": BurstLimitError,
        "free_burst_2025_12": BurstLimitError,
        "legacy_note": MinuteLimitError,
        "premium_burst": BurstLimitError,
        "premium_minute": MinuteLimitError,
        "premium_endpoint": NotEntitledError,
        "premium_parameter": NotEntitledError,
        "demo_key": KeyRefusedError,
        "bad_key": KeyRefusedError,
        "bad_symbol_or_param": UnknownInstrumentError,
        "empty_quote": MalformedAnswerError,
        "empty_object": NoDataError,
    }
    observed = {}
    for line in recorded("alphavantage/observed_error_payloads.jsonl").splitlines():
        payload = json.loads(line)
        with pytest.raises(ProviderError) as raised:
            parse_answer(json.dumps(payload["body"]).encode(), IBM, "1min")
        observed[payload["name"]] = raised.type

    assert kinds == observed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"Meta Data": {"2. Symbol": "IBM"}, "Time Series (1min)": {"2026',
        b'{"Time Series (1min)": {}}',
        b'{"Meta Data": {}, "Time Series (1min)": []}',
        b"[" * 100_000,
        equity_answer({}, zone="Mars/Olympus"),
        equity_answer({}, symbol="MSFT"),
        equity_answer({}).replace(b"(1min)", b"(5min)"),
    ],
    ids=["empty", "html", "list", "cut", "no meta", "no object", "deep", "zone", "symbol", "interval"],
)
def test_an_answer_that_is_not_what_was_asked_for_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_answer(body, IBM, "1min")


class FakeSession(requests.Session):
    """Answers every request with one body, and remembers what was asked."""

    def __init__(self, body: bytes = b"{}", status: int = 200, error: Exception | None = None) -> None:
        super().__init__()
        self.body, self.status, self.error = body, status, error
        self.parameters: dict[str, str] = {}

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        if self.error:
            raise self.error
        self.parameters = {"url": url, **options["params"]}
        response = requests.Response()
        response.status_code = self.status
        response._content = self.body  # noqa: SLF001 (requests has no other way to make one)
        return response


def market(session: FakeSession) -> AlphaVantage:
    now = datetime(2026, 12, 1, 14, 31, tzinfo=UTC)
    return AlphaVantage(session, "https://market.test", "S3CRETKEY", 5, now=lambda: now)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("TSCO.LON", {"function": "TIME_SERIES_INTRADAY", "symbol": "TSCO.LON"}),
        ("fx:EUR/USD", {"function": "FX_INTRADAY", "from_symbol": "EUR", "to_symbol": "USD"}),
        ("crypto:BTC/USD", {"function": "CRYPTO_INTRADAY", "symbol": "BTC", "market": "USD"}),
    ],
)
def test_asks_for_each_class_of_instrument_in_its_own_words(name: str, parameters: dict[str, str]) -> None:
    session = FakeSession()

    with pytest.raises(NoDataError):
        market(session).fetch(parse_instrument(name), "1min")

    rest = {"interval": "1min", "outputsize": "compact", "apikey": "S3CRETKEY"}
    assert {"url": "https://market.test/query", **parameters, **rest} == session.parameters


def test_a_bar_that_had_not_ended_when_it_was_asked_for_is_still_forming() -> None:
    # Asked at 14:31:00 UTC: the bar of 14:30 has just ended, the bar of 14:31 has just begun.
    session = FakeSession(equity_answer({"2026-12-01 09:31:00": bar(), "2026-12-01 09:30:00": bar()}))

    answer = market(session).fetch(IBM, "1min")

    assert list(answer.finished_bars("1min")) == ["2026-12-01T14:30:00Z"]


def test_the_key_that_the_provider_echoes_is_not_in_the_error() -> None:
    session = FakeSession(
        json.dumps({"Information": "your API key as S3CRETKEY: 25 requests per day"}).encode()
    )

    with pytest.raises(DailyQuotaError) as raised:
        market(session).fetch(IBM, "1min")

    assert "S3CRETKEY" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_key_in_the_address_is_not_in_the_error() -> None:
    session = FakeSession(error=requests.ConnectionError("https://market.test/query?apikey=S3CRETKEY"))

    with pytest.raises(ProviderUnavailableError) as raised:
        market(session).fetch(IBM, "1min")

    assert "S3CRETKEY" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 403, 500, 503])
def test_any_status_but_200_is_no_answer(status: int) -> None:
    with pytest.raises(ProviderUnavailableError):
        market(FakeSession(status=status)).fetch(IBM, "1min")
