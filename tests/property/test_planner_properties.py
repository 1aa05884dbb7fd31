"""The planner's promises, over plans, markets, days and crashes that nobody thought of."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from examples import examples
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from producer.markets.watchlist import Watchlist
from producer.planning.coverage import measure_coverage
from producer.planning.ledger import Ledger, RequestState, quota_day
from producer.planning.ledger_entries import record_answer, record_failure
from producer.planning.planner import Plan, plan_requests
from producer.providers.provider_errors import FailureOutcome
from stockstream.instruments import Instrument, parse_instrument
from stockstream.sessions import current_or_last_session, market_of, trading_time

MINUTE = timedelta(minutes=1)
CLOSING = timedelta(minutes=30)
UNANSWERED_CLOSING = timedelta(hours=6)
NAMES = ("IBM", "MSFT", "BRK.B", "TSCO.LON", "600104.SHH", "fx:EUR/USD", "crypto:BTC/USD")
# Days around both clock changes, a holiday and short days, and any other.
SPECIAL_DAYS = (date(2026, 3, 7), date(2026, 10, 31), date(2026, 11, 25), date(2026, 12, 23))
DAYS = st.sampled_from(SPECIAL_DAYS) | st.dates(date(2026, 1, 1), date(2026, 12, 20))
HOURS = st.sampled_from(["regular", "extended"])
INSTRUMENTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True).map(
    lambda names: [parse_instrument(name) for name in names]
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001  # bounds
    lambda moment: moment.replace(microsecond=0)
)
WHOLE_MINUTES = MOMENTS.map(lambda moment: moment.replace(second=0))
LEDGERS = st.builds(
    Ledger,
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    spent=st.integers(0, 40),
    stopped_until=st.none() | WHOLE_MINUTES,
    instruments=st.dictionaries(
        st.sampled_from(NAMES),
        st.builds(
            RequestState,
            st.none() | WHOLE_MINUTES,
            st.none() | WHOLE_MINUTES,
            st.none() | WHOLE_MINUTES,
            st.integers(0, 50),
            st.none() | WHOLE_MINUTES,
            st.integers(0, 10_000).map(lambda minutes: timedelta(minutes=minutes)),
            st.integers(0, 500),
            st.none() | WHOLE_MINUTES,
            st.none() | WHOLE_MINUTES,
            st.booleans(),
            st.none() | WHOLE_MINUTES,
        ),
    ),
)


def in_session(instrument: Instrument, hours: str, now: datetime, answered_at: datetime | None) -> bool:
    """Or soon after it; for hours if nothing was answered since the close."""
    session = current_or_last_session(market_of(instrument, hours), now)
    if session is None or session.opens >= now:
        return False
    is_unanswered = answered_at is not None and answered_at < session.closes
    return now - (UNANSWERED_CLOSING if is_unanswered else CLOSING) < session.closes


@given(
    instruments=INSTRUMENTS,
    hours=HOURS,
    interval=st.sampled_from(["1min", "5min", "60min"]),
    a_day=st.none() | st.integers(0, 40),
    a_minute=st.integers(1, 5),
    together=st.integers(1, 3),
    ledger=LEDGERS,
    now=MOMENTS,
)
def test_no_ledger_makes_it_break_a_limit_or_ask_outside_a_session(  # noqa: PLR0913  # the planner's own inputs
    *,
    instruments: list[Instrument],
    hours: str,
    interval: str,
    a_day: int | None,
    a_minute: int,
    together: int,
    ledger: Ledger,
    now: datetime,
) -> None:
    batches = plan_requests(
        Watchlist(tuple(instruments), interval, hours), Plan(a_day, a_minute, together), ledger, now
    )
    asked = [instrument for batch in batches for instrument in batch]
    assert len(batches) <= a_minute
    assert all(1 <= len(batch) <= together for batch in batches)
    assert len(set(asked)) == len(asked)
    if a_day is not None:
        spent = ledger.spent if ledger.day == quota_day(now) else 0
        assert len(batches) <= max(0, a_day - spent)
    if ledger.stopped_until and now < ledger.stopped_until:
        assert batches == []
    answered_at = {each.name: ledger.of_instrument(each.name).asked_at for each in asked}
    assert all(in_session(each, hours, now, answered_at[each.name]) for each in asked)


@given(ledger=LEDGERS)
def test_a_kept_ledger_comes_back_as_it_was(ledger: Ledger) -> None:
    assert Ledger.from_dict(ledger.to_dict()) == ledger


@settings(max_examples=examples(25))
@example(names=NAMES[:3], day=date(2026, 3, 5), hours="regular", a_day=14, late=1, crash_every=7)
@example(names=NAMES[5:], day=date(2026, 10, 31), hours="regular", a_day=32, late=0, crash_every=100)
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    day=DAYS,
    hours=HOURS,
    a_day=st.integers(4, 60),
    late=st.integers(0, 1),
    crash_every=st.integers(1, 500),
)
def test_every_bar_is_within_reach_of_a_request_whenever_coverage_says_so(
    *, names: list[str], day: date, hours: str, a_day: int, late: int, crash_every: int
) -> None:
    instruments = [parse_instrument(name) for name in names]
    plan = Plan(a_day, 1)
    start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assume(measure_coverage(Watchlist(tuple(instruments), "1min", hours), plan, start).covers)
    ledger, requests = Ledger(), []
    for minute in range(3 * 1440):
        now = start + minute * MINUTE
        if minute % crash_every == 0:
            ledger = Ledger.from_dict(ledger.to_dict())
        for (instrument,) in plan_requests(Watchlist(tuple(instruments), "1min", hours), plan, ledger, now):
            answered_at = ledger.of_instrument(instrument.name).asked_at
            assert in_session(instrument, hours, now, answered_at)
            requests.append((instrument, now))
            newest = now - (1 + late) * MINUTE
            session = current_or_last_session(market_of(instrument, hours), now)
            if session is not None:
                newest = min(newest, session.closes - MINUTE)
            ledger = record_answer(ledger, now, {instrument.name: newest})
    assert max(Counter(now for _, now in requests).values(), default=0) <= 1
    assert max(Counter(quota_day(now) for _, now in requests).values(), default=0) <= a_day
    # The day of the first look may be cut short; after it, what opens between two answers fits into one.
    for instrument in instruments:
        market = market_of(instrument, hours)
        times = [now for who, now in requests if who == instrument]
        for earlier, later in pairwise(times):
            session = current_or_last_session(market, later)
            assert session is not None
            # An answer holds 100 bars, one of them forming where the newest shows at once.
            holds = 99 + late if later < session.closes else 100
            # What was finished and shown at the earlier request is in hand.
            unseen = trading_time(market, earlier - late * MINUTE, later - late * MINUTE) / MINUTE
            assert unseen <= holds


@settings(max_examples=examples(25))
@given(
    day=DAYS, outcomes=st.lists(st.none() | st.sampled_from(list(FailureOutcome)), min_size=1, max_size=20)
)
def test_failures_of_every_kind_never_break_the_days_limit(
    day: date, outcomes: list[FailureOutcome | None]
) -> None:
    instruments = [parse_instrument(name) for name in ("IBM", "fx:EUR/USD")]
    start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    ledger, made = Ledger(), Counter[date]()
    for minute in range(1440):
        now = start + minute * MINUTE
        for (instrument,) in plan_requests(
            Watchlist(tuple(instruments), "1min", "regular"), Plan(25, 2), ledger, now
        ):
            outcome = outcomes[made.total() % len(outcomes)]
            made[quota_day(now)] += 1
            if outcome is None:
                ledger = record_answer(ledger, now, {instrument.name: now - 2 * MINUTE})
            else:
                ledger = record_failure(ledger, now, [instrument.name], outcome)
    assert max(made.values(), default=0) <= 25
