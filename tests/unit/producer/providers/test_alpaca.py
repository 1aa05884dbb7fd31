"""Alpaca, against a market in memory that cuts its answers into pages as Alpaca does."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from urllib3.response import HTTPResponse

from producer.ohlcv import Ohlcv
from producer.planning.allowance import AllowanceSpentError
from producer.providers.alpaca import ALPACA, Alpaca, parse_key
from producer.providers.api_key import ApiKey
from producer.providers.provider import ProviderAccess
from producer.providers.provider_errors import (
    KeyRefusedError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from stockstream.errors import Reason, SettingsError
from stockstream.instruments import Instrument, parse_instrument

# A Tuesday, 10:00:30 in New York.
NOW = datetime(2026, 12, 1, 15, 0, 30, tzinfo=UTC)
KEY_ID, SECRET = "PKTESTTESTTESTTEST", "s3cr3ts3cr3ts3cr3t"
AAPL, MSFT, TSLA = (parse_instrument(name) for name in ("AAPL", "MSFT", "TSLA"))
BTC = parse_instrument("crypto:BTC/USD")


def row(start: datetime, **changes: Any) -> dict[str, Any]:
    fields = {"o": 10.5, "h": 12, "l": 9.25, "c": 11, "v": 100, "n": 7, "vw": 10.9}
    return {"t": start.strftime("%Y-%m-%dT%H:%M:%SZ"), **fields, **changes}


def minutes_before_now(count: int) -> list[dict[str, Any]]:
    newest = NOW.replace(second=0)
    return [row(newest - timedelta(minutes=number)) for number in reversed(range(count))]


class FakeMarket(requests.Session):
    """Sorts by symbol and then by time, and cuts into pages of `limit` bars, of all symbols together."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]], page_bars: int | None = None) -> None:
        super().__init__()
        self.rows, self.page_bars = rows, page_bars
        self.invalid: set[str] = set()
        self.failures: dict[int, tuple[int, bytes] | Exception] = {}
        self.asked: list[dict[str, str]] = []
        self.keys: list[tuple[str | None, str | None]] = []

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        parameters = options["params"]
        self.asked.append({"url": url, **parameters})
        headers = options["headers"]
        self.keys.append((headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")))
        failure = self.failures.get(len(self.asked))
        if isinstance(failure, Exception):
            raise failure
        status, body = failure or self._page(parameters)
        response = requests.Response()
        response.status_code = status
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def _page(self, parameters: dict[str, str]) -> tuple[int, bytes]:
        symbols = parameters["symbols"].split(",")
        if invalid := sorted(self.invalid & set(symbols)):
            return 400, json.dumps({"message": f"invalid symbol: {invalid[0]}"}).encode()
        wanted = [
            (symbol, bar)
            for symbol in sorted(symbols)
            for bar in self.rows.get(symbol, [])
            if parameters["start"] <= bar["t"] <= parameters.get("end", "~")
        ]
        first = int(parameters.get("page_token", "0"))
        after = first + (self.page_bars or int(parameters["limit"]))
        bars: dict[str, list[dict[str, Any]]] = {}
        for symbol, bar in wanted[first:after]:
            bars.setdefault(symbol, []).append(bar)
        token = str(after) if after < len(wanted) else None
        return 200, json.dumps({"bars": bars, "next_page_token": token}).encode()


def alpaca(
    session: requests.Session,
    hours: str = "regular",
    before: Callable[[], None] = lambda: None,
    read_key: Callable[[], str] = lambda: f"{KEY_ID}:{SECRET}",
) -> Alpaca:
    return Alpaca(
        session,
        "https://market.test",
        ApiKey(read_key, parse_key),
        5,
        hours,
        "iex",
        before_request=before,
        now=lambda: NOW,
    )


def ago(**span: int) -> datetime:
    return NOW - timedelta(**span)


def test_asks_as_alpacas_own_client_does() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(3), "BTC/USD": minutes_before_now(3)})

    alpaca(session).fetch([MSFT, AAPL, BTC], "60min", datetime(2026, 12, 1, 14, 30, tzinfo=UTC))

    # 20 bars of an hour before 2026-12-01T14:30:00Z, since bars are revised.
    shared = {"timeframe": "1Hour", "limit": "10000", "sort": "asc", "start": "2026-11-30T18:30:00Z"}
    assert session.asked == [
        {
            "url": "https://market.test/v2/stocks/bars",
            "symbols": "AAPL,MSFT",
            "feed": "iex",
            "adjustment": "raw",
            **shared,
        },
        {"url": "https://market.test/v1beta3/crypto/us/bars", "symbols": "BTC/USD", **shared},
    ]


