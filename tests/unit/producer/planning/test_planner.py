"""The planner: days worked by hand. New York is at UTC-5 on them, and trades from 14:30 to 21:00 UTC."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState, quota_day
from producer.planning.ledger_entries import record_answer, record_failure
from producer.planning.planner import Plan, plan_requests, spare_requests
from producer.providers.provider_errors import FailureOutcome
from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instrument, parse_instruments
from stockstream.sessions import current_or_last_session, market_of, sessions_between

IBM, MSFT, F = parse_instrument("IBM"), parse_instrument("MSFT"), parse_instrument("F")
EURUSD, BTCUSD = parse_instrument("fx:EUR/USD"), parse_instrument("crypto:BTC/USD")
FREE, PAID = Plan(requests_per_day=25, requests_per_minute=1), Plan(None, 75)
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(clock: str) -> datetime:
    """A time on Friday 2026-11-20."""
    return utc(f"2026-11-20T{clock}")


def thursday(clock: str) -> datetime:
    """A time on the day before that Friday."""
    return utc(f"2026-11-19T{clock}")


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


UNKNOWN = RequestState()


def seen_until(moment: datetime) -> RequestState:
    """What is known of an instrument whose last answer showed every bar that had ended by then."""
    return RequestState(moment, newest=moment - MINUTE)


def plan_the_rest(
    left: int,
    now: datetime,
    known: Mapping[Instrument, RequestState],
    plan: Plan = FREE,
    interval: str = "1min",
) -> list[str]:
    """What is asked with so many of the day's 25 requests left."""
    states = {instrument.name: state for instrument, state in known.items()}
    ledger = Ledger(quota_day(now), 25 - left, instruments=states)
    batches = plan_requests(Watchlist(tuple(known), interval, "regular"), plan, ledger, now)
    return [instrument.name for batch in batches for instrument in batch]


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


@pytest.mark.parametrize(
    ("listed", "requests_a_day"),
    [
        ("IBM,TSCO.LON,crypto:BTC/USD,crypto:ETH/USD", 4),
        ("IBM,RELIANCE.BSE,VOD.LON,fx:EUR/USD,crypto:BTC/USD", 6),
    ],
)
def test_one_that_is_refused_each_day_takes_nothing_of_what_the_others_need(
    listed: str, requests_a_day: int
) -> None:
    # As many as coverage asks for. In bars of 15 minutes a coin needs a request after each 99, 24.75 hours.
    watchlist, plan = Watchlist(parse_instruments(listed), "15min", "regular"), Plan(requests_a_day, 5)
    now = begins = utc("2026-03-05T22:30")
    ledger = Ledger()
    requests: dict[str, list[datetime]] = {each.name: [] for each in watchlist.instruments}
    while now < begins + timedelta(days=13):
        for (instrument,) in plan_requests(watchlist, plan, ledger, now):
            requests[instrument.name].append(now)
            if instrument == IBM and now > begins + timedelta(days=1):
                ledger = record_failure(ledger, now, [IBM.name], FailureOutcome.TELL_A_PERSON)
            else:
                session = current_or_last_session(watchlist.market_of(instrument), now)
                assert session
                newest = min(now, session.closes) - 15 * MINUTE
                ledger = record_answer(ledger, now, {instrument.name: newest})
        now += 10 * MINUTE
    for coin in (name for name in requests if name.startswith("crypto")):
        assert max(later - earlier for earlier, later in pairwise(requests[coin])) <= 99 * 15 * MINUTE
    refused = [each for each in requests["IBM"] if each > begins + timedelta(days=1)]
    assert set(Counter(quota_day(each) for each in refused).values()) == {1}


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


# A day of New York has 390 bars. One request after each 95 of them takes 5, after each 99 it takes 4.
@pytest.mark.parametrize(
    ("left", "times"),
    [
        # After each 78 bars, 390 / 5; none is left over for a second request after the close.
        (5, ["15:48", "17:06", "18:24", "19:42", "21:02"]),
        # At the last moment, when 99 are unseen; of the last 93 all are in the answer after the close.
        (4, ["16:09", "17:48", "19:27", "21:02"]),
        # After each 130 bars, 390 / 3.
        (3, ["16:40", "18:50", "21:02"]),
    ],
)
def test_few_requests_are_made_when_an_even_share_of_the_bars_has_ended(left: int, times: list[str]) -> None:
    yesterday = {"IBM": seen_until(thursday("21:00"))}
    world = World([IBM], FREE, ledger=Ledger(date(2026, 11, 20), 25 - left, instruments=yesterday))
    world.run(at("14:30"), at("22:00"))

    assert [f"{now:%H:%M}" for now, _ in world.requests] == times


