"""The planner: days worked by hand. New York is at UTC-5 on them, and trades from 14:30 to 21:00 UTC."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from producer.markets.sessions import market_of, sessions_between
from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState, record_answer, record_failure
from producer.planning.planner import Plan, plan_requests
from producer.providers.provider_errors import FailureOutcome
from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instrument

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
EURUSD, BTCUSD = parse_instrument("fx:EUR/USD"), parse_instrument("crypto:BTC/USD")
FREE, PAID = Plan(requests_per_day=25, requests_per_minute=1), Plan(None, 75)
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(clock: str) -> datetime:
    """A time on Friday 2026-11-20."""
    return utc(f"2026-11-20T{clock}")


def following(*instruments: Instrument) -> Watchlist:
    return Watchlist(instruments, "1min", "regular")


def plan_at(
    now: str, ledger: Ledger, instruments: Sequence[Instrument] = (IBM,), plan: Plan = PAID
) -> list[str]:
    batches = plan_requests(following(*instruments), plan, ledger, at(now))
    return [instrument.name for (instrument,) in batches]


def asked(**newest_at: tuple[str, str]) -> Ledger:
    """A ledger of instruments asked at a time that showed a newest bar."""
    ledger = Ledger()
    for name, (asked_at, newest) in newest_at.items():
        ledger = record_answer(ledger, at(asked_at), {name: at(newest)})
    return ledger


@dataclass
class World:
    """A provider whose every bar shows up `late` minutes after its end, and the runs against it."""

    instruments: Sequence[Instrument]
    plan: Plan
    hours: str = "regular"
    late: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    requests: list[tuple[datetime, str]] = field(default_factory=list)
    held: dict[str, set[datetime]] = field(default_factory=dict)

    def run(self, start: datetime, end: datetime) -> None:
        now = start
        while now < end:
            for (instrument,) in plan_requests(
                Watchlist(tuple(self.instruments), "1min", self.hours), self.plan, self.ledger, now
            ):
                self.requests.append((now, instrument.name))
                shown = [bar for bar in self.bars(instrument, now) if bar <= now - self.late * MINUTE][-100:]
                finished = [bar for bar in shown if bar < now - self.late * MINUTE]
                self.held.setdefault(instrument.name, set()).update(finished)
                newest = {instrument.name: finished[-1] if finished else None}
                self.ledger = record_answer(self.ledger, now, newest)
            now += MINUTE

    def bars(self, instrument: Instrument, until: datetime) -> Iterator[datetime]:
        market = market_of(instrument, self.hours)
        start = until - timedelta(days=4)
        for session in sessions_between(market, start, until + MINUTE):
            bar = max(session.opens, start)
            while bar < min(session.closes, until + MINUTE):
                yield bar
                bar += MINUTE

    def lost(self, start: datetime, end: datetime) -> int:
        return sum(
            bar not in self.held[instrument.name]
            for instrument in self.instruments
            for bar in self.bars(instrument, end)
            if bar >= start
        )


def stocks(count: int) -> list[Instrument]:
    return [parse_instrument(f"S{number}") for number in range(count)]


def test_a_plan_with_enough_requests_asks_for_every_bar_when_it_has_ended() -> None:
    assert plan_at("15:00", asked(IBM=("14:59", "14:58"))) == ["IBM"]
    assert plan_at("15:00:41", asked(IBM=("14:59", "14:58"))) == ["IBM"]


def test_asks_no_instrument_twice_in_a_minute() -> None:
    assert plan_at("15:00:41", asked(IBM=("15:00", "14:59"))) == []


def test_nothing_is_asked_before_the_first_bar_has_ended_and_settled() -> None:
    friday_morning = asked(IBM=("14:00", "14:00"))
    assert plan_at("14:29", friday_morning) == []
    assert plan_at("14:31", friday_morning) == []
    assert plan_at("14:32", friday_morning) == ["IBM"]


def test_longer_bars_are_asked_for_a_minute_after_their_end() -> None:
    ledger = asked(IBM=("15:01", "14:55"))
    minutes = [
        minute
        for minute in range(2, 20)
        if plan_requests(Watchlist((IBM,), "5min", "regular"), PAID, ledger, at("15:00") + minute * MINUTE)
    ]
    assert minutes[0] == 6
    ledger = record_answer(ledger, at("15:06"), {"IBM": at("15:00")})
    assert not plan_requests(Watchlist((IBM,), "5min", "regular"), PAID, ledger, at("15:10"))
    assert plan_requests(Watchlist((IBM,), "5min", "regular"), PAID, ledger, at("15:11"))


def test_an_instrument_that_has_never_been_asked_is_asked_at_once() -> None:
    assert plan_at("17:13", Ledger()) == ["IBM"]
    assert plan_at("17:13", Ledger(), plan=FREE) == ["IBM"]


def test_the_last_bar_is_asked_for_two_minutes_after_the_close() -> None:
    ledger = asked(IBM=("20:59", "20:58"))
    assert plan_at("21:00", ledger) == []
    assert plan_at("21:01", ledger) == []
    assert plan_at("21:02", ledger) == ["IBM"]
    assert plan_at("21:29", ledger) == ["IBM"]  # after an outage


def test_the_last_bar_is_asked_for_once_more_only_if_it_was_not_there() -> None:
    missing, there = asked(IBM=("21:02", "20:58")), asked(IBM=("21:02", "20:59"))
    assert plan_at("21:03", missing) == []
    assert plan_at("21:19", missing) == []
    assert plan_at("21:20", missing) == ["IBM"]
    assert plan_at("21:20", there) == []
    assert plan_at("21:21", asked(IBM=("21:20", "20:58"))) == []


def test_a_closed_market_is_left_alone() -> None:
    for now in ("21:30", "23:59", "04:00", "14:00"):
        assert plan_at(now, Ledger()) == []
        assert plan_at(now, Ledger(), plan=FREE) == []


@pytest.mark.parametrize(
    ("instrument", "day", "hours"),
    [
        (IBM, "2026-11-26", "regular"),  # Thanksgiving
        (IBM, "2026-11-26", "extended"),
        (IBM, "2026-11-21", "regular"),  # a Saturday
        (EURUSD, "2026-11-21", "regular"),
        (parse_instrument("TSCO.LON"), "2026-12-25", "regular"),
    ],
)
def test_a_day_without_a_session_takes_no_request(instrument: Instrument, day: str, hours: str) -> None:
    world = World([instrument], PAID, hours)
    world.run(utc(f"{day}T05:00"), utc(f"{day}T05:00") + timedelta(days=1))
    assert world.requests == []


def test_a_short_day_ends_with_its_close() -> None:
    world = World([IBM], PAID)
    world.run(utc("2026-11-27T05:00"), utc("2026-11-28T05:00"))
    assert world.requests[0][0] == utc("2026-11-27T14:32")
    assert world.requests[-1][0] == utc("2026-11-27T18:02")


def test_a_replayed_market_never_closes() -> None:
    assert plan_requests(Watchlist((IBM,), "1min", "always"), PAID, Ledger(), utc("2026-12-25T03:00")) == [
        [IBM]
    ]


def test_never_more_requests_in_a_run_than_a_minute_allows_and_the_most_overdue_first() -> None:
    ledger = asked(A=("14:50", "14:49"), B=("14:40", "14:39"), C=("14:59", "14:58"))
    instruments = [parse_instrument(name) for name in ("A", "B", "C")]
    assert plan_at("15:00", ledger, instruments, Plan(None, 1)) == ["B"]
    assert plan_at("15:00", ledger, instruments, Plan(None, 2)) == ["B", "A"]
    assert plan_at("15:00", ledger, instruments, Plan(None, 3)) == ["B", "A", "C"]


def test_an_instrument_that_has_never_been_asked_waits_for_its_turn() -> None:
    ledger = asked(IBM=("14:33", "14:32"))
    assert plan_at("16:00", ledger, [MSFT, IBM], Plan(None, 1)) == ["MSFT"]


def test_one_equity_with_25_requests_a_day_is_asked_every_16_minutes() -> None:
    # 24 requests over 390 minutes, the last of them after the close; one is kept back.
    world = World([IBM], FREE)
    world.run(at("05:00"), utc("2026-11-21T05:00"))
    times = [now for now, _ in world.requests]
    gaps = {(later - earlier) // MINUTE for earlier, later in pairwise(times[1:])}
    assert len(times) == 24
    assert gaps <= {16, 17, 18, 19}
    assert times[-1] == at("21:02")


def test_the_request_that_is_kept_back_asks_once_more_for_a_last_bar_that_was_not_there() -> None:
    world = World([IBM], FREE, late=15)
    world.run(at("05:00"), utc("2026-11-21T05:00"))
    assert [f"{now:%H:%M}" for now, _ in world.requests[-2:]] == ["21:02", "21:20"]
    assert len(world.requests) == 25
    assert at("20:59") in world.held["IBM"]


@pytest.mark.parametrize("late", [0, 1])
def test_six_equities_with_25_requests_a_day_lose_no_bar(late: int) -> None:
    world = World(stocks(6), FREE, late=late)
    world.run(utc("2026-11-19T05:00"), utc("2026-11-21T05:00"))
    assert world.lost(utc("2026-11-19T14:30"), at("21:00")) == 0
    assert max(Counter(now.date() for now, _ in world.requests).values()) <= 25
    assert Counter(now for now, _ in world.requests).most_common(1)[0][1] == 1


def test_seven_equities_with_25_requests_share_them_and_all_get_their_last_bar() -> None:
    world = World(stocks(7), FREE)
    world.run(at("05:00"), utc("2026-11-21T05:00"))
    shares = Counter(name for _, name in world.requests)
    assert shares.total() == 25
    assert set(shares.values()) == {3, 4}
    assert all(at("20:59") in world.held[instrument.name] for instrument in world.instruments)


def test_a_day_of_seven_equities_loses_no_more_than_the_arithmetic_demands() -> None:
    # 7 * 390 = 2,730 bars, of which 25 answers of 99 or 100 hold some 2,480; one in 100 more goes to the
    # even spacing in whole minutes.
    world = World(stocks(7), FREE)
    world.run(utc("2026-11-19T05:00"), utc("2026-11-21T05:00"))
    assert 230 <= world.lost(at("14:30"), at("21:00")) <= 300


def test_a_coin_with_25_requests_a_day_loses_no_bar_at_midnight() -> None:
    world = World([BTCUSD], FREE)
    world.run(utc("2026-11-19T05:00"), utc("2026-11-22T05:00"))
    assert world.lost(utc("2026-11-19T06:00"), utc("2026-11-22T03:00")) == 0
    assert len(world.requests) <= 75


def test_a_restart_shares_the_days_requests_with_what_ran_before() -> None:
    whole, parts = World([IBM, MSFT], FREE), World([IBM, MSFT], FREE)
    whole.run(at("14:00"), at("22:00"))
    for start, end in (("14:00", "16:10"), ("16:10", "20:47"), ("20:47", "22:00")):
        parts.ledger = Ledger.from_dict(parts.ledger.to_dict())
        parts.run(at(start), at(end))
    assert parts.requests == whole.requests


def test_a_spent_day_allows_nothing_until_midnight_in_new_york() -> None:
    spent = Ledger(at("15:00").date(), spent=25)
    assert plan_at("15:00", spent, [BTCUSD], FREE) == []
    assert plan_at("15:00", spent, [BTCUSD], PAID) == ["crypto:BTC/USD"]
    tomorrow = utc("2026-11-21T05:00")
    assert plan_requests(following(BTCUSD), FREE, spent, tomorrow - MINUTE) == []
    assert plan_requests(following(BTCUSD), FREE, spent, tomorrow) == [[BTCUSD]]


def test_a_provider_that_says_stop_is_left_alone_until_the_next_day() -> None:
    ledger = record_failure(Ledger(), at("15:00"), ["crypto:BTC/USD"], FailureOutcome.STOP_FOR_THE_DAY)
    assert plan_at("23:00", ledger, [BTCUSD, EURUSD], PAID) == []
    assert plan_requests(following(BTCUSD), PAID, ledger, utc("2026-11-21T05:00"))


def test_a_failed_instrument_waits_as_its_failure_demands_and_the_others_do_not() -> None:
    for outcome, again in (
        (FailureOutcome.RETRY_SOON, "15:01"),
        (FailureOutcome.WAIT, "15:02"),
        (FailureOutcome.TELL_A_PERSON, "16:00"),
    ):
        ledger = record_failure(asked(IBM=("14:59", "14:58")), at("15:00"), ["IBM"], outcome)
        before = f"{at(again) - MINUTE:%H:%M}"
        assert plan_at(before, ledger, [IBM, MSFT]) == ["MSFT"]
        assert set(plan_at(again, ledger, [IBM, MSFT])) == {"IBM", "MSFT"}


def test_an_outage_leaves_enough_of_the_days_requests_for_what_comes_after_it() -> None:
    # Down from 15:10 to 17:10.
    world = World([IBM], FREE)
    world.run(at("14:30"), at("15:10"))
    for minute in range(120):
        now = at("15:10") + minute * MINUTE
        if plan_requests(following(IBM), FREE, world.ledger, now):
            world.ledger = record_failure(world.ledger, now, ["IBM"], FailureOutcome.RETRY_SOON)
    world.run(at("17:10"), at("22:00"))
    # The pause between two attempts has grown to half an hour.
    assert world.lost(at("16:04"), at("21:00")) == 0
    assert world.ledger.spent <= 25


def test_each_failure_in_a_row_doubles_the_pause_where_requests_are_counted() -> None:
    ledger, attempts = asked(IBM=("14:32", "14:31")), []
    for minute in range(120):
        now = at("15:30") + minute * MINUTE
        if plan_requests(following(IBM), FREE, ledger, now):
            ledger = record_failure(ledger, now, ["IBM"], FailureOutcome.RETRY_SOON)
            attempts.append(minute)
    assert attempts == [0, 1, 3, 7, 15, 31, 63, 95]


def test_failures_in_a_row_delay_nothing_where_a_minute_has_requests_enough() -> None:
    ledger = asked(IBM=("14:32", "14:31"))
    for minute in range(30):
        now = at("15:30") + minute * MINUTE
        assert plan_requests(following(IBM), PAID, ledger, now) == [[IBM]]
        ledger = record_failure(ledger, now, ["IBM"], FailureOutcome.RETRY_SOON)


def test_a_bar_without_trades_does_not_make_an_instrument_overdue() -> None:
    # Nobody has traded for half an hour: what was asked two minutes ago is known but for two minutes.
    quiet, busy = ("14:58", "14:20"), ("14:57", "14:56")
    ledger = asked(A=quiet, B=busy)
    instruments = [parse_instrument("A"), parse_instrument("B")]
    assert plan_at("15:00", ledger, instruments, Plan(None, 1)) == ["A"]  # 14:56 and later, against 14:57
    ledger = asked(A=quiet, B=("14:54", "14:53"))
    assert plan_at("15:00", ledger, instruments, Plan(None, 1)) == ["B"]


def test_many_instruments_travel_in_one_request() -> None:
    batches = plan_requests(
        following(*stocks(250)), PAID._replace(instruments_per_request=100), Ledger(), at("15:00")
    )
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert len({instrument for batch in batches for instrument in batch}) == 250


def test_instruments_that_travel_together_share_a_days_requests() -> None:
    # 30 equities in each request: 24 a day, as for one.
    ledger, requests = Ledger(), 0
    plan = FREE._replace(instruments_per_request=100)
    now = at("14:30")
    while now < at("22:00"):
        for batch in plan_requests(following(*stocks(30)), plan, ledger, now):
            assert len(batch) == 30
            requests += 1
            ledger = record_answer(ledger, now, {each.name: now - 2 * MINUTE for each in batch})
        now += MINUTE
    assert requests in {24, 25}


@pytest.mark.parametrize(
    ("left", "requests", "lost"),
    [
        (25, 24, 0),  # one is kept for a second request after the close, and the first brings all
        (4, 4, 0),
        # After each 130 bars an answer shows 99 of them, and the one after the close 100.
        (3, 3, 31 + 31 + 30),
    ],
)
def test_what_is_left_of_a_days_requests_is_spread_over_the_session(
    left: int, requests: int, lost: int
) -> None:
    yesterday = RequestState(utc("2026-11-19T21:02"), newest=utc("2026-11-19T20:59"))
    world = World([IBM], FREE, ledger=Ledger(date(2026, 11, 20), 25 - left, instruments={"IBM": yesterday}))
    world.run(at("14:30"), at("22:00"))

    assert len(world.requests) == requests
    session = set(world.bars(IBM, at("21:00"))) - set(world.bars(IBM, at("14:29")))
    assert len(session - world.held["IBM"]) == lost


def test_refuses_an_instrument_without_a_calendar() -> None:
    with pytest.raises(InstrumentError, match=r"7203\.TYO"):
        plan_requests(following(parse_instrument("7203.TYO")), PAID, Ledger(), at("15:00"))