def test_reads_the_numbers_of_each_instrument_by_its_own_name() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(2), "BTC/USD": [row(NOW.replace(second=0), v=0.25)]})

    answers = alpaca(session).fetch([AAPL, BTC], "1min", ago(minutes=30))

    numbers = Ohlcv(10.5, 12.0, 9.25, 11.0, 100.0)
    assert answers["AAPL"].bars == {"2026-12-01T14:59:00Z": numbers, "2026-12-01T15:00:00Z": numbers}
    assert answers["crypto:BTC/USD"].bars == {"2026-12-01T15:00:00Z": numbers._replace(volume=0.25)}
    assert all(answer.reaches_back and answer.failure is None for answer in answers.values())


def test_the_bar_that_had_not_ended_when_the_first_page_was_asked_for_is_still_forming() -> None:
    answers = alpaca(FakeMarket({"AAPL": minutes_before_now(2)})).fetch([AAPL], "1min", ago(minutes=30))

    assert list(answers["AAPL"].without_forming("XNYS", "1min").bars) == ["2026-12-01T14:59:00Z"]


@pytest.mark.slow
def test_a_thousand_symbols_take_ten_requests_a_minute() -> None:
    symbols = [f"S{number:03}" for number in range(1000)]
    session = FakeMarket({symbol: minutes_before_now(30) for symbol in symbols})
    provider = alpaca(session)
    size = provider.instruments_per_request
    came = 0

    for first in range(0, len(symbols), size):
        group = [parse_instrument(symbol) for symbol in symbols[first : first + size]]
        came += sum(len(answer.bars) for answer in provider.fetch(group, "1min", ago(minutes=31)).values())

    assert came == 30 * 1000
    assert len(session.asked) == 10


@pytest.mark.slow
def test_a_hundred_new_symbols_take_nine_requests_and_keep_their_newest_hundred_bars() -> None:
    # Since Friday: two days of 390 minutes and 31 of this one are 811 bars each, 81,100 of all.
    minutes = minutes_before_now(31)
    for day in (30, 27):
        close = datetime(2026, 11, day, 20, 59, tzinfo=UTC)
        minutes = [row(close - timedelta(minutes=number)) for number in reversed(range(390))] + minutes
    symbols = [f"S{number:03}" for number in range(100)]
    session = FakeMarket(dict.fromkeys(symbols, minutes))

    answers = alpaca(session).fetch([parse_instrument(symbol) for symbol in symbols], "1min", None)

    assert len(session.asked) == 9
    # The newest hundred: 31 of today, and 69 of yesterday, of which the first is that of 19:51.
    assert {("2026-11-30T19:51:00Z", "2026-12-01T15:00:00Z", 100)} == {
        (min(answer.bars), max(answer.bars), len(answer.bars)) for answer in answers.values()
    }
    # If others were sent before, those between are a hole.
    assert not any(answer.reaches_back for answer in answers.values())


def test_all_bars_since_the_last_come_and_of_a_new_instrument_the_newest_hundred() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(31), "BTC/USD": minutes_before_now(250)})

    # Since 12:00, and the twenty bars before it.
    (since,) = alpaca(session).fetch([BTC], "1min", datetime(2026, 12, 1, 12, 0, tzinfo=UTC)).values()
    (new,) = alpaca(session).fetch([BTC], "60min", None).values()

    assert (len(since.bars), min(since.bars), since.reaches_back) == (201, "2026-12-01T11:40:00Z", True)
    assert (len(new.bars), min(new.bars), new.reaches_back) == (100, "2026-12-01T13:21:00Z", False)


def test_the_planner_is_told_what_a_request_brings() -> None:
    provider = alpaca(FakeMarket({}))

    # A hundred bars of each are a page of 10,000.
    assert (provider.instruments_per_request, provider.answers_since) == (100, True)