@pytest.mark.parametrize(("left", "asked_now"), [(6, ["IBM"]), (5, []), (4, []), (3, ["IBM"])])
def test_the_first_request_for_an_instrument_waits_if_it_would_cost_a_bar_later(
    left: int, asked_now: list[str]
) -> None:
    # 4 requests are just enough, and 5 leave none to spare. With 3, bars are lost anyway.
    assert plan_the_rest(left, at("15:00"), {IBM: UNKNOWN}) == asked_now


@pytest.mark.parametrize(("left", "asked_now"), [(12, ["IBM", "MSFT"]), (11, ["IBM"]), (10, [])])
def test_as_many_first_requests_are_made_as_there_are_requests_to_spare(
    left: int, asked_now: list[str]
) -> None:
    # Each needs 5 for the rest of the day, with one after each 95 bars.
    assert plan_the_rest(left, at("15:00"), {IBM: UNKNOWN, MSFT: UNKNOWN}, Plan(25, 5)) == asked_now


def test_a_request_is_kept_back_if_one_after_each_95_bars_is_enough_without_it() -> None:
    # 286 bars, the last of them after the close: 285 / 95 = 3 of 4 requests. 286 / 3 is a period of 95.3.
    three = {IBM: seen_until(at("16:14"))}
    assert plan_the_rest(4, at("17:49"), three) == []
    assert plan_the_rest(4, at("17:50"), three) == ["IBM"]
    # 289 bars: 288 / 95 is more than 3. All 4 are used, 289 / 4 is a period of 72.25.
    four = {IBM: seen_until(at("16:11"))}
    assert plan_the_rest(4, at("17:23"), four) == []
    assert plan_the_rest(4, at("17:24"), four) == ["IBM"]


@pytest.mark.parametrize(("left", "asked_now"), [(5, ["IBM"]), (4, [])])
def test_the_second_request_after_the_close_is_made_with_a_request_to_spare(
    left: int, asked_now: list[str]
) -> None:
    missing = RequestState(at("21:02"), newest=at("20:58"))
    # The coin's 461 bars until 05:00 take 4 requests: 5 times 95, the last of which the next day sees.
    known = {IBM: missing, BTCUSD: seen_until(at("21:19"))}
    assert plan_the_rest(left, at("21:20"), known) == asked_now


def test_one_that_fails_alone_is_tried_again_with_what_nobody_needs() -> None:
    fails = {
        "failures": 3,
        "failed_at": at("19:16"),
        "not_before": at("21:03"),
        "failed_alone_at": at("21:02"),
    }
    known = RequestState(at("19:15"), newest=at("19:13"))._replace(**fails)  # type: ignore[arg-type]
    # As above, the coin needs four.
    coin = {BTCUSD: seen_until(at("21:19"))}
    assert plan_the_rest(5, at("21:20"), {IBM: known, **coin}) == ["IBM"]
    assert plan_the_rest(4, at("21:20"), {IBM: known, **coin}) == []
    # Where only a minute's requests are limited it is asked as any other, also before its first answer.
    never = RequestState()._replace(**fails)  # type: ignore[arg-type]
    for state in (known, never):
        assert plan_at("21:20", Ledger(instruments={IBM.name: state})) == ["IBM"]


def test_what_a_common_period_leaves_over_goes_to_the_one_that_would_wait_longest() -> None:
    # IBM has 101 bars, and the euro 201. The last of each is asked for after the close, so that a period of
    # 100 takes 1 request and 2. Of 4 the last goes to IBM, for 101 / 1 is more than 201 / 2.
    known = {IBM: seen_until(at("19:19")), EURUSD: seen_until(at("18:39"))}
    assert plan_the_rest(4, at("20:09"), known) == []  # 50 are unseen, and 101 / 2 = 50.5
    assert plan_the_rest(4, at("20:10"), known) == ["IBM"]


