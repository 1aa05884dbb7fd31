"""Who is silent beside others of its market; Friday 2026-11-20 is 14:30 to 21:00 UTC in New York."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState
from producer.planning.silence import find_silent
from stockstream.instruments import parse_instrument

MINUTE = timedelta(minutes=1)


def at(text: str, day: str = "2026-11-20") -> datetime:
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=UTC)


def silent(
    pause: timedelta = timedelta(), interval: str = "1min", **known: RequestState
) -> dict[str, datetime | None]:
    instruments = tuple(parse_instrument(name.replace("_", ".")) for name in known)
    ledger = Ledger(instruments={name.replace("_", "."): each for name, each in known.items()})
    return find_silent(Watchlist(instruments, interval, "regular"), ledger, pause)


def newest(text: str, asked: str = "20:00", **more: timedelta) -> RequestState:
    """With its newest bar of a time, and its newest answer of another."""
    return RequestState(at(asked), at(text), **more)  # type: ignore[arg-type]  # quiet alone


IBM = newest("17:00")


@pytest.mark.parametrize(("bar", "is_silent"), [("15:00", True), ("15:01", False)])
def test_two_hours_of_trading_without_a_bar_beside_one_that_has_some(bar: str, *, is_silent: bool) -> None:
    found = silent(IBM=IBM, XYZ=newest(bar))

    # A bar of a minute ends a minute later.
    assert found == ({"XYZ": at("15:01")} if is_silent else {})


def test_four_bars_of_an_hour_may_be_missing() -> None:
    # The bars of 19:30 and 15:30 end at 20:30 and 16:30, four hours apart; and so on.
    assert silent(interval="60min", IBM=newest("19:30", "20:45"), XYZ=newest("16:00", "20:45")) == {}
    assert silent(interval="60min", IBM=newest("19:30", "20:45"), XYZ=newest("15:30", "20:45")) == {
        "XYZ": at("16:30")
    }


def test_the_night_and_the_weekend_are_no_silence() -> None:
    thursday = RequestState(at("20:00"), at("20:59", "2026-11-19"))

    # From 14:30 to 16:29, and to 16:30.
    assert silent(IBM=newest("16:28"), XYZ=thursday) == {}
    assert silent(IBM=newest("16:29"), XYZ=thursday) == {"XYZ": at("21:00", "2026-11-19")}


def test_where_the_whole_market_stands_still_nobody_is_silent() -> None:
    stale = newest("14:40")

    assert silent(IBM=stale, XYZ=stale, TSCO_LON=newest("16:29")) == {}


def test_a_market_that_has_had_no_bar_yet_hides_no_other() -> None:
    assert silent(TSCO_LON=RequestState(), IBM=IBM, XYZ=newest("14:30")) == {"XYZ": at("14:31")}


def test_whoever_has_not_been_asked_since_is_not_silent() -> None:
    assert silent(IBM=IBM, XYZ=newest("14:30", asked="16:30")) == {}
    assert silent(IBM=IBM, XYZ=newest("14:30", asked="16:31")) == {"XYZ": at("14:31")}


def test_what_is_seldom_traded_may_be_silent_for_four_times_its_usual_silence() -> None:
    seldom = newest("14:30", quiet=40 * MINUTE)

    # 160 minutes after 14:31 it is 17:11.
    assert silent(IBM=newest("17:09"), XYZ=seldom) == {}
    assert silent(IBM=newest("17:10"), XYZ=seldom) == {"XYZ": at("14:31")}


def test_what_has_never_had_a_bar_is_silent_after_answers_of_ten_minutes_of_trading() -> None:
    def known(first: str, last: str) -> RequestState:
        return RequestState(at(last), failed_at=at(first), failures=3)

    assert silent(IBM=IBM, XYZ=known("16:40", "16:49")) == {}
    assert silent(IBM=IBM, XYZ=known("16:40", "16:50")) == {"XYZ": None}
    # What failed for another reason has had no answer, and tells nothing.
    assert silent(IBM=IBM, XYZ=RequestState(failed_at=at("14:30"), failures=9)) == {}
    assert silent(IBM=IBM, XYZ=RequestState()) == {}


@pytest.mark.parametrize("known", [RequestState(), newest("14:30", asked="14:32")], ids=["new", "known"])
def test_what_has_had_no_turn_is_silent_after_two_hours_and_the_plans_pause(known: RequestState) -> None:
    ended = at("14:31") if known.newest else None

    # 142 minutes before 17:01.
    assert silent(22 * MINUTE, IBM=IBM, XYZ=known._replace(failed_at=at("14:40"))) == {}
    assert silent(22 * MINUTE, IBM=IBM, XYZ=known._replace(failed_at=at("14:39"))) == {"XYZ": ended}


def test_each_is_told_of_once() -> None:
    assert silent(IBM=IBM, XYZ=newest("14:30")._replace(reported=True)) == {}