@pytest.mark.parametrize("page_bars", [1, 2, 3, 7, 100])
def test_pages_of_any_size_bring_the_same_bars(page_bars: int) -> None:
    rows = {"AAPL": minutes_before_now(5), "MSFT": minutes_before_now(1), "TSLA": minutes_before_now(6)}

    answers = alpaca(FakeMarket(rows, page_bars)).fetch([TSLA, AAPL, MSFT], "1min", ago(minutes=30))

    assert {name: len(answer.bars) for name, answer in answers.items()} == {"AAPL": 5, "MSFT": 1, "TSLA": 6}


def test_each_page_is_one_request_of_the_allowance() -> None:
    counted: list[None] = []
    session = FakeMarket({"AAPL": minutes_before_now(5)}, page_bars=2)

    alpaca(session, before=lambda: counted.append(None)).fetch([AAPL], "1min", ago(minutes=30))

    assert len(counted) == len(session.asked) == 3


def test_what_came_before_a_page_that_failed_goes_on_and_the_rest_says_why_it_is_missing() -> None:
    # Pages of four bars: AAPL 3 + MSFT 1 | MSFT 3 + TSLA 1 | ...
    rows = {symbol: minutes_before_now(count) for symbol, count in (("AAPL", 3), ("MSFT", 4), ("TSLA", 3))}
    session = FakeMarket(rows, page_bars=4)
    session.failures[2] = (429, b'{"message":"too many requests."}')

    answers = alpaca(session).fetch([AAPL, MSFT, TSLA], "1min", ago(minutes=30))

    assert [len(answers[name].bars) for name in ("AAPL", "MSFT", "TSLA")] == [3, 1, 0]
    assert [type(None), MinuteLimitError, MinuteLimitError] == [
        type(answers[name].failure) for name in ("AAPL", "MSFT", "TSLA")
    ]
    # Pages go from old to new: what MSFT lacks is newer than what it has.
    assert list(answers["MSFT"].bars) == ["2026-12-01T14:57:00Z"]
    assert [answers[name].reaches_back for name in ("AAPL", "MSFT", "TSLA")] == [True, True, False]


def test_an_allowance_that_is_spent_between_two_pages_keeps_the_first() -> None:
    requests_left = iter([True])

    def spend() -> None:
        if not next(requests_left, False):
            raise MinuteLimitError("the allowance of this run is spent")

    session = FakeMarket({"AAPL": minutes_before_now(5)}, page_bars=2)

    answer = alpaca(session, before=spend).fetch([AAPL], "1min", ago(minutes=30))["AAPL"]

    assert (len(answer.bars), type(answer.failure)) == (2, MinuteLimitError)


def test_the_failure_of_one_class_keeps_the_bars_of_the_other() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(2), "BTC/USD": minutes_before_now(2)})
    session.failures[2] = requests.ConnectionError()

    answers = alpaca(session).fetch([AAPL, BTC], "1min", ago(minutes=30))

    assert [None, ProviderUnavailableError] == [
        answer.failure and type(answer.failure) for answer in answers.values()
    ]


def test_a_symbol_that_alpaca_refuses_fails_alone() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(2), "BRK": minutes_before_now(2)})
    session.invalid = {"BRK.X", "ABC.WS"}
    instruments = [parse_instrument(name) for name in ("BRK.X", "AAPL", "ABC.WS", "BRK")]

    answers = alpaca(session).fetch(instruments, "1min", ago(minutes=30))

    assert {name: len(answer.bars) for name, answer in answers.items()} == {
        "AAPL": 2,
        "BRK": 2,
        "BRK.X": 0,
        "ABC.WS": 0,
    }
    refused = {
        name: answer.reaches_back
        for name, answer in answers.items()
        if isinstance(answer.failure, UnknownInstrumentError)
    }
    assert refused == {"BRK.X": False, "ABC.WS": False}
    assert len(session.asked) == 3


def test_a_new_symbol_of_which_alpaca_says_nothing_has_failed() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(2)})

    answers = alpaca(session).fetch([AAPL, MSFT], "1min", None)

    assert (None, NoDataError) == (answers["AAPL"].failure, type(answers["MSFT"].failure))


