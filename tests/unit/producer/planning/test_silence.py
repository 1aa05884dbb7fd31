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


def silent(pause: timedelta = timedelta(), **known: RequestState) -> dict[str, datetime | None]:
    instruments = tuple(parse_instrument(name.replace("_", ".")) for name in known)
    ledger = Ledger(instruments={name.replace("_", "."): each for name, each in known.items()})
    return find_silent(Watchlist(instruments, "1min", "regular"), ledger, pause)


IBM = RequestState(newest=at("17:00"))


@pytest.mark.parametrize(("newest", "is_silent"), [("15:00", True), ("15:01", False)])
def test_two_hours_of_trading_without_a_bar_beside_one_that_has_some(newest: str, *, is_silent: bool) -> None:
    found = silent(IBM=IBM, XYZ=RequestState(newest=at(newest)))

    # A bar of a minute ends a minute later.
    assert found == ({"XYZ": at("15:01")} if is_silent else {})


def test_the_night_and_the_weekend_are_no_silence() -> None:
    thursday = RequestState(newest=at("20:59", "2026-11-19"))

    # From 14:30 to 16:29, and to 16:30.
    assert silent(IBM=RequestState(newest=at("16:28")), XYZ=thursday) == {}
    assert silent(IBM=RequestState(newest=at("16:29")), XYZ=thursday) == {"XYZ": at("21:00", "2026-11-19")}


def test_where_the_whole_market_stands_still_nobody_is_silent() -> None:
    stale = RequestState(newest=at("14:40"))

    assert silent(IBM=stale, XYZ=stale, TSCO_LON=RequestState(newest=at("16:29"))) == {}


def test_what_is_seldom_traded_may_be_silent_for_four_times_its_usual_silence() -> None:
    seldom = RequestState(newest=at("14:30"), quiet=40 * MINUTE)

    # 160 minutes after 14:31 it is 17:11.
    assert silent(IBM=RequestState(newest=at("17:09")), XYZ=seldom) == {}
    assert silent(IBM=RequestState(newest=at("17:10")), XYZ=seldom) == {"XYZ": at("14:31")}


def test_what_the_plan_asks_seldom_is_given_the_plans_pause() -> None:
    assert silent(44 * MINUTE, IBM=IBM, XYZ=RequestState(newest=at("14:30"))) == {}
    assert silent(29 * MINUTE, IBM=IBM, XYZ=RequestState(newest=at("14:30"))) == {"XYZ": at("14:31")}


def test_what_has_never_had_a_bar_is_silent_after_ten_minutes_of_trading() -> None:
    assert silent(IBM=IBM, XYZ=RequestState(failed_at=at("16:52"), failures=3)) == {}
    assert silent(IBM=IBM, XYZ=RequestState(failed_at=at("16:51"), failures=3)) == {"XYZ": None}
    assert silent(IBM=IBM, XYZ=RequestState(at("16:51"), failed_at=at("16:51"))) == {"XYZ": None}
    assert silent(IBM=IBM, XYZ=RequestState()) == {}


def test_what_has_had_no_turn_is_silent_after_two_hours_and_the_plans_pause() -> None:
    assert silent(22 * MINUTE, IBM=IBM, XYZ=RequestState(failed_at=at("14:40"))) == {}
    assert silent(22 * MINUTE, IBM=IBM, XYZ=RequestState(failed_at=at("14:39"))) == {"XYZ": None}


def test_each_is_told_of_once() -> None:
    assert silent(IBM=IBM, XYZ=RequestState(newest=at("14:30"), told=True)) == {}
