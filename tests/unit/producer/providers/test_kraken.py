"""Kraken, against a market in memory that shows its newest 720 intervals as Kraken documents it."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from urllib3.response import HTTPResponse

from producer.ohlcv import Ohlcv
from producer.providers.kraken import Kraken
from producer.providers.kraken_answers import read_answer
from producer.providers.provider_errors import (
    HistoryLimitError,
    MalformedAnswerError,
    MinuteLimitError,
    NoDataError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from stockstream.errors import Reason
from stockstream.instruments import parse_instrument
from stockstream.times import format_time

NOW = datetime(2026, 12, 1, 15, 0, 30, tzinfo=UTC)
BTC = parse_instrument("crypto:BTC/USD")
MINUTE = timedelta(minutes=1)
# 2026-12-01T14:58:00Z, and the two minutes after it.
AT_58, AT_59, AT_00 = 1796137080, 1796137140, 1796137200


def row(stamp: object, **changes: Any) -> list[Any]:
    """A row of the columns that Kraken documents: time, open, high, low, close, vwap, volume, count."""
    fields = {"open": "10.5", "high": "12.0", "low": "9.25", "close": "11.0", "vwap": "10.9"}
    return [stamp, *(fields | {"volume": "0.25000000", "count": 7} | changes).values()]


def answer(*rows: object, last: object = AT_59, pair: str = "XXBTZUSD", **more: Any) -> bytes:
    return json.dumps({"error": [], "result": {pair: rows, "last": last}, **more}).encode()


class FakeMarket(requests.Session):
    """Has a bar in each interval since `first`, and shows the newest 720; the last one is forming."""

    def __init__(self, first: datetime | None = None, now: datetime = NOW) -> None:
        super().__init__()
        self.first, self.now, self.asked = first, now, list[dict[str, str]]()

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # only what is used
        parameters = options["params"]
        self.asked.append({"url": url, **parameters})
        length = int(parameters["interval"]) * MINUTE
        newest = datetime.fromtimestamp(
            self.now.timestamp() // length.total_seconds() * length.total_seconds(), UTC
        )
        times = [newest - number * length for number in reversed(range(720))]
        after = int(parameters.get("since", 0))
        shown = [int(time.timestamp()) for time in times if self.first and time >= self.first]
        shown = [stamp for stamp in shown if stamp > after]
        response = requests.Response()
        response.status_code = 200
        body = answer(*map(row, shown), last=int((newest - length).timestamp()))
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response


def kraken(session: FakeMarket) -> Kraken:
    return Kraken(session, "https://market.test", 5, before_request=lambda: None, now=lambda: session.now)


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def read(body: bytes) -> tuple[dict[str, Ohlcv], list[Any]]:
    return read_answer(200, body, BTC)


def test_asks_as_documented_for_what_is_new_and_twenty_bars_before_it() -> None:
    session = FakeMarket(LONG_AGO)

    kraken(session).fetch([BTC], "5min", datetime(2026, 12, 1, 14, 0, tzinfo=UTC))
    kraken(session).fetch([BTC], "60min", None)

    # 20 * 5 minutes before 14:00, and one second: 2026-12-01T12:19:59Z.
    assert session.asked == [
        {
            "url": "https://market.test/0/public/OHLC",
            "pair": "XBTUSD",
            "interval": "5",
            "since": "1796127599",
        },
        {"url": "https://market.test/0/public/OHLC", "pair": "XBTUSD", "interval": "60"},
    ]


@pytest.mark.parametrize(
    ("name", "asked", "shown"),
    [
        ("crypto:BTC/USD", "XBTUSD", "XXBTZUSD"),
        ("crypto:BTC/EUR", "XBTEUR", "XXBTZEUR"),
        ("crypto:ETH/BTC", "ETHXBT", "XETHXXBT"),
        ("crypto:DOGE/USD", "XDGUSD", "XDGUSD"),
        ("crypto:SOL/USD", "SOLUSD", "SOLUSD"),
    ],
)
def test_a_coin_is_asked_for_and_answered_by_krakens_own_names(name: str, asked: str, shown: str) -> None:
    instrument, session = parse_instrument(name), FakeMarket()
    with pytest.raises(MalformedAnswerError if shown != "XXBTZUSD" else NoDataError):
        kraken(session).fetch([instrument], "1min", None)

    bars, _ = read_answer(200, answer(row(AT_58), pair=shown), instrument)

    assert session.asked[0]["pair"] == asked
    assert list(bars) == ["2026-12-01T14:58:00Z"]


def test_reads_the_columns_in_their_order() -> None:
    bars, rejected = read(answer(row(AT_58), row(AT_59, volume="3.39243896")))

    numbers = Ohlcv(10.5, 12.0, 9.25, 11.0, 0.25)
    assert bars == {
        "2026-12-01T14:58:00Z": numbers,
        "2026-12-01T14:59:00Z": numbers._replace(volume=3.39243896),
    }
    assert rejected == []


def test_a_bar_that_kraken_has_not_committed_is_no_news_whatever_our_clock_says() -> None:
    assert list(read(answer(row(AT_58), row(AT_59), row(AT_00)))[0])[-1] == "2026-12-01T14:59:00Z"
    # Kraken's clock is late: the minute of 14:59 is still forming there.
    assert list(read(answer(row(AT_58), row(AT_59), last=AT_58))[0]) == ["2026-12-01T14:58:00Z"]
    # Wherever it stands.
    assert list(read(answer(row(AT_00), row(AT_58)))[0]) == ["2026-12-01T14:58:00Z"]
    # Nor is it told of as impossible.
    assert read(answer(row(AT_58), row(AT_59, high="0"), last=AT_58))[1] == []


def test_a_minute_without_a_trade_is_no_bar() -> None:
    flat = dict.fromkeys(("open", "high", "low", "close"), "11.0")

    bars, rejected = read(answer(row(AT_58), row(AT_59, **flat, vwap="0.0", volume="0.00000000", count=0)))

    assert (list(bars), rejected) == (["2026-12-01T14:58:00Z"], [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(AT_59, close="13"), Reason.BAD_PRICE),
        (row(AT_59, high="8"), Reason.HIGH_BELOW_LOW),
        (row(AT_59, volume="-1"), Reason.BAD_VOLUME),
        (row(AT_59, open=None), Reason.BAD_TYPE),
        (row("2026-12-01"), Reason.BAD_TIME),
        (row(True), Reason.BAD_TIME),  # noqa: FBT003 (JSON's true, where a number belongs)
        (row(-(10**18)), Reason.BAD_TIME),
        (row(0), Reason.BAD_TIME),
        (row(-62135596800), Reason.BAD_TIME),  # the year 1
        ([AT_59, "10.5"], Reason.MISSING_FIELD),
        ([], Reason.MISSING_FIELD),
        ("14:59", Reason.BAD_TYPE),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_good_ones_go_on(bad: object, reason: Reason) -> None:
    bars, rejected = read(answer(bad, row(AT_58)))

    assert list(bars) == ["2026-12-01T14:58:00Z"]
    assert [each.reason for each in rejected] == [reason]


@pytest.mark.parametrize("stamp", [10**12, 10**17, 10**30])
def test_a_time_beyond_the_calendar_is_rejected(stamp: int) -> None:
    """Python has a year, a word and an integer that are too large for it, and an exception for each."""
    bars, (rejected,) = read(answer(row(AT_58), row(stamp), last=stamp))

    assert list(bars) == ["2026-12-01T14:58:00Z"]
    assert (rejected.reason, rejected.detail) == (
        Reason.BAD_TIME,
        f"BAD_TIME: no bar is {stamp} seconds after 1970",
    )


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("EGeneral:Too many requests", MinuteLimitError),
        ("EAPI:Rate limit exceeded", MinuteLimitError),
        ("EService: Throttled: 1796137200", MinuteLimitError),
        ("EService:Throttled", MinuteLimitError),
        ("EGeneral:Temporary lockout", MinuteLimitError),
        ("EService:Unavailable", ProviderUnavailableError),
        ("EService:Busy", ProviderUnavailableError),
        ("EGeneral:Internal error", ProviderUnavailableError),
        ("EQuery:Unknown asset pair", UnknownInstrumentError),
        ("EGeneral:Invalid arguments", UnknownInstrumentError),
        ("EGeneral:Permission denied", NotEntitledError),
        ("EFuture:Words that nobody knows", MalformedAnswerError),
    ],
)
def test_an_error_is_known_by_its_first_words(words: str, kind: type[ProviderError]) -> None:
    with pytest.raises(kind, match=f"^crypto:BTC/USD: Kraken: {words}$") as caught:
        read(json.dumps({"error": [words]}).encode())

    assert type(caught.value) is kind


def test_bars_come_with_a_warning_too() -> None:
    assert list(read(answer(row(AT_58), error=["WGeneral:Something"]))[0]) == ["2026-12-01T14:58:00Z"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, MinuteLimitError),
        (403, NotEntitledError),
        (451, NotEntitledError),
        (502, ProviderUnavailableError),
        (520, ProviderUnavailableError),
        (301, ProviderUnavailableError),
    ],
)
def test_another_status_says_what_it_means(status: int, kind: type[ProviderError]) -> None:
    with pytest.raises(kind, match=str(status)):
        read_answer(status, b"<html>", BTC)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"error": []}',
        b'{"error": {}, "result": {}}',
        b'{"error": [], "result": []}',
        b'{"error": [], "result": {"last": 1}}',
        answer(row(AT_58), pair="XETHZUSD"),
        answer(row(AT_58), last=None),
        answer(row(AT_58), last="1796137140"),
        json.dumps({"error": [], "result": {"XXBTZUSD": {}, "last": AT_59}}).encode(),
        json.dumps({"error": [], "result": {"XXBTZUSD": [], "XBTUSD": [], "last": AT_59}}).encode(),
    ],
)
def test_an_answer_of_another_shape_or_about_another_coin_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswerError, match=r"^crypto:BTC/USD: "):
        read(body)


def test_the_first_answer_is_the_newest_hundred_and_what_is_before_them_is_cut_off() -> None:
    (whole,) = kraken(FakeMarket(NOW - 100.5 * MINUTE)).fetch([BTC], "1min", None).values()
    (cut,) = kraken(FakeMarket(LONG_AGO)).fetch([BTC], "1min", None).values()

    assert (len(whole.bars), whole.reaches_back) == (100, True)
    assert (len(cut.bars), cut.reaches_back) == (100, False)
    assert (min(cut.bars), max(cut.bars)) == ("2026-12-01T13:20:00Z", "2026-12-01T14:59:00Z")


@pytest.mark.parametrize(
    ("since", "oldest", "reaches_back"),
    [
        # 15:00 and the 719 minutes before it are shown.
        (datetime(2026, 12, 1, 3, 1, 0, tzinfo=UTC), "2026-12-01T03:01:00Z", True),
        (datetime(2026, 12, 1, 3, 0, 59, tzinfo=UTC), "2026-12-01T03:01:00Z", False),
        (datetime(2026, 12, 1, 14, 0, 0, tzinfo=UTC), "2026-12-01T13:40:00Z", True),
    ],
)
def test_a_gap_of_twelve_hours_is_filled_and_a_longer_one_may_be_a_hole(
    since: datetime, oldest: str, *, reaches_back: bool
) -> None:
    (found,) = kraken(FakeMarket(LONG_AGO)).fetch([BTC], "1min", since).values()

    assert (min(found.bars), max(found.bars)) == (oldest, "2026-12-01T14:59:00Z")
    assert found.reaches_back is reaches_back


def test_what_trades_seldom_has_no_hole_because_the_minute_of_the_gap_has_no_bar() -> None:
    traded = FakeMarket(datetime(2026, 12, 1, 10, 0, tzinfo=UTC))

    (found,) = kraken(traded).fetch([BTC], "1min", datetime(2026, 12, 1, 4, 0, tzinfo=UTC)).values()

    assert (min(found.bars), found.reaches_back) == ("2026-12-01T10:00:00Z", True)


@pytest.mark.parametrize(
    ("asked", "since", "reaches_back"),
    [
        # Asked at 15:00:30, it may have looked a minute later: then 03:01 was no longer shown.
        ("15:00:30", "03:01", False),
        ("15:00:30", "03:02", True),
        ("15:00:00", "03:01", True),
    ],
)
def test_a_gap_before_what_trades_seldom_is_none_if_all_of_it_was_shown(
    asked: str, since: str, *, reaches_back: bool
) -> None:
    at = datetime(2026, 12, 1, 15, 0, int(asked[-2:]), tzinfo=UTC)
    traded = FakeMarket(datetime(2026, 12, 1, 10, 0, tzinfo=UTC), at)

    (found,) = kraken(traded).fetch([BTC], "1min", datetime.fromisoformat(f"2026-12-01T{since}Z")).values()

    assert found.reaches_back is reaches_back


def test_nothing_new_is_no_failure_and_nothing_at_all_is_one() -> None:
    (found,) = kraken(FakeMarket()).fetch([BTC], "1min", NOW - 30 * MINUTE).values()
    assert (found.bars, found.failure) == ({}, None)

    with pytest.raises(NoDataError, match=r"^crypto:BTC/USD: Kraken shows no bars$"):
        kraken(FakeMarket()).fetch([BTC], "1min", None)


def test_a_month_is_what_is_still_shown_of_it() -> None:
    # 720 hours are thirty days: from 2026-11-01T16:00:00Z on, and 15:00 is forming.
    november = kraken(FakeMarket(LONG_AGO)).fetch_month(BTC, "60min", "2026-11")
    december = kraken(FakeMarket(LONG_AGO)).fetch_month(BTC, "60min", "2026-12")

    assert (min(november.bars), max(november.bars)) == ("2026-11-01T16:00:00Z", "2026-11-30T23:00:00Z")
    assert (min(december.bars), max(december.bars)) == ("2026-12-01T00:00:00Z", "2026-12-01T14:00:00Z")
    assert (november.reaches_back, december.reaches_back) == (False, True)


@pytest.mark.parametrize(("seconds", "reaches_back"), [(0, True), (1, False)])
def test_a_month_is_whole_as_long_as_its_first_hour_is_surely_shown(
    seconds: int, *, reaches_back: bool
) -> None:
    """23:00 on the thirtieth is the 720th hour of the month."""
    now = datetime(2026, 12, 30, 23, 0, seconds, tzinfo=UTC)

    assert kraken(FakeMarket(LONG_AGO, now)).fetch_month(BTC, "60min", "2026-12").reaches_back is reaches_back
    with pytest.raises(NoDataError if reaches_back else HistoryLimitError):
        kraken(FakeMarket(None, now)).fetch_month(BTC, "60min", "2026-12")


def test_the_planner_is_told_what_a_request_brings() -> None:
    provider = kraken(FakeMarket())

    assert (provider.instruments_per_request, provider.answers_since) == (1, True)
    assert provider.requests_per_month(BTC, "1min") == 1


def test_an_older_month_is_refused_with_another_way_to_it() -> None:
    with pytest.raises(HistoryLimitError, match="none of 2026-10: import older ones from files"):
        kraken(FakeMarket(LONG_AGO)).fetch_month(BTC, "60min", "2026-10")


def test_a_month_without_a_trade_is_no_hole() -> None:
    with pytest.raises(NoDataError):
        kraken(FakeMarket()).fetch_month(BTC, "60min", format_time(NOW)[:7])