def test_a_coin_that_is_traded_a_few_times_a_day_is_looked_for_in_two_weeks() -> None:
    each_third_hour = [row(NOW.replace(minute=0, second=0) - timedelta(hours=3 * k + 2)) for k in range(200)]
    session = FakeMarket({"BTC/USD": each_third_hour[::-1], "ETH/USD": minutes_before_now(4)})
    ether = parse_instrument("crypto:ETH/USD")

    answers = alpaca(session).fetch([BTC, ether], "1min", None)

    # A hundred minutes before 15:00:30 hold no bar of Bitcoin. In 14 days there are 112, of 13:00 and so on.
    assert [each["symbols"] for each in session.asked] == ["BTC/USD,ETH/USD", "BTC/USD"]
    assert max(answers[BTC.name].bars) == "2026-12-01T13:00:00Z"
    assert len(answers[BTC.name].bars) == 100
    assert len(answers[ether.name].bars) == 4
    assert [each["start"] for each in session.asked] == ["2026-12-01T13:20:30Z", "2026-11-17T15:00:30Z"]


def test_three_bars_are_too_few_to_tell_how_often_a_coin_is_traded() -> None:
    session = FakeMarket({"BTC/USD": minutes_before_now(3)})

    alpaca(session).fetch([BTC], "1min", None)

    assert len(session.asked) == 2


@pytest.mark.parametrize(
    ("interval", "starts"),
    [
        # 100 min * 168 / 32.5 are 8 h 36 min 55 s, and four days; then two weeks.
        ("1min", ["2026-11-27T06:23:34Z", "2026-11-17T15:00:30Z"]),
        # 100 h * 168 / 32.5 are 516 h 55 min 23 s, and four days: 25 days and a half.
        ("60min", ["2026-11-06T02:05:06Z", "2026-11-06T02:05:06Z"]),
    ],
)
def test_a_hundred_bars_of_an_equity_take_the_nights_the_weekends_and_a_holiday_too(
    interval: str, starts: list[str]
) -> None:
    session = FakeMarket({})

    with pytest.raises(NoDataError):
        alpaca(session).fetch([AAPL], interval, None)

    assert [each["start"] for each in session.asked] == starts


def test_a_month_takes_a_page_for_each_ten_thousand_of_its_bars() -> None:
    provider = alpaca(FakeMarket({}))

    # 23 days of 960 minutes are 22,080, and 31 days of 1,440 are 44,640.
    assert [provider.requests_per_month(each, "1min") for each in (AAPL, BTC)] == [3, 5]
    assert [provider.requests_per_month(each, "5min") for each in (AAPL, BTC)] == [1, 1]


def test_where_the_plan_allows_no_second_request_a_silent_coin_has_no_bars() -> None:
    allowed = iter([None])

    def before() -> None:
        if next(allowed, "none") is not None:
            raise AllowanceSpentError("this run's 1 requests are spent")

    with pytest.raises(NoDataError, match=r"crypto:BTC/USD: Alpaca has no bars"):
        alpaca(FakeMarket({}), before=before).fetch([BTC], "1min", None)


def test_no_bars_since_the_last_are_no_failure() -> None:
    answers = alpaca(FakeMarket({})).fetch([AAPL], "1min", ago(minutes=5))

    assert (answers["AAPL"].bars, answers["AAPL"].failure) == ({}, None)


def test_a_currency_pair_is_not_offered_and_says_so() -> None:
    pair = parse_instrument("fx:EUR/USD")
    session = FakeMarket({"AAPL": minutes_before_now(2)})

    answers = alpaca(session).fetch([pair, AAPL], "1min", ago(minutes=30))
    with pytest.raises(UnknownInstrumentError, match="offers no fx"):
        alpaca(session).fetch([pair], "1min", None)

    assert (type(answers["fx:EUR/USD"].failure), len(answers["AAPL"].bars)) == (UnknownInstrumentError, 2)
    assert [ALPACA.offers(instrument) for instrument in (pair, AAPL, BTC)] == [False, True, True]


@pytest.mark.parametrize(("name", "is_offered"), [("BRK.B", True), ("TSCO.LON", False), ("VOD.L", True)])
def test_alpaca_offers_new_yorks_equities_and_leaves_unknown_exchanges_to_the_calendars(
    name: str, *, is_offered: bool
) -> None:
    assert ALPACA.offers(parse_instrument(name)) is is_offered


