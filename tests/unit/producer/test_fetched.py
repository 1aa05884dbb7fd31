"""What one request brought, of instruments of which some have failed or were not published."""

from datetime import UTC, datetime

from producer.fetched import Fetched
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import Answer
from producer.providers.provider_errors import MinuteLimitError, NoDataError, ProviderError
from producer.publishing.sending import Published
from stockstream.instruments import parse_instrument

IBM, MSFT, COIN = (parse_instrument(name) for name in ("IBM", "MSFT", "crypto:BTC/USD"))
NOW = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)
BAR = Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)


def answer(bars: int, failure: ProviderError | None = None) -> Answer:
    times = [f"2026-11-20T15:{minute:02}:00Z" for minute in range(bars)]
    return Answer(dict.fromkeys(times, BAR), [], NOW, NOW, reaches_back=True, failure=failure)


def test_a_request_that_failed_failed_for_each_of_its_instruments() -> None:
    error = MinuteLimitError("slower")

    assert Fetched([IBM, MSFT], NOW, failure=error).failures() == {"IBM": error, "MSFT": error}


def test_an_answer_that_broke_off_failed_for_its_own() -> None:
    error = NoDataError("none")

    assert Fetched([IBM, MSFT], NOW, {"IBM": answer(3), "MSFT": answer(0, error)}).failures() == {
        "MSFT": error
    }


def test_all_bars_of_an_answer_that_was_not_published_wait() -> None:
    fetched = Fetched(
        [IBM, MSFT, COIN],
        NOW,
        {each.name: answer(3) for each in (IBM, MSFT, COIN)},
        {"IBM": Published(unsent=2), "MSFT": Published()},
        left={"crypto:BTC/USD": TailError("no table")},
    )

    assert fetched.deferred() == {"IBM": 2, "MSFT": 0, "crypto:BTC/USD": 3}
    assert [fetched.is_sent(each.name) for each in (IBM, MSFT, COIN)] == [False, True, False]


def test_a_request_asks_for_what_is_new_unless_it_says_otherwise() -> None:
    assert not Fetched([IBM], NOW).rereads
