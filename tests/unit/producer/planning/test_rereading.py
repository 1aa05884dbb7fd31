"""Which instruments to read again: moments and requests worked out by hand.

Friday 2026-11-20 is an ordinary day of New York: 14:30 to 21:00 UTC.
"""

from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.bar_requests import BarRequest
from producer.planning.ledger import Ledger, RequestState
from producer.planning.planner import Plan
from producer.planning.rereading import plan_rereading, with_rereading
from stockstream.instruments import Instrument, parse_instrument

IBM, MSFT, COIN = (parse_instrument(name) for name in ("IBM", "MSFT", "crypto:BTC/USD"))
PLAN = Plan(None, 5, instruments_per_request=100)


def at(text: str, day: int = 20) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day}T{text}").replace(tzinfo=UTC)


def read_again(
    now: datetime,
    *instruments: Instrument,
    since: datetime,
    interval: str = "1min",
    plan: Plan = PLAN,
    lookback: int | None = 199,
    **state: datetime,
) -> list[BarRequest]:
    """What is due of instruments that were read again at a moment, and whose bars are sent until now."""
    known = RequestState(sent_until=now, reread_at=since)._replace(**state)  # type: ignore[arg-type]  # moments alone
    ledger = Ledger(instruments={each.name: known for each in instruments})
    return plan_rereading(Watchlist(instruments, interval, "regular"), plan, ledger, now, lookback)


@pytest.mark.parametrize(
    ("now", "since", "is_due"),
    [
        pytest.param(at("17:49"), at("14:30"), False, id="199 bars later"),
        pytest.param(at("17:50"), at("14:30"), True, id="200 bars later"),
        # 30 of them on Thursday.
        pytest.param(at("17:19"), at("20:30", 19), False, id="199 bars over a night"),
        pytest.param(at("17:20"), at("20:30", 19), True, id="200 bars over a night"),
        pytest.param(at("21:00"), at("14:30"), False, id="with the close the session is over"),
        pytest.param(at("21:29"), at("17:50"), False, id="29 minutes after the close"),
        pytest.param(at("21:30"), at("17:50"), True, id="half an hour after the close"),
        pytest.param(at("22:29"), at("21:29"), True, id="as long as it has not been read since"),
        pytest.param(at("21:31"), at("21:30"), False, id="once"),
        pytest.param(at("02:59", 21), at("17:50"), True, id="almost six hours after the close"),
        pytest.param(at("03:00", 21), at("17:50"), False, id="six hours after the close"),
        pytest.param(at("12:00", 21), at("17:50"), False, id="on Saturday"),
    ],
)
def test_an_instrument_is_read_again_after_200_bars_and_after_the_close(
    now: datetime, since: datetime, *, is_due: bool
) -> None:
    assert bool(read_again(now, IBM, since=since)) is is_due


def test_a_coin_is_read_again_after_200_bars_whatever_the_hour() -> None:
    assert read_again(at("03:19"), COIN, since=at("00:00")) == []
    # 100 bars, 199 that these look back on, and 199 that the first of those does: 498 minutes.
    assert read_again(at("03:20"), COIN, since=at("00:00")) == [
        BarRequest((COIN,), at("03:20") - timedelta(minutes=498), rereads=True)
    ]


@pytest.mark.parametrize(
    ("interval", "since"),
    [
        # 390 bars of Friday, and 108 of Thursday's last: from 19:12 on.
        ("1min", at("19:12", 19)),
        # 78 a day: six sessions back to Friday the 13th, and 30 bars of Thursday the 12th, 150 minutes.
        ("5min", at("18:30", 12)),
    ],
)
def test_it_reaches_back_over_the_tail_and_the_look_back_of_its_first_bar(
    interval: str, since: datetime
) -> None:
    assert read_again(at("21:30"), IBM, since=at("14:00"), interval=interval) == [
        BarRequest((IBM,), since, rereads=True)
    ]


def test_markets_are_read_apart_and_sixteen_instruments_fit_a_request() -> None:
    # 10,000 bars a page, and 498 and a hundred more of each.
    shares = [parse_instrument(f"S{number}") for number in range(20)]

    requests = read_again(at("21:30"), COIN, *shares, since=at("14:00"))

    assert [each.instruments for each in requests] == [(COIN,), tuple(shares[:16]), tuple(shares[16:])]
    # Where a request takes one, each has its own.
    one_by_one = read_again(at("21:30"), IBM, MSFT, since=at("14:00"), plan=Plan(None, 5))
    assert [each.instruments for each in one_by_one] == [(IBM,), (MSFT,)]


def test_what_has_failed_waits_and_what_lags_gets_what_is_new_first() -> None:
    assert read_again(at("21:30"), IBM, since=at("14:00"), not_before=at("21:31")) == []
    assert read_again(at("21:30"), IBM, since=at("14:00"), not_before=at("21:30")) != []
    assert read_again(at("21:30"), IBM, since=at("14:00"), sent_until=at("19:11", 19)) == []
    assert read_again(at("21:30"), IBM, since=at("14:00"), sent_until=at("19:12", 19)) != []


def test_after_a_close_it_is_read_again_five_minutes_after_it_was_asked_for() -> None:
    assert read_again(at("21:34"), IBM, since=at("17:50"), asked_at=at("21:30")) == []
    assert read_again(at("21:35"), IBM, since=at("17:50"), asked_at=at("21:30")) != []