@pytest.mark.parametrize(
    ("interval", "kept"),
    [
        ("1min", ["14:30", "14:31", "20:59"]),
        # The first hour begins before the session, but without it half an hour would be missing.
        ("60min", ["14:00", "15:00", "20:00"]),
    ],
)
def test_regular_hours_leave_out_what_lies_outside_the_session(interval: str, kept: list[str]) -> None:
    starts = {
        "1min": ["09:00", "14:29", "14:30", "14:31", "20:59", "21:00", "23:59"],
        "60min": ["13:00", "14:00", "15:00", "20:00", "21:00"],
    }[interval]
    rows = [row(datetime.fromisoformat(f"2026-11-30T{start}:00Z")) for start in starts]
    session = FakeMarket({"AAPL": rows, "BTC/USD": rows})

    regular = alpaca(session).fetch([AAPL, BTC], interval, ago(days=3))
    extended = alpaca(session, hours="extended").fetch([AAPL], interval, ago(days=3))

    assert kept == [open_time[11:16] for open_time in regular["AAPL"].bars]
    assert starts == [open_time[11:16] for open_time in regular["crypto:BTC/USD"].bars]
    assert starts == [open_time[11:16] for open_time in extended["AAPL"].bars]


SHORTER = ["1min", "5min", "15min", "30min"]


@pytest.mark.parametrize(
    ("day", "before", "first", "last", "after"),
    [
        # The day after Thanksgiving, Christmas Eve, and the day before Independence Day end at 13:00.
        ("2026-11-27", "14:00", "14:30", "17:30", "18:00"),
        ("2026-12-24", "14:00", "14:30", "17:30", "18:00"),
        ("2025-07-03", "13:00", "13:30", "16:30", "17:00"),
        # The clocks change on 2026-03-08 and on 2026-11-01.
        ("2026-03-06", "14:00", "14:30", "20:30", "21:00"),
        ("2026-03-09", "13:00", "13:30", "19:30", "20:00"),
        ("2026-10-30", "13:00", "13:30", "19:30", "20:00"),
        ("2026-11-02", "14:00", "14:30", "20:30", "21:00"),
    ],
)
@pytest.mark.parametrize("interval", SHORTER)
def test_regular_hours_are_those_of_the_day_whatever_the_interval(
    interval: str, day: str, before: str, first: str, last: str, after: str
) -> None:
    assert regular_bars(interval, day, [before, first, last, after]) == [first, last]


@pytest.mark.parametrize(
    ("day", "starts", "kept"),
    [
        # New York opens at half past, so that the hour before reaches into the session.
        ("2026-11-27", ["13:00", "14:00", "17:00", "18:00", "20:00"], ["14:00", "17:00"]),
        ("2026-11-30", ["13:00", "14:00", "20:00", "21:00"], ["14:00", "20:00"]),
        ("2026-07-01", ["12:00", "13:00", "19:00", "20:00"], ["13:00", "19:00"]),
    ],
)
def test_regular_hours_keep_an_hour_of_which_any_part_is_traded(
    day: str, starts: list[str], kept: list[str]
) -> None:
    assert regular_bars("60min", day, starts) == kept


def test_regular_hours_leave_a_day_without_a_session_to_the_rule_for_all_providers() -> None:
    # Thanksgiving.
    assert regular_bars("1min", "2026-11-26", ["09:00", "14:30"]) == ["09:00", "14:30"]


def regular_bars(interval: str, day: str, starts: list[str]) -> list[str]:
    """Which of the bars that start at these UTC times of a day count as of the regular hours."""
    rows = [row(datetime.fromisoformat(f"{day}T{start}:00Z")) for start in starts]
    since = datetime.fromisoformat(f"{day}T00:00:00Z")
    answers = alpaca(FakeMarket({"AAPL": rows})).fetch([AAPL], interval, since)
    return [open_time[11:16] for open_time in answers["AAPL"].bars]


@pytest.mark.parametrize(
    ("instrument", "start", "end"),
    [
        # New York is at UTC-4 when October begins, and still when it ends, a day before the clocks change.
        (AAPL, "2026-10-01T04:00:00Z", "2026-11-01T03:59:59Z"),
        (BTC, "2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z"),
    ],
    ids=["equity", "crypto"],
)
def test_a_month_is_that_of_the_market(instrument: Instrument, start: str, end: str) -> None:
    session = FakeMarket(
        {symbol: [row(datetime(2026, 10, 15, 15, tzinfo=UTC))] for symbol in ("AAPL", "BTC/USD")}
    )

    answer = alpaca(session).fetch_month(instrument, "1min", "2026-10")

    assert [(start, end)] == [(asked["start"], asked["end"]) for asked in session.asked]
    assert list(answer.bars) == ["2026-10-15T15:00:00Z"]


