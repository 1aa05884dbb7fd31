import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
import requests
from minutes_of_a_producer import Clock
from urllib3.response import HTTPResponse

from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance, AllowanceSpentError
from producer.providers.alphavantage import AlphaVantage
from producer.providers.alphavantage_answers import parse_answer, write_symbol
from producer.providers.api_key import ApiKey
from producer.providers.provider_errors import (
    BurstLimitError,
    DailyQuotaError,
    HistoryLimitError,
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
from stockstream.errors import Reason
from stockstream.instruments import parse_instrument
from stockstream_local.market.alphavantage import write_answer
from stockstream_local.market.invented import bars as invent_bars

KEY = ApiKey(lambda: "S3CRETKEY", str.strip)

ROOT = Path(__file__).parents[4]
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


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BRK.B", "BRK-B"),
        ("BAC.PRL", "BAC-P-L"),
        ("BAC.PR", "BAC-P"),
        ("ABC.WS", "ABC-WS"),
        ("IBM", "IBM"),
        ("TSCO.LON", "TSCO.LON"),
        ("RCI-B.TRT", "RCI-B.TRT"),
    ],
)
def test_a_symbol_is_written_as_alpha_vantage_lists_it_and_read_in_either_writing(
    name: str, written: str
) -> None:
    instrument = parse_instrument(name)
    assert write_symbol(instrument) == written

    for symbol in (name, written):
        bars, _ = parse_answer(
            equity_answer({"2026-11-20 15:59:00": bar()}, symbol=symbol), instrument, "1min"
        )
        assert list(bars) == ["2026-11-20T20:59:00Z"]


def test_reads_the_numbers() -> None:
    bars, rejected = parse_answer(equity_answer({"2026-12-01 09:30:00": bar()}), IBM, "1min")

    assert {"2026-12-01T14:30:00Z": Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)} == bars
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
    [
        "2026-03-08 02:30:00",
        "9999-12-31 23:59:00",
        "2026-02-30 10:00:00",
        "2026-12-01T09:30:00",
        "tomorrow",
        "",
    ],
    ids=["skipped in spring", "the last of all", "no such day", "another form", "no time", "nothing"],
)
def test_a_stamp_that_is_no_local_time_is_rejected(stamp: str) -> None:
    _, rejected = parse_answer(equity_answer({stamp: bar()}), IBM, "1min")

    assert [each.reason for each in rejected] == [Reason.BAD_TIME]


def test_reads_the_recorded_answer_of_an_equity(recorded: Any) -> None:
    body = recorded("alphavantage/romeltorres/intraday_msft_1min_2017.json")

    bars, rejected = parse_answer(body, parse_instrument("MSFT"), "1min")

    # Read off the file: 100 bars; the newest is "2017-12-18 14:56:00", New York winter time.
    assert len(bars) == 100
    assert Ohlcv(86.49, 86.50, 86.475, 86.50, 10494.0) == bars["2017-12-18T19:56:00Z"]
    assert rejected == []


def test_reads_the_recorded_answer_of_an_equity_in_summer(recorded: Any) -> None:
    body = recorded("alphavantage/crazzyghost/timeseries_data_intraday.json")

    bars, rejected = parse_answer(body, IBM, "5min")

    # "2020-05-08 14:05:00", New York summer time.
    assert Ohlcv(121.79, 121.86, 121.7225, 121.74, 31454.0) == bars["2020-05-08T18:05:00Z"]
    assert (len(bars), rejected) == (2, [])