def test_a_plan_with_a_days_limit_reads_nothing_again_while_the_market_is_open() -> None:
    assert read_again(at("17:50"), IBM, since=at("14:30"), plan=Plan(1000, 5, 100)) == []


@pytest.mark.parametrize(
    ("spent", "instruments", "again"),
    [
        (24, (IBM,), 1),
        (25, (IBM,), 0),
        (24, (IBM, MSFT), 1),
        (23, (IBM, MSFT), 2),
        # What is left brings the coin's bars sooner.
        (10, (IBM, COIN), 0),
    ],
)
def test_when_all_markets_have_closed_it_reads_again_with_what_is_left_of_the_day(
    spent: int, instruments: tuple[Instrument, ...], again: int
) -> None:
    known = RequestState(
        asked_at=at("21:22"), newest=at("20:59"), sent_until=at("20:59"), reread_at=at("14:30")
    )
    coin = known._replace(asked_at=at("21:30"), newest=at("21:29"), reread_at=at("21:00"))
    states = {each.name: coin if each is COIN else known for each in instruments}
    ledger = Ledger(day=at("21:30").date(), spent=spent, instruments=states)
    watchlist = Watchlist(instruments, "1min", "regular")

    assert len(plan_rereading(watchlist, Plan(25, 1), ledger, at("21:30"), None)) == again


def test_nothing_is_read_again_where_the_provider_says_that_the_day_is_spent() -> None:
    known = {"IBM": RequestState(sent_until=at("20:59"), reread_at=at("14:00"))}
    watchlist = Watchlist((IBM,), "1min", "regular")
    ledger = Ledger(stopped_until=at("21:31"), instruments=known)

    assert plan_rereading(watchlist, PLAN, ledger, at("21:30"), 199) == []
    assert plan_rereading(watchlist, PLAN, ledger, at("21:31"), 199) != []


def test_where_each_answer_shows_the_same_only_the_one_after_the_close_is_asked_for() -> None:
    assert read_again(at("17:50"), IBM, since=at("14:30"), lookback=None) == []
    assert read_again(at("21:30"), IBM, since=at("14:30"), lookback=None) == [
        BarRequest((IBM,), at("21:30"), rereads=True)
    ]


def test_what_is_not_due_keeps_nobody_else_from_being_read_again() -> None:
    london = parse_instrument("TSCO.LON")
    asked = RequestState(sent_until=at("20:59"), reread_at=at("14:00"))
    read = RequestState(sent_until=at("16:29"), reread_at=at("17:00"))
    ledger = Ledger(instruments={"MSFT": asked, "TSCO.LON": read})
    watchlist = Watchlist((IBM, MSFT, london), "1min", "regular")

    assert [each.instruments for each in plan_rereading(watchlist, PLAN, ledger, at("21:30"), 199)] == [
        (MSFT,)
    ]


def test_markets_that_close_together_are_each_asked_for_once_more() -> None:
    # London and Frankfurt close at 16:30 UTC, Shanghai long before.
    names = ("TSCO.LON", "SAP.DEX", "600104.SHH")
    asked = RequestState(sent_until=at("16:00"), reread_at=at("14:00"))
    watchlist = Watchlist(tuple(map(parse_instrument, names)), "1min", "regular")

    requests = plan_rereading(
        watchlist, PLAN, Ledger(instruments=dict.fromkeys(names, asked)), at("17:00"), None
    )

    assert [each.instruments[0].name for each in requests] == ["TSCO.LON", "SAP.DEX"]


def test_nothing_is_read_again_that_has_not_been_read() -> None:
    watchlist = Watchlist((IBM,), "1min", "regular")

    assert plan_rereading(watchlist, PLAN, Ledger(), at("21:30"), 199) == []


NOW = at("17:50")
NEW, AGAIN = BarRequest((IBM, MSFT), NOW), BarRequest((IBM,), at("14:00"), rereads=True)


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, [AGAIN]), (2, [AGAIN, BarRequest((MSFT,), NOW)]), (5, [AGAIN, BarRequest((MSFT,), NOW)])],
)
def test_what_is_read_again_is_not_asked_for_twice_and_a_run_makes_no_more_than_it_may(
    most: int, expected: list[BarRequest]
) -> None:
    assert with_rereading([NEW], [AGAIN], Ledger(), most) == expected


def test_what_waits_longest_comes_first() -> None:
    asked = {"IBM": RequestState(NOW), "MSFT": RequestState(NOW - timedelta(minutes=1))}

    assert with_rereading([NEW], [AGAIN], Ledger(instruments=asked), 1) == [BarRequest((MSFT,), NOW)]


def test_of_those_that_read_again_a_run_makes_as_many_as_it_has_left_and_at_least_one() -> None:
    coin = BarRequest((COIN,), at("03:00"), rereads=True)
    msft = BarRequest((MSFT,), at("14:00"), rereads=True)
    others = [BarRequest((parse_instrument(f"S{number}"),), NOW) for number in range(3)]

    again = [
        [each for each in with_rereading(others, [coin, msft], Ledger(), most) if each.rereads]
        for most in (1, 3, 4, 5)
    ]
    assert again == [[coin], [coin], [coin], [coin, msft]]
    assert with_rereading(others, [], Ledger(), 2) == others[:2]
    assert with_rereading([], [coin, msft], Ledger(), 1) == [coin]