def test_a_month_without_bars_and_a_month_that_fails_are_errors() -> None:
    with pytest.raises(NoDataError):
        alpaca(FakeMarket({})).fetch_month(AAPL, "1min", "2026-10")

    broken = FakeMarket({})
    broken.failures[1] = (500, b"")
    with pytest.raises(ProviderUnavailableError):
        alpaca(broken).fetch_month(AAPL, "1min", "2026-10")


def test_a_month_that_breaks_off_between_two_pages_has_the_bars_that_came() -> None:
    """The next run of the backfill goes on from the newest of them."""
    session = FakeMarket({"AAPL": minutes_before_now(5)}, page_bars=2)
    session.failures[2] = (429, b'{"message":"too many requests."}')

    answer = alpaca(session).fetch_month(AAPL, "1min", "2026-12")

    assert list(answer.bars) == ["2026-12-01T14:56:00Z", "2026-12-01T14:57:00Z"]
    assert isinstance(answer.failure, MinuteLimitError)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"c": 13}, Reason.BAD_PRICE),
        ({"h": 8}, Reason.HIGH_BELOW_LOW),
        ({"v": -1}, Reason.BAD_VOLUME),
        ({"o": None}, Reason.BAD_TYPE),
        ({"o": True}, Reason.BAD_TYPE),
        ({"t": "2026-12-01T14:58:00-05:00"}, Reason.BAD_TIME),
        ({"t": None}, Reason.MISSING_FIELD),
    ],
)
def test_a_bad_bar_is_rejected_with_its_reason_and_the_good_ones_go_on(
    changes: dict[str, Any], reason: Reason
) -> None:
    bad, good = minutes_before_now(2)
    page = json.dumps({"bars": {"AAPL": [bad | changes, good]}, "next_page_token": None}).encode()
    session = FakeMarket({})
    session.failures[1] = (200, page)

    answer = alpaca(session).fetch([AAPL], "1min", ago(minutes=30))["AAPL"]

    assert list(answer.bars) == ["2026-12-01T15:00:00Z"]
    assert [reason] == [rejected.reason for rejected in answer.rejected]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"message":"too many requests."}', MinuteLimitError),
        (401, b'{"message":"unauthorized."}', KeyRefusedError),
        (403, b'{"message":"forbidden."}', KeyRefusedError),
        (403, b'{"message":"subscription does not permit querying recent SIP data"}', NotEntitledError),
        (400, b'{"message":"invalid symbol: AAPL"}', UnknownInstrumentError),
        (422, b'{"code":42210000,"message":"end should not be before start"}', UnknownInstrumentError),
        (422, b'{"message":"subscription does not permit querying recent SIP data"}', NotEntitledError),
        (404, b"404 page not found", ProviderUnavailableError),
        (301, b"", ProviderUnavailableError),
        (500, b'{"message":"internal server error occurred"}', ProviderUnavailableError),
        (504, b"\xff", ProviderUnavailableError),
        (200, b"", MalformedAnswerError),
        (200, b'{"bars":{"AAPL":[{"t":"2026-12-01T14:5', MalformedAnswerError),
        (200, b"{}", MalformedAnswerError),
        (200, b"[]", MalformedAnswerError),
        (200, b'{"bars":[],"next_page_token":null}', MalformedAnswerError),
        (200, b'{"bars":[1],"next_page_token":null}', MalformedAnswerError),
        (200, b'{"bars":{"AAPL":1},"next_page_token":null}', MalformedAnswerError),
        (200, b'{"bars":{},"next_page_token":1}', MalformedAnswerError),
        (200, b'{"bars":null,"next_page_token":null}', NoDataError),
    ],
)
def test_tells_an_error_by_its_status_and_its_words(
    status: int, body: bytes, kind: type[ProviderError]
) -> None:
    session = FakeMarket({})
    session.failures[1] = (status, body)

    with pytest.raises(ProviderError) as raised:
        alpaca(session).fetch([AAPL], "1min", None)

    assert kind is raised.type