@pytest.mark.parametrize(
    "moment",
    [datetime(2025, 12, 18, 19, 30, 20, tzinfo=UTC), datetime(2025, 7, 1, 18, 5, 20, tzinfo=UTC)],
    ids=["winter", "summer"],
)
@pytest.mark.parametrize("name", ["MSFT", "fx:EUR/USD", "crypto:ETH/USD"])
def test_reads_a_whole_answer_of_the_replay_market(name: str, moment: datetime) -> None:
    """Other code writes it: local times for an equity, no volume for a pair, a number for a coin."""
    instrument = parse_instrument(name)
    shown = invent_bars(instrument, "5min", moment, 100)

    bars, rejected = parse_answer(write_answer({"interval": "5min"}, instrument, shown), instrument, "5min")

    assert (len(bars), rejected) == (100, [])
    assert bars == {
        f"{each.open_time:%Y-%m-%dT%H:%M:%SZ}": Ohlcv(
            each.open, each.high, each.low, each.close, None if each.volume is None else float(each.volume)
        )
        for each in shown
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"Meta Data": {}, "Time Series (Daily)": {"2026-11-20": bar()}}, MalformedAnswerError),
        ({"Meta Data": {}, "Weekly Time Series": {"2026-11-20": bar()}}, MalformedAnswerError),
        ({"Global Quote": {"01. symbol": "IBM", "05. price": "301.2"}}, MalformedAnswerError),
        ({"Realtime Currency Exchange Rate": {"8. Bid Price": "-"}}, MalformedAnswerError),
        ({"bestMatches": [{"1. symbol": "IBM"}]}, MalformedAnswerError),
        ({"endpoint": "Global Market Open & Close Status", "markets": []}, MalformedAnswerError),
        ({"message": "This is a sample.", "data": [{"close": "301.2"}]}, SampleDataError),
    ],
    ids=["daily", "weekly", "quote", "rate", "search", "status", "sample"],
)
def test_an_answer_that_is_no_intraday_series_is_refused(
    body: dict[str, Any], kind: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        parse_answer(json.dumps(body).encode(), IBM, "5min")

    assert raised.type is kind


def test_every_recorded_answer_that_is_no_intraday_series_is_refused() -> None:
    root = ROOT.parent / "shared" / "data" / "alphavantage"
    bars = {"crypto_data_intraday.json", "forex_data_intraday.json", "timeseries_data_intraday.json"}
    files = [
        file
        for folder in ("crazzyghost", "portfoliotree", "romeltorres")
        for file in sorted((root / folder).glob("*"))
        if file.name not in bars | {"intraday_msft_1min_2017.json"}
    ]
    if not files:
        pytest.skip("the recorded answers are not on this machine")
    kinds = {}
    for file in files:
        with pytest.raises(ProviderError) as raised:
            parse_answer(file.read_bytes(), IBM, "5min")
        kinds[file.name] = raised.type

    sample = kinds.pop("REALTIME_BULK_QUOTES_505ed5cc.json")
    assert len(kinds) == 13
    assert (SampleDataError, {MalformedAnswerError}) == (sample, set(kinds.values()))


def test_reads_the_recorded_answer_of_a_currency_pair_which_has_no_volume(recorded: Any) -> None:
    body = recorded("alphavantage/crazzyghost/forex_data_intraday.json")

    bars, _ = parse_answer(body, parse_instrument("fx:EUR/USD"), "5min")

    assert Ohlcv(1.0795, 1.0795, 1.0792, 1.0794, None) == bars["2020-05-06T21:55:00Z"]


def test_reads_the_recorded_answer_of_a_coin_whose_volume_is_a_number(recorded: Any) -> None:
    body = recorded("alphavantage/crazzyghost/crypto_data_intraday.json")

    bars, _ = parse_answer(body, parse_instrument("crypto:ETH/USD"), "5min")

    assert Ohlcv(4812.58, 4814.35, 4803.41, 4812.08, 636.0) == bars["2025-08-24T15:40:00Z"]


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
        (json.loads(equity_answer({})), NoDataError),
        ({"message": "sample", "Meta Data": {}, "Time Series (1min)": {}}, SampleDataError),
        # Limits in other words, some of them beside the praise of the premium plans.
        ({"Information": "Free keys have a 25 requests/day limit. Go premium!"}, DailyQuotaError),
        ({"Information": "Up to 75 requests per minute. Subscribe to a premium plan"}, MinuteLimitError),
        ({"Note": "A premium key is for a higher API call volume."}, MinuteLimitError),
        ({"Note": "5 requests per minute and 500 requests per day, or premium."}, MinuteLimitError),
        # An address is no reason.
        (
            {"Error Message": "Internal error: GET /query?symbol=IBM&apikey=demo failed, and is invalid"},
            MalformedAnswerError,
        ),
        ({"Note": "Try later. See https://www.alphavantage.co/premium/"}, MalformedAnswerError),
        # A gateway in front of it speaks of itself.
        ({"message": "Endpoint request timed out"}, MalformedAnswerError),
        ({"message": "Limit Exceeded: 5 calls per minute"}, MinuteLimitError),
        # Prices that come with a reservation are not taken.
        (
            {"message": "words that nobody has seen yet", **json.loads(equity_answer({}))},
            MalformedAnswerError,
        ),
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
        equity_answer({}, zone="../../etc/passwd"),
        equity_answer({}, symbol="MSFT"),
        equity_answer({}).replace(b"(1min)", b"(5min)"),
        equity_answer({}).replace(b"{", b'{"3. To Symbol": "EUR", ', 2),
    ],
    ids=[
        "empty",
        "html",
        "list",
        "cut",
        "no meta",
        "no object",
        "deep",
        "zone",
        "path",
        "symbol",
        "interval",
        "quote",
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_answer(body, IBM, "1min")


@pytest.mark.parametrize(
    ("meta", "about"),
    [
        ({"2. Symbol": "MSFT"}, "MSFT"),
        ({"2. From Symbol": "GBP", "3. To Symbol": "JPY"}, "GBP JPY"),
        ({"2. Digital Currency Code": "ETH", "4. Market Code": "EUR"}, "ETH EUR"),
    ],
)
def test_an_answer_about_something_else_is_refused_with_what_it_is_about(
    meta: dict[str, str], about: str
) -> None:
    body = json.dumps({"Meta Data": meta, "Time Series (1min)": {}}).encode()

    with pytest.raises(MalformedAnswerError, match=f"^IBM: the answer is about {about} ?$"):
        parse_answer(body, IBM, "1min")


class FakeSession(requests.Session):
    """Gives one answer after the other, and the last one for ever; remembers what was asked."""

    def __init__(self, *bodies: bytes, status: int = 200, error: Exception | None = None) -> None:
        super().__init__()
        self.bodies, self.status, self.error = list(bodies) or [b"{}"], status, error
        self.asked: list[dict[str, str]] = []

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        self.asked.append({"url": url, **options["params"]})
        if self.error:
            raise self.error
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        response = requests.Response()
        response.status_code = self.status
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response


NOW = datetime(2026, 12, 1, 14, 31, tzinfo=UTC)


def market(
    session: FakeSession,
    hours: str = "regular",
    now: Callable[[], datetime] = lambda: NOW,
    before: Callable[[], None] = lambda: None,
    *,
    is_scarce: bool = False,
) -> AlphaVantage:
    return AlphaVantage(
        session, "https://market.test", KEY, 5, hours, before_request=before, is_scarce=is_scarce, now=now
    )


AS_TRADED = {"extended_hours": "false", "adjusted": "false"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("TSCO.LON", {"function": "TIME_SERIES_INTRADAY", "symbol": "TSCO.LON", **AS_TRADED}),
        ("fx:EUR/USD", {"function": "FX_INTRADAY", "from_symbol": "EUR", "to_symbol": "USD"}),
        ("crypto:BTC/USD", {"function": "CRYPTO_INTRADAY", "symbol": "BTC", "market": "USD"}),
    ],
)
def test_asks_for_each_class_of_instrument_in_its_own_words(name: str, parameters: dict[str, str]) -> None:
    session = FakeSession()

    with pytest.raises(NoDataError):
        market(session).fetch([parse_instrument(name)], "1min", None)

    rest = {"interval": "1min", "outputsize": "compact", "apikey": "S3CRETKEY"}
    assert [{"url": "https://market.test/query", **parameters, **rest}] == session.asked