def test_a_request_that_several_share_is_kept_for_the_close() -> None:
    known = {IBM: seen_until(thursday("21:00")), MSFT: seen_until(thursday("21:00"))}
    assert plan_the_rest(1, at("20:59"), known) == []
    assert plan_the_rest(1, at("21:02"), known) == ["IBM"]


@pytest.mark.parametrize(("left", "asked_now"), [(2, []), (3, ["crypto:BTC/USD"])])
def test_what_is_kept_for_a_close_stays_kept_until_its_requests_are_made(
    left: int, asked_now: list[str]
) -> None:
    # IBM and MSFT have closed, and their last bars are asked for two minutes later. Of the coin 32 bars of a
    # quarter of an hour are unseen, and 32 are to come: the next day's first request shows them all. A third
    # request is to spare, and halves its 64 bars.
    quarter = timedelta(minutes=15)
    shares = RequestState(thursday("21:00"), newest=thursday("20:45"))
    coin = RequestState(at("13:00"), newest=at("13:00") - quarter)

    known = {IBM: shares, MSFT: shares, BTCUSD: coin}

    assert plan_the_rest(left, at("21:00"), known, interval="15min") == asked_now


def three_seen(*bars_ago: int) -> dict[Instrument, RequestState]:
    """IBM, MSFT and F, whose last answers were asked for so many minutes before 17:48."""
    states = [seen_until(at("17:48") - bars * MINUTE) for bars in bars_ago]
    return dict(zip((IBM, MSFT, F), states, strict=True))


# At 17:48 there are 192 bars to come. For each of the three, 3 requests are just enough.
@pytest.mark.parametrize(
    ("unseen", "asked_now"),
    [
        ((99, 50, 50), ["IBM"]),  # a minute later it has lost a bar, and the others have time
        ((98, 98, 98), ["IBM", "MSFT"]),  # the third has its turn a minute later, and cannot wait for longer
        ((98, 98, 97), []),
    ],
)
def test_who_cannot_wait_for_a_minute_is_asked_and_all_before_it(
    unseen: tuple[int, ...], asked_now: list[str]
) -> None:
    assert plan_the_rest(9, at("17:48"), three_seen(*unseen), Plan(25, 2)) == asked_now


def test_instruments_that_travel_together_have_their_turn_in_the_same_minute() -> None:
    two_at_once = Plan(25, 1, instruments_per_request=2)
    # The three take two requests, so that 6 of them ask each 3 times.
    assert plan_the_rest(6, at("17:48"), three_seen(98, 98, 98), two_at_once) == ["IBM", "MSFT"]
    assert plan_the_rest(6, at("17:48"), three_seen(98, 98, 97), two_at_once) == []


def test_free_places_in_a_request_go_to_those_that_have_waited_longest() -> None:
    three_at_once = Plan(25, 1, instruments_per_request=3)
    assert plan_the_rest(3, at("17:48"), three_seen(99, 50, 51), three_at_once) == ["IBM", "F", "MSFT"]


def test_a_day_with_more_requests_than_bars_asks_for_each_bar() -> None:
    assert plan_at("15:00", asked(IBM=("14:59", "14:58")), plan=Plan(1000, 1)) == ["IBM"]


def test_a_day_that_is_more_than_spent_allows_nothing() -> None:
    # It was spent under another plan.
    assert plan_the_rest(-1, at("15:00"), {IBM: UNKNOWN, MSFT: UNKNOWN}) == []


def test_requests_to_spare_are_what_is_left_of_a_day_when_all_is_seen() -> None:
    def spare(plan: Plan, now: datetime, spent: int) -> int:
        seen = RequestState(asked_at=at("21:22"), newest=at("20:59"))
        ledger = Ledger(day=quota_day(now), spent=spent, instruments={"IBM": seen})
        return spare_requests(Watchlist((IBM,), "1min", "regular"), plan, ledger, now)

    assert spare(Plan(25, 1), at("22:00"), spent=5) == 20
    assert spare(Plan(25, 1), at("22:00"), spent=26) == 0
    # While bars are to come; and where a day's requests are not counted.
    assert spare(Plan(25, 1), at("20:00"), spent=5) == 0
    assert spare(Plan(None, 1), at("22:00"), spent=5) == 0