def test_a_page_that_names_itself_as_the_next_does_not_go_on_for_ever() -> None:
    session = FakeMarket({})
    page = json.dumps({"bars": {"AAPL": minutes_before_now(1)}, "next_page_token": "again"}).encode()
    session.failures = dict.fromkeys(range(1, 10), (200, page))

    answer = alpaca(session).fetch([AAPL], "1min", ago(minutes=30))["AAPL"]

    assert len(session.asked) == 2
    assert (len(answer.bars), type(answer.failure)) == (1, MalformedAnswerError)


def test_a_chain_of_pages_that_comes_back_to_one_of_them_does_not_go_on_for_ever() -> None:
    session = FakeMarket({})
    pages = [
        json.dumps({"bars": {"AAPL": minutes_before_now(1)}, "next_page_token": token}).encode()
        for token in "ABABABABAB"
    ]
    session.failures = {number: (200, page) for number, page in enumerate(pages, start=1)}

    answer = alpaca(session).fetch([AAPL], "1min", ago(minutes=30))["AAPL"]

    # The third page names A for the second time.
    assert len(session.asked) == 3
    assert (len(answer.bars), type(answer.failure)) == (1, MalformedAnswerError)


@pytest.mark.parametrize("part", [KEY_ID, SECRET])
def test_no_part_of_the_key_that_is_echoed_is_in_an_error(part: str) -> None:
    session = FakeMarket({})
    session.failures[1] = (403, f'{{"message":"{part} is forbidden."}}'.encode())

    with pytest.raises(KeyRefusedError) as raised:
        alpaca(session).fetch([AAPL], "1min", None)

    assert part not in str(raised.value)
    assert "[key]" in str(raised.value)


def test_a_page_whose_key_is_refused_is_asked_for_again_with_the_one_that_replaced_it() -> None:
    session = FakeMarket({"AAPL": minutes_before_now(4)}, page_bars=2)
    session.failures[2] = (401, b'{"message":"unauthorized."}')
    stored = iter([f"{KEY_ID}:{SECRET}", f"{KEY_ID}:another-secret"])

    answer = alpaca(session, read_key=lambda: next(stored)).fetch([AAPL], "1min", ago(minutes=30))["AAPL"]

    assert (len(answer.bars), answer.failure) == (4, None)
    assert [asked.get("page_token") for asked in session.asked] == [None, "2", "2"]
    assert session.keys == [(KEY_ID, SECRET), (KEY_ID, SECRET), (KEY_ID, "another-secret")]


@pytest.mark.parametrize(
    ("read_key", "sent"), [(lambda: f"{KEY_ID}:{SECRET}", (KEY_ID, SECRET)), (None, (None, None))]
)
def test_a_key_goes_out_as_its_id_and_its_secret_and_without_one_there_are_no_headers(
    read_key: Callable[[], str] | None, sent: tuple[str | None, str | None]
) -> None:
    session = FakeMarket({"AAPL": minutes_before_now(2), "BTC/USD": minutes_before_now(2)})
    access = ProviderAccess(
        session, "https://market.test", read_key, 5, "regular", {"ALPACA_FEED": "iex"}, lambda: None
    )

    ALPACA.open(access).fetch([BTC], "1min", ago(minutes=30))

    assert session.keys == [sent]


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("form", ['{{"message": "{} is forbidden"}}', "{} is forbidden"])
def test_a_key_that_is_echoed_is_in_no_error_whatever_its_writing(encoding: str, form: str) -> None:
    session = FakeMarket({})
    escaped = (
        "".join(f"\\u{ord(letter):04x}" for letter in SECRET) if form.startswith("{{") else SECRET.lower()
    )
    session.failures[1] = (403, form.format(escaped).encode(encoding))

    with pytest.raises(KeyRefusedError) as raised:
        alpaca(session).fetch([AAPL], "1min", None)

    assert SECRET.lower() not in str(raised.value).lower()
    assert "[key]" in str(raised.value)


def test_the_key_is_an_id_and_a_secret() -> None:
    assert parse_key(f"{KEY_ID}:{SECRET}\n") == (KEY_ID, SECRET)


@pytest.mark.parametrize("text", ["", KEY_ID, ":", f":{SECRET}", f"{KEY_ID}:", f"{KEY_ID}: {SECRET}", "é:é"])
def test_a_key_of_another_form_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="KEY_ID:SECRET_KEY") as raised:
        parse_key(text)

    assert SECRET not in str(raised.value)