def test_a_bar_that_had_not_ended_when_it_was_asked_for_is_still_forming() -> None:
    # RequestState at 14:31:00 UTC: the bar of 14:30 has just ended, the bar of 14:31 has just begun.
    session = FakeSession(equity_answer({"2026-12-01 09:31:00": bar(), "2026-12-01 09:30:00": bar()}))

    answer = market(session).fetch([IBM], "1min", None)["IBM"]

    assert list(answer.without_forming("XNYS", "1min").bars) == ["2026-12-01T14:30:00Z"]


def test_the_key_that_the_provider_echoes_is_not_in_the_error() -> None:
    session = FakeSession(
        json.dumps({"Information": "your API key as S3CRETKEY: 25 requests per day"}).encode()
    )

    with pytest.raises(DailyQuotaError) as raised:
        market(session).fetch([IBM], "1min", None)

    assert "S3CRETKEY" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_key_in_the_address_is_not_in_the_error() -> None:
    session = FakeSession(error=requests.ConnectionError("https://market.test/query?apikey=S3CRETKEY"))

    with pytest.raises(ProviderUnavailableError) as raised:
        market(session).fetch([IBM], "1min", None)

    assert "S3CRETKEY" not in str(raised.value)


def refusal() -> bytes:
    return json.dumps({"Information": "The outputsize=full parameter value is a premium feature"}).encode()


