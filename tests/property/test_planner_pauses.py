"""What overdue bars are measured against: the planner never pauses longer than longest_pause says."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, quota_day
from producer.planning.ledger_entries import record_answer
from producer.planning.overdue import longest_pause
from producer.planning.planner import Plan, plan_requests
from stockstream.instruments import parse_instruments
from stockstream.sessions import current_or_last_session, market_of

MINUTE = timedelta(minutes=1)
START, END = datetime(2026, 11, 19, 5, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)
FREE = Plan(requests_per_day=25, requests_per_minute=1)


def stocks(count: int) -> str:
    return ",".join(f"S{number}" for number in range(count))


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
    ledger, asked_at, worst = Ledger(), dict.fromkeys(instruments, START), timedelta()
    now = START
    while now < END:
        for batch in plan_requests(watchlist, plan, ledger, now):
            asked_at |= dict.fromkeys(batch, now)
            ledger = record_answer(ledger, now, {each.name: now - 2 * MINUTE for each in batch})
        for market in {market_of(each, hours) for each in instruments}:
            session = current_or_last_session(market, now)
            # The first day shows which requests there are.
            if session and now < session.closes and now > START + timedelta(days=1):
                last = max(asked_at[each] for each in instruments if market_of(each, hours) == market)
                worst = max(worst, now - max(last, session.opens))
        now += MINUTE

    pause = longest_pause(watchlist, plan, quota_day(START))
    # A bar takes two minutes to show, which is granted beside the pause.
    assert timedelta() < worst <= pause + 2 * MINUTE