def test_the_deadline_of_longer_bars_is_counted_in_bars() -> None:
    # A day has 288 of 5 minutes, for which 2 requests are just enough: the third part is the next day's.
    known = {BTCUSD: RequestState(at("05:00"), newest=at("04:55"))}
    assert plan_the_rest(2, at("13:10"), known, interval="5min") == []
    assert plan_the_rest(2, at("13:15"), known, interval="5min") == ["crypto:BTC/USD"]  # 99 are unseen


def test_the_last_hundred_bars_before_a_close_wait_for_it() -> None:
    assert plan_the_rest(1, at("20:59"), {IBM: seen_until(at("19:20"))}) == []
    assert plan_the_rest(1, at("21:02"), {IBM: seen_until(at("19:20"))}) == ["IBM"]


def test_the_urgent_go_before_the_closed_and_those_before_the_ones_that_are_due() -> None:
    # The requests of the rest of the day: the coin 5 for 559 bars, the euro 1 for 80, and 1 for each of F and
    # IBM. Of 13 a common period of 63 bars takes 8, 2, 1 and 1, and one is kept for the euro's close. So the
    # euro is due after each 40.
    known = {
        MSFT: RequestState(at("21:02"), newest=at("20:58")),  # its last bar was not there
        EURUSD: seen_until(at("20:40")),  # 40 bars ago
        F: seen_until(at("20:59")),
        IBM: seen_until(at("17:00")),  # 240 bars before the close
        BTCUSD: seen_until(at("19:41")),  # 99 bars ago
    }
    in_turn = ["crypto:BTC/USD", "IBM", "F", "fx:EUR/USD", "MSFT"]
    assert plan_the_rest(13, at("21:20"), known, Plan(25, 5)) == in_turn


# In winter a quota day begins at 05:00 UTC. Shanghai trades until 07:00 then, and Bombay until 10:00. The
# next morning belongs to the same day: Shanghai's from 01:30 to 03:30, and Bombay's from 03:45 to 05:00, and
# on into the day after.
SHANGHAI, BOMBAY = parse_instrument("600104.SHH"), parse_instrument("RELIANCE.BSE")


def test_the_period_of_a_session_comes_from_its_own_bars_and_the_costs_of_all() -> None:
    # 60 bars now, 120 the next morning. Of 10 requests one is kept for each close. After each 24 bars they
    # take 3 and 5, and 60 / 3 = 20.
    known = {SHANGHAI: seen_until(thursday("06:00"))}
    assert plan_the_rest(10, thursday("06:19"), known) == []
    assert plan_the_rest(10, thursday("06:20"), known) == ["600104.SHH"]


def test_what_is_left_over_goes_by_the_session_that_is_on() -> None:
    # Shanghai has 105 bars now, and 120 the next morning; the euro has 1,547 until the day ends. A period of
    # 119 takes 1, 1 and 12. Of 15 requests the last goes to the euro, since 1,547 / 13 is more than 105 / 1.
    known = {SHANGHAI: seen_until(thursday("05:15")), EURUSD: seen_until(thursday("03:13"))}
    assert plan_the_rest(15, thursday("06:10"), known, Plan(25, 2)) == ["fx:EUR/USD"]


def test_a_session_waits_for_its_own_close_whatever_comes_after_it() -> None:
    # The next morning's 75 bars are left to the day after.
    assert plan_the_rest(1, thursday("09:59"), {BOMBAY: seen_until(thursday("08:20"))}) == []
    # 199 bars take 2 requests. The first is made when 99 are unseen.
    assert plan_the_rest(2, thursday("08:19"), {BOMBAY: seen_until(thursday("06:41"))}) == []
    assert plan_the_rest(2, thursday("08:20"), {BOMBAY: seen_until(thursday("06:41"))}) == ["RELIANCE.BSE"]


def test_a_single_request_waits_for_the_close_of_a_session_longer_than_the_next() -> None:
    # 300 bars now, and 75 the next morning.
    known = {BOMBAY: seen_until(thursday("05:00"))}
    assert plan_the_rest(1, thursday("09:59"), known) == []
    assert plan_the_rest(1, thursday("10:02"), known) == ["RELIANCE.BSE"]


def test_refuses_an_instrument_without_a_calendar() -> None:
    with pytest.raises(InstrumentError, match=r"7203\.TYO"):
        plan_requests(following(parse_instrument("7203.TYO")), PAID, Ledger(), at("15:00"))