def minutes(count: int) -> bytes:
    """An answer of so many bars, of which the newest starts at 09:30 in New York, 14:30 UTC."""
    newest = datetime(2026, 12, 1, 9, 30)  # noqa: DTZ001 (the provider's stamps are naive)
    return equity_answer({str(newest - timedelta(minutes=number)): bar() for number in range(count)})


def sizes(session: FakeSession) -> list[str]:
    return [parameters["outputsize"] for parameters in session.asked]


def test_a_short_answer_that_reaches_back_is_all_that_is_asked_for() -> None:
    # The 100th bar back from 14:30 is the one of 12:51, and the 20th of them that of 13:10.
    session = FakeSession(minutes(100))

    answer = market(session).fetch([IBM], "1min", datetime(2026, 12, 1, 13, 10, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact"]
    assert answer.reaches_back


def test_an_answer_that_begins_with_the_next_bar_has_no_gap() -> None:
    session = FakeSession(minutes(100), minutes(500))

    # The hundred bars begin at 12:51.
    provider = market(session, is_scarce=True)
    answer = provider.fetch([IBM], "1min", datetime(2026, 12, 1, 12, 50, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact"]
    assert answer.reaches_back


def test_where_requests_are_left_the_long_answer_shows_what_was_revised_before_a_gap() -> None:
    session = FakeSession(minutes(100), minutes(500))

    # Of what was sent the short answer shows the bars of 12:51 to 13:09: nineteen.
    answer = market(session).fetch([IBM], "1min", datetime(2026, 12, 1, 13, 9, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact", "full"]
    assert len(answer.bars) == 500


def test_without_the_long_answer_a_short_one_that_goes_on_from_what_was_sent_has_no_gap() -> None:
    session = FakeSession(minutes(100), b'{"Information": "This is a premium endpoint."}')

    answer = market(session).fetch([IBM], "1min", datetime(2026, 12, 1, 13, 9, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact", "full"]
    assert len(answer.bars) == 100
    assert answer.reaches_back


def test_a_gap_that_the_short_answer_does_not_span_asks_for_the_long_one() -> None:
    session = FakeSession(minutes(100), minutes(500))

    answer = market(session).fetch([IBM], "1min", datetime(2026, 12, 1, 12, 49, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact", "full"]
    assert len(answer.bars) == 500
    assert answer.reaches_back


def test_an_instrument_with_fewer_than_100_bars_has_no_gap() -> None:
    session = FakeSession(minutes(99))

    answer = market(session).fetch([IBM], "1min", datetime(2026, 11, 1, tzinfo=UTC))["IBM"]

    assert sizes(session) == ["compact"]
    assert answer.reaches_back


def test_where_the_plan_refuses_the_long_answer_the_short_one_stands_and_says_that_it_is_cut() -> None:
    session = FakeSession(minutes(100), refusal(), minutes(100))
    provider = market(session)
    since = datetime(2026, 12, 1, 12, 49, tzinfo=UTC)

    first = provider.fetch([IBM], "1min", since)["IBM"]
    second = provider.fetch([IBM], "1min", since)["IBM"]

    assert sizes(session) == ["compact", "full", "compact"]
    assert [(len(each.bars), each.reaches_back) for each in (first, second)] == [(100, False), (100, False)]


def burst() -> bytes:
    return json.dumps({"Information": BURST}).encode()


GAP_SINCE = datetime(2026, 12, 1, 12, 49, tzinfo=UTC)


def test_a_long_answer_that_came_too_soon_after_the_short_one_is_asked_for_alone_the_next_time() -> None:
    session = FakeSession(minutes(100), burst(), minutes(500))
    provider = market(session)

    first = provider.fetch([IBM], "1min", GAP_SINCE)["IBM"]
    # What has come was sent, so that bars are wanted since its newest; the gap is older.
    second = provider.fetch([IBM], "1min", NOW)["IBM"]

    assert sizes(session) == ["compact", "full", "full"]
    assert (len(first.bars), first.reaches_back, type(first.cut_off_by)) == (100, False, BurstLimitError)
    assert (len(second.bars), second.reaches_back, second.cut_off_by) == (500, True, None)


def test_a_long_answer_that_fails_alone_too_falls_back_to_the_short_one_and_is_put_off() -> None:
    session = FakeSession(minutes(100), burst(), burst(), minutes(100), minutes(100))
    provider = market(session)

    answers = [provider.fetch([IBM], "1min", since)["IBM"] for since in (GAP_SINCE, NOW, NOW)]

    assert sizes(session) == ["compact", "full", "full", "compact", "compact"]
    assert [len(each.bars) for each in answers] == [100, 100, 100]
    # It may still come, until the third has all that is wanted.
    assert [each.is_owed for each in answers] == [True, True, False]


def test_a_long_answer_that_is_refused_is_tried_again_after_half_a_day() -> None:
    session = FakeSession(minutes(100), refusal(), minutes(100), minutes(500))
    clock = Clock(NOW)
    provider = market(session, now=clock)

    for hours in (0, 11.9, 12):
        clock.now = NOW + timedelta(hours=hours)
        provider.fetch([IBM], "1min", GAP_SINCE)

    assert sizes(session) == ["compact", "full", "compact", "full"]


class WithoutLongAnswers(FakeSession):
    """Fails to give a long answer each time; the short one is about what was asked for."""

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        asked = options["params"]
        short = minutes(100).replace(b'"IBM"', json.dumps(asked["symbol"]).encode())
        self.bodies = [short if asked["outputsize"] == "compact" else burst()]
        return super().get(url, **options)


def test_a_server_that_fails_to_give_the_long_answer_is_asked_for_it_less_and_less_often() -> None:
    session, clock = WithoutLongAnswers(), Clock(NOW)
    provider = market(session, now=clock)
    asked_at = []
    for minute in range(0, 2400, 10):
        clock.now, known = NOW + timedelta(minutes=minute), len(session.asked)
        provider.fetch([IBM], "1min", NOW if minute else GAP_SINCE)
        if "full" in sizes(session)[known:]:
            asked_at.append(minute)

    # The second time it is asked for alone, at once. After that the pauses are 1, 2, 4, 8 and 12 hours.
    assert asked_at == [0, 10, 70, 190, 430, 910, 1630, 2350]


def test_after_a_failure_no_other_instrument_has_a_second_request_for_half_an_hour() -> None:
    session, clock = WithoutLongAnswers(), Clock(NOW)
    provider = market(session, now=clock)

    answers = []
    for minute, name in ((0, "IBM"), (29, "MSFT"), (30, "KO")):
        clock.now = NOW + timedelta(minutes=minute)
        answers.append(provider.fetch([parse_instrument(name)], "1min", GAP_SINCE)[name])

    assert sizes(session) == ["compact", "full", "compact", "compact", "full"]
    # The next request of each is to reach as far back.
    assert [each.is_owed for each in answers] == [True, True, True]


@pytest.mark.parametrize(("since", "reaches_back"), [("14:31", True), ("14:30", False)])
def test_a_long_answer_reaches_back_for_30_days(since: str, *, reaches_back: bool) -> None:
    session = FakeSession(minutes(100), minutes(500))

    # 30 days before it is asked for, on the 1st of December at 14:31.
    moment = datetime.fromisoformat(f"2026-11-01T{since}:00+00:00")
    answer = market(session).fetch([IBM], "1min", moment)["IBM"]

    assert answer.reaches_back is reaches_back


def test_a_second_month_is_asked_for_more_than_a_second_after_the_first() -> None:
    clock, waited = Clock(NOW), list[float]()
    provider = AlphaVantage(
        FakeSession(minutes(500)),
        "https://market.test",
        KEY,
        5,
        "regular",
        before_request=lambda: None,
        is_scarce=False,
        now=clock,
        sleep=waited.append,
    )
    for seconds in (0, 0.4, 5):
        clock.now = NOW + timedelta(seconds=seconds)
        provider.fetch_month(IBM, "1min", "2026-12")

    # The free plan takes one a second, and a tenth is for the way.
    assert waited == pytest.approx([0.7, 0.0])


def test_a_long_answer_of_impossible_bars_is_no_answer() -> None:
    bad = equity_answer(
        {"2026-12-01 09:30:00": bar(**{"4. close": "0"}), "2026-12-01 09:29:00": bar(**{"5. volume": "-1"})}
    )
    session = FakeSession(minutes(100), bad)

    answer = market(session).fetch([IBM], "1min", GAP_SINCE)["IBM"]

    assert len(answer.bars) == 100
    words = "IBM: all 2 bars of the long answer are impossible: BAD_PRICE: "
    assert str(answer.cut_off_by).startswith(words)


def test_with_one_request_a_run_the_long_answer_is_asked_alone_and_once_it_failed_the_short_one() -> None:
    allowance = Allowance()
    session = FakeSession(minutes(100), refusal(), minutes(100))
    provider = market(session, before=allowance.spend)
    answers = []
    for since in (GAP_SINCE, NOW, NOW):
        allowance.begin(1)
        answers.append(provider.fetch([IBM], "1min", since)["IBM"])

    assert sizes(session) == ["compact", "full", "compact"]
    assert [len(each.bars) for each in answers] == [100, 0, 100]
    assert [type(each.cut_off_by) for each in answers] == [AllowanceSpentError, NotEntitledError, NoneType]
    assert isinstance(answers[1].failure, AllowanceSpentError)
    assert not answers[1].reaches_back
    # It was not asked for at first, and then the plan refused it.
    assert [each.is_owed for each in answers] == [True, False, False]


def test_of_a_long_answer_what_lies_long_before_the_gap_is_left_out() -> None:
    # 102 bars since 12:49. Before them: 100, and 1,000 for the longest look-back.
    session = FakeSession(minutes(100), minutes(2000))

    answer = market(session).fetch([IBM], "1min", GAP_SINCE)["IBM"]

    assert len(answer.bars) == 102 + 1100


def test_the_long_answer_does_not_reach_back_further_than_30_days() -> None:
    session = FakeSession(minutes(100), minutes(500))

    answer = market(session).fetch([IBM], "1min", datetime(2026, 10, 31, tzinfo=UTC))["IBM"]

    assert not answer.reaches_back


def test_a_month_of_an_equity_is_asked_for_by_name() -> None:
    session = FakeSession(minutes(500))

    answer = market(session).fetch_month(IBM, "1min", "2026-12")

    assert [(asked["outputsize"], asked["month"]) for asked in session.asked] == [("full", "2026-12")]
    assert (len(answer.bars), answer.reaches_back) == (500, True)


def pair_answer(*stamps: str) -> bytes:
    meta = {"2. From Symbol": "EUR", "3. To Symbol": "USD", "7. Time Zone": "UTC"}
    return json.dumps(
        {"Meta Data": meta, "Time Series FX (5min)": {stamp: bar() for stamp in stamps}}
    ).encode()


def test_a_month_of_a_pair_is_cut_out_of_its_last_30_days() -> None:
    session = FakeSession(pair_answer("2026-12-01 00:00:00", "2026-11-30 23:55:00", "2026-11-02 00:00:00"))

    answer = market(session).fetch_month(parse_instrument("fx:EUR/USD"), "5min", "2026-11")

    assert {"2026-11-30T23:55:00Z", "2026-11-02T00:00:00Z"} == set(answer.bars)
    assert not answer.reaches_back
    assert "month" not in session.asked[0]


def test_a_pairs_month_begins_with_its_first_bar_and_ends_before_that_of_the_next() -> None:
    session = FakeSession(
        pair_answer(
            "2026-12-01 00:00:00", "2026-11-30 23:55:00", "2026-11-01 00:00:00", "2026-10-31 23:55:00"
        )
    )

    answer = market(session).fetch_month(parse_instrument("fx:EUR/USD"), "5min", "2026-11")

    assert list(answer.bars) == ["2026-11-30T23:55:00Z", "2026-11-01T00:00:00Z"]
    assert answer.reaches_back


@pytest.mark.parametrize(("seconds", "kind"), [(0, NoDataError), (1, HistoryLimitError)])
def test_a_pairs_month_without_a_bar_had_none_if_all_of_it_would_be_shown(
    seconds: int, kind: type[ProviderError]
) -> None:
    """Thirty days before the 1st of December it is the 1st of November."""
    clock = Clock(datetime(2026, 12, 1, 0, 0, seconds, tzinfo=UTC))

    with pytest.raises(kind):
        market(FakeSession(pair_answer("2026-12-01 00:00:00")), now=clock).fetch_month(
            parse_instrument("fx:EUR/USD"), "5min", "2026-11"
        )


def test_the_planner_is_told_what_a_request_brings() -> None:
    provider = market(FakeSession())

    assert (provider.instruments_per_request, provider.answers_since) == (1, False)
    assert provider.requests_per_month(IBM, "1min") == 1


def test_a_short_answer_is_full_with_its_impossible_bars_too() -> None:
    """With 99 good bars and a bad one older bars may have been cut off."""
    body = json.loads(minutes(100))
    newest = next(iter(body["Time Series (1min)"]))
    body["Time Series (1min)"][newest] = bar(**{"4. close": "0"})
    session = FakeSession(json.dumps(body).encode(), minutes(500))

    answer = market(session).fetch([IBM], "1min", GAP_SINCE)["IBM"]

    assert sizes(session) == ["compact", "full"]
    assert len(answer.bars) == 500


def test_a_month_without_bars_is_an_error() -> None:
    body = pair_answer("2026-11-20 00:00:00")

    def fetch(month: str) -> None:
        market(FakeSession(body)).fetch_month(parse_instrument("fx:EUR/USD"), "5min", month)

    # Asked on the 1st of December: a pair's answer reaches back to the 1st of November.
    with pytest.raises(NoDataError):
        fetch("2026-12")
    with pytest.raises(HistoryLimitError, match="the last 30 days of a pair, and none of 2026-10"):
        fetch("2026-10")


def test_extended_hours_are_asked_for_when_they_are_wanted() -> None:
    session = FakeSession(minutes(1))

    market(session, hours="extended").fetch([IBM], "1min", None)

    assert session.asked[0]["extended_hours"] == "true"


def test_an_allowance_that_is_spent_stops_the_request_and_is_told() -> None:
    class SpentError(Exception):
        pass

    def refuse() -> None:
        raise SpentError

    session = FakeSession(minutes(1))

    with pytest.raises(SpentError):
        market(session, before=refuse).fetch([IBM], "1min", None)

    assert session.asked == []


def test_the_key_is_in_no_part_of_an_answer_that_repeats_it_in_a_bar() -> None:
    session = FakeSession(
        equity_answer({"S3CRETKEY": bar(), "2026-12-01 09:30:00": bar(**{"1. open": "S3CRETKEY"})})
    )

    answer = market(session).fetch([IBM], "1min", None)["IBM"]

    assert len(answer.rejected) == 2
    assert "S3CRETKEY" not in str(answer)


def test_too_many_requests_are_those_of_a_minute() -> None:
    with pytest.raises(MinuteLimitError, match=r"^IBM: Alpha Vantage answered HTTP 429$"):
        market(FakeSession(status=429)).fetch([IBM], "1min", None)


@pytest.mark.parametrize("status", [301, 403, 500, 503])
def test_any_status_but_200_is_no_answer(status: int) -> None:
    with pytest.raises(ProviderUnavailableError):
        market(FakeSession(status=status)).fetch([IBM], "1min", None)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"Information": "your key \u0053\u0033CRETKEY, in short"}',
        b'{"Information": "your key s3cretkey, in short"}',
        '{"Information": "your key S3CRETKEY, in short"}'.encode("utf-16"),
        b'{"Information": "%s S3CRETKEY, in short"}' % (b"x" * 292),
        b'{"S3CRETKEY": "in short"}',
    ],
    ids=["escaped", "lower case", "UTF-16", "where a message is cut", "as a name"],
)
def test_a_key_that_is_echoed_is_in_no_error_whatever_its_writing(body: bytes) -> None:
    session = FakeSession(body)

    with pytest.raises(ProviderError) as raised:
        market(session).fetch([IBM], "1min", None)

    assert "s3cret" not in str(raised.value).lower()
