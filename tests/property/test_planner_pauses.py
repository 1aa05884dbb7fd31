"""What overdue bars are measured against: the planner never pauses longer than longest_pause says."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, quota_day
from producer.planning.ledger_entries import record_answer
from producer.planning.overdue import longest_pause
from producer.planning.planner import Plan, plan_requests
from stockstream.instruments import parse_instruments
from stockstream.sessions import current_or_last_session

MINUTE = timedelta(minutes=1)
START, END = datetime(2026, 11, 19, 5, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)
FREE = Plan(requests_per_day=25, requests_per_minute=1)


def stocks(count: int) -> str:
    return ",".join(f"S{number}" for number in range(count))


def mixed() -> str:
    """Shares of six exchanges, each session with a request of its own, and pairs and coins beside them."""
    suffixes = {"": 10, ".TRT": 4, ".LON": 4, ".DEX": 4, ".BSE": 2, ".SHH": 2}
    shares = [f"S{number}{suffix}" for suffix, count in suffixes.items() for number in range(count)]
    return ",".join([*shares, "fx:EUR/USD", "fx:GBP/USD", "crypto:BTC/USD", "crypto:ETH/USD"])


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("names", "hours", "plan", "together"),
    [
        ("IBM", "regular", FREE, 1),
        ("IBM", "extended", FREE, 1),
        ("IBM", "regular", Plan(100, 5), 1),
        (stocks(6), "regular", FREE, 1),
        (stocks(20), "regular", FREE, 1),
        (stocks(10), "regular", Plan(None, 2), 1),
        (stocks(10), "regular", FREE, 5),
        ("crypto:BTC/USD", "regular", FREE, 1),
        ("600104.SHH", "regular", FREE, 1),
        ("IBM,TSCO.LON", "regular", FREE, 1),
        ("IBM,TSCO.LON,fx:EUR/USD,crypto:BTC/USD", "regular", FREE, 1),
    ],
)
def test_a_market_is_asked_about_before_its_pause_is_over(
    names: str, hours: str, plan: Plan, together: int
) -> None:
    instruments, plan = parse_instruments(names), plan._replace(instruments_per_request=together)
    watchlist = Watchlist(instruments, "1min", hours)

    worst = longest_wait(watchlist, plan, END, MINUTE)

    pause = longest_pause(watchlist, plan, quota_day(START))
    # A bar takes two minutes to show, which is granted beside the pause.
    assert timedelta() < worst <= pause + 2 * MINUTE


@pytest.mark.sampled(1)
@pytest.mark.parametrize("requests_per_day", [34, 40, 60, 100])
def test_what_never_closes_is_asked_about_in_time_beside_many_closes(requests_per_day: int) -> None:
    watchlist = Watchlist(parse_instruments(mixed()), "15min", "regular")
    plan = Plan(requests_per_day, 5)

    worst = longest_wait(watchlist, plan, END, 5 * MINUTE)

    pause = longest_pause(watchlist, plan, quota_day(START))
    assert timedelta() < worst <= pause + 30 * MINUTE
    # Or every outage would be explained. A coin of 96 bars a day is asked once a day, with room for one turn.
    assert pause <= timedelta(hours=25)


def test_with_a_request_for_each_close_every_share_is_asked_after_every_close() -> None:
    # Of 34 requests Shanghai's two sessions take 4, the other shares 24, the pairs and coins 4 or a few more.
    watchlist, plan = Watchlist(parse_instruments(mixed()), "15min", "regular"), Plan(34, 5)
    seen = {each.name: START - MINUTE for each in watchlist.instruments}
    ledger, closings = Ledger(), Counter[str]()
    for name, moment in seen.items():
        ledger = record_answer(ledger, moment, {name: moment - watchlist.bar_length})
    ledger = replace(ledger, spent=0)
    for now in (START + number * 5 * MINUTE for number in range(3 * 24 * 12)):
        for (instrument,) in plan_requests(watchlist, plan, ledger, now):
            ledger = record_answer(ledger, now, {instrument.name: now - watchlist.bar_length})
            session = current_or_last_session(watchlist.market_of(instrument), now)
            closings[instrument.name] += session is not None and session.closes < now

    # Thursday's and Friday's; of Shanghai's Thursday the afternoon is left.
    shares = [name for name in seen if name.startswith("S")]
    assert {name: closings[name] >= (3 if name.endswith(".SHH") else 2) for name in shares} == dict.fromkeys(
        shares, True
    )


def longest_wait(watchlist: Watchlist, plan: Plan, end: datetime, step: timedelta) -> timedelta:
    """For how long a market that was open was not asked about; from the second day on."""
    instruments, length = watchlist.instruments, watchlist.bar_length
    ledger, asked_at, worst = Ledger(), dict.fromkeys(instruments, START), timedelta()
    now = START
    while now < end:
        for batch in plan_requests(watchlist, plan, ledger, now):
            asked_at |= dict.fromkeys(batch, now)
            ledger = record_answer(ledger, now, {each.name: now - 2 * length for each in batch})
        for market in set(map(watchlist.market_of, instruments)):
            session = current_or_last_session(market, now)
            # The first day shows which requests there are.
            if session and now < session.closes and now > START + timedelta(days=1):
                last = max(asked_at[each] for each in instruments if watchlist.market_of(each) == market)
                worst = max(worst, now - max(last, session.opens))
        now += step
    return worst
